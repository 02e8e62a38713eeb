"""The viewer of a request, and the viewer's scopes and limits."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.setting import SettingsError
from resolvers.scopes import ALL_SCOPES

_NOBODY = "anonymous"


@dataclass(frozen=True, slots=True)
class ViewerLimits:
    """A viewer's own limits, in place of the gateway's; None leaves those."""

    ids_per_field: int | None = None
    cost_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The authenticated user of a request: `key:<id>`, `jwt:<issuer>:<subject>` or `anonymous`."""

    name: str
    scopes: frozenset[str]
    limits: ViewerLimits = ViewerLimits()
    audience: bytes = field(init=False, compare=False)
    """The viewers that may share a cached response: all anonymous ones, or all others with the same scopes.

    They also have the same limit of ids: a request that exceeds a viewer's own limit must not be answered with the
    response to another. The budget of a minute is not part of it, since cached responses are free.
    """

    def __post_init__(self) -> None:
        """Put together what is asked with every request."""
        who = "anyone" if self.is_anonymous else ""
        audience = f"{who} {self.limits.ids_per_field or ''} {self.scope_key}".encode()
        object.__setattr__(self, "audience", audience)

    @property
    def scope_key(self) -> str:
        """The scopes as a short text that is the same for the same scopes: for keys of what is cached or shared."""
        return " ".join(sorted(self.scopes))

    @property
    def is_anonymous(self) -> bool:
        """Whether the viewer is anonymous, so that responses are public."""
        return self.name == _NOBODY


ANONYMOUS = Viewer(_NOBODY, ALL_SCOPES)
"""The viewer of requests without a credential if all scopes are open to them."""


def known(scopes: Iterable[str]) -> frozenset[str]:
    """Return those scopes that exist here: tokens may carry scopes of other services."""
    return ALL_SCOPES.intersection(scopes)


def anonymous(setting: str) -> Viewer | None:
    """Return the anonymous viewer that GATEWAY_ANONYMOUS defines, or None if it defines none. Raises SettingsError."""
    words = setting.lower().replace(",", " ").split()
    if words in ([], ["none"]):
        return None
    if words == ["all"]:
        return ANONYMOUS
    scopes = frozenset(words)
    if not scopes <= ALL_SCOPES:
        choice = ", ".join(sorted(ALL_SCOPES))
        raise SettingsError(f"GATEWAY_ANONYMOUS must be all, none, or some of {choice}, and is {setting!r}.")
    return Viewer(_NOBODY, scopes)
