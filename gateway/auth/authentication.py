"""Authenticate a request by its headers."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from gateway.auth.api_keys import PREFIX, KeyVerifier
from gateway.auth.credential_cache import CredentialCache
from gateway.auth.errors import Unauthenticated
from gateway.auth.model_access import ModelAccess
from gateway.auth.tokens import TokenVerifier
from gateway.auth.viewer import Viewer, anonymous
from gateway.settings import Settings
from gateway.stores import Stores
from loaders.api_keys import ApiKeys
from loaders.model.model import Model

ViewerOf = Callable[[Request], Awaitable[Viewer]]
"""Returns the viewer of a request. Raises AuthenticationError."""

_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
_MAX_CREDENTIAL_BYTES = 8_192
"""Bytes of a credential. Longer ones would cost time to be refused, and no issuer makes them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The authentication policy of the settings, for one model."""

    anonymous: Viewer | None
    tokens: TokenVerifier | None
    keys_cache_s: float
    access: ModelAccess

    @classmethod
    def of(cls, settings: Settings, model: Model) -> "Policy":
        """Build the policy from the settings. Raises SettingsError, whose message holds no secret."""
        access = ModelAccess.of(model)
        viewer = anonymous(settings.anonymous, access, settings.anonymous_tenant)
        return cls(viewer, TokenVerifier.of(settings, access), settings.keys_cache_s, access)


class Authenticator:
    """Authenticates requests by an API key or a token in `Authorization: Bearer …`, or by an API key in `X-API-Key`."""

    def __init__(self, policy: Policy, stores: Stores) -> None:
        self._anonymous = policy.anonymous
        self._tokens = policy.tokens
        self._access = policy.access
        own = stores.own
        self._keys = None if own is None else KeyVerifier(ApiKeys(own), policy.keys_cache_s, access=self._access)
        if self._keys is not None and stores.cache is not None:
            stores.cache.on_change.append(self._keys.apply)

    @property
    def caches(self) -> list[CredentialCache[Any]]:
        """The caches of verified credentials."""
        return [verifier.cache for verifier in (self._keys, self._tokens) if verifier is not None]

    def anonymous_viewer(self, headers: Iterable[tuple[bytes, bytes]]) -> Viewer | None:
        """Return the anonymous viewer if the request has no credential and anonymous access is enabled, else None.

        Return None for an anonymous viewer without the tenant that the model needs, too: `viewer` refuses it.
        """
        for name, _ in headers:
            if name in _CREDENTIALS:
                return None
        return self._anonymous if self._anonymous is None or self._access.has_tenant(self._anonymous) else None

    async def viewer(self, headers: Iterable[tuple[bytes, bytes]]) -> Viewer:
        """Return the viewer of a request with these headers, whose names are in lower case as in ASGI.

        An empty header, and `Bearer` without a token, count as absent. Raises AuthenticationError for an invalid
        credential, for a missing one unless anonymous access is enabled, and for a viewer without a tenant if the
        model has tenants.
        """
        return self._access.require_tenant(await self._viewer(headers))

    async def _viewer(self, headers: Iterable[tuple[bytes, bytes]]) -> Viewer:
        credentials = [(name, value) for name, value in headers if _is_credential(name, value)]
        if not credentials:
            if self._anonymous is None:
                raise Unauthenticated("An API key or a token is needed.", invalid=False)
            return self._anonymous
        if len(credentials) > 1:
            raise Unauthenticated("More than one credential was sent.")
        text = _credential(*credentials[0])
        if text.startswith(PREFIX):
            if self._keys is None:
                raise Unauthenticated("API keys are not accepted.")
            return await self._keys.viewer(text)
        if credentials[0][0] == b"x-api-key":
            raise Unauthenticated("The API key is not one of this gateway.")
        if self._tokens is None:
            raise Unauthenticated("Tokens are not accepted.")
        return self._tokens.viewer(text)


async def viewer_of(request: Request) -> Viewer:
    """Return the viewer of a request, using the application's `authenticator`."""
    authenticator: Authenticator = request.app.authenticator
    return await authenticator.viewer(request.scope["headers"])


def _is_credential(name: bytes, value: bytes) -> bool:
    """Return whether a header holds a credential: clients that have none may send it empty, or `Bearer` alone.

    The edge judges alike (deploy/nginx/gateway.conf.template), since it answers who has none from its copies.
    """
    if name not in _CREDENTIALS:
        return False
    text = value.strip(b" \t").lower()
    return bool(text) and not (name == b"authorization" and text == b"bearer")


def _credential(name: bytes, value: bytes) -> str:
    if len(value) > _MAX_CREDENTIAL_BYTES:
        raise Unauthenticated("The credential is too long.")
    if not value.isascii():
        raise Unauthenticated("The credential is not valid.")
    text = value.decode("ascii").strip()
    if name == b"x-api-key":
        return text
    scheme, _, rest = text.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The scheme of Authorization must be Bearer.")
    return rest.strip()
