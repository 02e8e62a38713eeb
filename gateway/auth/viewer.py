"""Who asks, and what they may."""

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
    """Who asks: `key:<id>`, `jwt:<issuer>:<subject>` or `anonymous`."""

    name: str
    scopes: frozenset[str]
    limits: ViewerLimits = ViewerLimits()
    audience: bytes = field(init=False, compare=False)
    """For whom an answer may be kept: everyone without a credential, or all with one who may read the same.

    And as many of it at once: what a viewer's own limit refuses is not answered because others may ask for more. The
    budget of a minute is no part of it, since what is kept costs nothing.
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
        """Whether it is nobody in particular, so that what they are answered is public."""
        return self.name == _NOBODY


ANONYMOUS = Viewer(_NOBODY, ALL_SCOPES)
"""Whoever asks without a credential where nothing is closed to them."""


def known(scopes: Iterable[str]) -> frozenset[str]:
    """Those of the scopes that there are: tokens may carry other services' too."""
    return ALL_SCOPES.intersection(scopes)


def anonymous(setting: str) -> Viewer | None:
    """Who asks without a credential, by GATEWAY_ANONYMOUS; None where that is refused. Raises SettingsError."""
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
