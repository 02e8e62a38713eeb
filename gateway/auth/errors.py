"""The errors of authentication. No message repeats a credential.

AuthenticationError        status, code, headers and a text for the caller
├── Unauthenticated        401: no credential where one is needed, or one that is not good
├── TenantRequired         403: the model has tenants, and the viewer is of none
└── KeysUnavailable        503: whether the key is good cannot be said now
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import STORE_UNAVAILABLE
from loaders.errors import GatewayError
from resolvers.scopes import FORBIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.auth.viewer import Viewer


class AuthenticationError(GatewayError):
    """The endpoint answers with this status, this code, these headers and this text."""

    def __init__(self, message: str, status: int, code: str, headers: dict[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


class Unauthenticated(AuthenticationError):  # noqa: N818 (as HTTP has it)
    """The credential is missing or, with `invalid`, not valid."""

    def __init__(self, message: str, *, invalid: bool = True) -> None:
        challenge = 'Bearer error="invalid_token"' if invalid else "Bearer"
        super().__init__(message, 401, "UNAUTHENTICATED", {"WWW-Authenticate": challenge, "Cache-Control": "no-store"})


class TenantRequired(AuthenticationError):  # noqa: N818 (as HTTP has it)
    """The model has tenants, and the viewer's credential names none that can be read; or there is no credential."""

    def __init__(self, claim: str, scalar: str) -> None:
        message = (
            f"Every request belongs to a tenant: send a token with the claim {claim!r} ({scalar}), or an API key that"
            " was made for a tenant."
        )
        super().__init__(message, 403, FORBIDDEN, {"Cache-Control": "no-store"})


class KeysUnavailable(AuthenticationError):  # noqa: N818 (as HTTP has it)
    """The store of the keys is away, and this one was not seen before."""

    def __init__(self) -> None:
        headers = {"Retry-After": "1", "Cache-Control": "no-store"}
        super().__init__("Keys cannot be looked up at the moment.", 503, STORE_UNAVAILABLE, headers)


def insufficient(viewer: Viewer, scopes: Iterable[str]) -> dict[str, str]:
    """Return the header of a 403 for missing scopes (RFC 6750, 3.1); it names no error without a credential."""
    error = "" if viewer.is_anonymous else 'error="insufficient_scope", '
    return {"WWW-Authenticate": f'Bearer {error}scope="{" ".join(sorted(scopes))}"'}
