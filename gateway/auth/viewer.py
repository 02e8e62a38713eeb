"""The viewer of a request, and the viewer's scopes and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.setting import SettingsError

if TYPE_CHECKING:
    from gateway.auth.model_access import ModelAccess

_NOBODY = "anonymous"


@dataclass(frozen=True, slots=True)
class ViewerLimits:
    """A viewer's own limits, in place of the gateway's; None leaves those."""

    ids_per_field: int | None = None
    cost_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The authenticated user of a request: `key:<id>`, `jwt:<issuer>:<subject>` or `anonymous`.

    `tenant` is the text of the key of the tenant whose rows the viewer sees; None for a model without tenants.
    """

    name: str
    scopes: frozenset[str]
    limits: ViewerLimits = ViewerLimits()
    tenant: str | None = None
    audience: bytes = field(init=False, compare=False)
    """The viewers that may share a cached response: all anonymous ones, or all others of a tenant with the same scopes.

    They also have the same limit of ids: a request that exceeds a viewer's own limit must not be answered with the
    response to another. The budget of a minute is not part of it, since cached responses are free.
    """

    def __post_init__(self) -> None:
        """Put together what is asked with every request."""
        who = "anyone" if self.is_anonymous else ""
        tenant = "" if self.tenant is None else f"\0{self.tenant}"  # no key holds NUL
        audience = f"{who} {self.limits.ids_per_field or ''} {self.scope_key}{tenant}".encode()
        object.__setattr__(self, "audience", audience)

    @property
    def scope_key(self) -> str:
        """The scopes as a short text that is the same for the same scopes: for keys of what is cached or shared."""
        return " ".join(sorted(self.scopes))

    @property
    def budget_name(self) -> str:
        """The name of the budget that requests are charged to; empty where it is the address's."""
        if self.is_anonymous:
            return ""
        return self.name if self.tenant is None else f"{self.name}\0{self.tenant}"

    @property
    def is_anonymous(self) -> bool:
        """Whether the viewer is anonymous, so that responses are public."""
        return self.name == _NOBODY


def anonymous(setting: str, access: ModelAccess, tenant: str = "") -> Viewer | None:
    """Return the anonymous viewer that GATEWAY_ANONYMOUS and GATEWAY_ANONYMOUS_TENANT define, or None if they define
    none.

    Raises SettingsError for an unknown scope or an invalid tenant.
    """
    of_tenant = access.tenant_option(tenant, "GATEWAY_ANONYMOUS_TENANT") if tenant else None
    words = setting.lower().replace(",", " ").split()
    if words in ([], ["none"]):
        return None
    scopes = access.scopes if words == ["all"] else frozenset(words)
    if not scopes <= access.scopes:
        choice = ", ".join(sorted(access.scopes))
        raise SettingsError(f"GATEWAY_ANONYMOUS must be all, none, or some of {choice}, and is {setting!r}.")
    return Viewer(_NOBODY, scopes, tenant=of_tenant)
