"""The scopes and the tenant that a credential may have for the served model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.auth.errors import TenantRequired
from gateway.setting import SettingsError
from loaders.statements.parameters import TenantScope
from resolvers.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.auth.viewer import Viewer
    from loaders.model.model import Model
    from loaders.model.scalars import Scalar

_OWN_SCOPES = frozenset(scope.value for scope in Scope)


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """The scopes of a model's fields (`read_scopes`) with the gateway's own, and how a viewer's tenant is known.

    `claim` and `scalar` are those of the tenant, empty and None for a model without tenants.
    """

    model: str
    read_scopes: frozenset[str]
    claim: str = ""
    scalar: Scalar | None = None

    @classmethod
    def of(cls, model: Model) -> ModelAccess:
        """Return the access to a model."""
        claim = model.tenant.claim if model.tenant is not None else ""
        return cls(model.name, model.scopes, claim, model.tenant_scalar)

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that a viewer may have."""
        return self.read_scopes | _OWN_SCOPES

    def known(self, scopes: Iterable[str]) -> frozenset[str]:
        """Return those of the scopes that the model knows: tokens may carry other services' too."""
        return self.scopes.intersection(scopes)

    def tenant(self, value: Any) -> str | None:
        """Return the text of the tenant's key that a claim or a key's record holds; None where it cannot be one.

        It is None for a model without tenants, whatever is said.
        """
        if self.scalar is None or self.scalar.read_key is None or isinstance(value, bool):
            return None
        text = str(value) if isinstance(value, int) else value
        key = self.scalar.read_key(text) if isinstance(text, str) and text else None
        return None if key is None else self.scalar.write_key(key)

    def has_tenant(self, viewer: Viewer) -> bool:
        """Return whether the viewer has a tenant, or the model has no tenants."""
        return self.scalar is None or viewer.tenant is not None

    def require_tenant(self, viewer: Viewer) -> Viewer:
        """Return the viewer. Raises TenantRequired if the model has tenants and the viewer has none."""
        if self.scalar is not None and not self.has_tenant(viewer):
            raise TenantRequired(self.claim, self.scalar.name)
        return viewer

    def tenant_scope(self, tenant: str | None) -> TenantScope | None:
        """Return whose rows statements may see, of a tenant's text; None for a model without tenants.

        Raises TypeError for a text that is missing or no tenant's: nothing may be loaded then.
        """
        if self.scalar is None:
            return None
        value = self.scalar.read_key(tenant) if self.scalar.read_key is not None and tenant is not None else None
        if value is None:
            raise TypeError("A model with tenants loads nothing without one.")
        return TenantScope(self.scalar, value)

    def tenant_option(self, text: str | None, option: str) -> str | None:
        """Return the tenant that an option or setting names.

        Raises SettingsError if it is missing or not a valid key, or if the model has no tenants.
        """
        if self.scalar is None:
            if text is not None:
                raise SettingsError(f"{option} has no use: the model {self.model} has no tenants.")
            return None
        if text is None:
            raise SettingsError(f"{option} is missing: the model {self.model} has tenants ({self.scalar.name}).")
        tenant = self.tenant(text)
        if tenant is None:
            raise SettingsError(f"{option} must be the key of a tenant ({self.scalar.name}), and is {text!r}.")
        return tenant
