"""Verify JSON Web Tokens: their signature, issuer, audience and expiry."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from gateway.auth.credential_cache import CredentialCache
from gateway.auth.errors import Unauthenticated
from gateway.auth.jwks import KeyFile, Keys, VerificationKey, shared_secret
from gateway.auth.model_access import ModelAccess
from gateway.auth.viewer import Viewer
from gateway.setting import SettingsError
from gateway.settings import Settings

_REQUIRED = ["exp", "iss", "aud", "sub"]
_MAX_SUBJECT_LENGTH = 200
"""Characters. It becomes part of names in logs and of keys of limits."""


@dataclass(frozen=True, slots=True)
class _Verified:
    viewer: Viewer
    expires: float
    keys: Keys
    """The keys when the token was verified. If they have changed, it is verified again."""


class TokenVerifier:
    """Verifies tokens. A token names the key that it was signed with; the key determines the algorithm."""

    def __init__(
        self,
        keys: Callable[[], Keys],
        *,
        audience: str,
        issuer: str,
        leeway_s: float,
        access: ModelAccess,
    ) -> None:
        self._keys = keys
        self._access = access
        self._audience = audience
        self._issuer = issuer
        self._leeway_s = leeway_s
        self.cache = self._cache = CredentialCache[_Verified]()

    @classmethod
    def of(cls, settings: Settings, access: ModelAccess) -> "TokenVerifier | None":
        """Build the verifier of the settings, or return None if they name no key. Raises SettingsError without
        secrets."""
        if not settings.jwt_secret and not settings.jwks_file:
            return None
        for variable, value in (
            ("GATEWAY_JWT_AUDIENCE", settings.jwt_audience),
            ("GATEWAY_JWT_ISSUER", settings.jwt_issuer),
        ):
            if not value:
                raise SettingsError(
                    f"{variable} is missing: without it, tokens that are for others would be good here."
                )
        keys = _keys(settings)
        return cls(
            keys,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            leeway_s=settings.jwt_leeway_s,
            access=access,
        )

    def viewer(self, token: str) -> Viewer:
        """Return the viewer of a token. Raises Unauthenticated."""
        keys = self._keys()
        verified = self._cache.get(token)
        if verified is None or verified.keys is not keys or time.time() >= verified.expires:
            verified = self._verified(token, keys)
            self._cache.put(token, verified)
        return verified.viewer

    def _verified(self, token: str, keys: Keys) -> _Verified:
        # The library's errors repeat parts of tokens: they go no further.
        try:
            claims = self._claims(token, keys)
            return _Verified(self._viewer_of(claims), claims["exp"] + self._leeway_s, keys)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.") from None
        except Exception:  # whatever a hostile token makes of it
            raise Unauthenticated("The token is not valid.") from None

    def _claims(self, token: str, keys: Keys) -> dict[str, Any]:
        key = _signed_with(jwt.get_unverified_header(token).get("kid"), keys)
        return jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            audience=self._audience,
            issuer=self._issuer,
            leeway=self._leeway_s,
            options={"require": _REQUIRED},
        )

    def _viewer_of(self, claims: dict[str, Any]) -> Viewer:
        subject = claims["sub"]
        if not 0 < len(subject) <= _MAX_SUBJECT_LENGTH or not subject.isprintable():
            raise ValueError
        tenant = self._access.tenant(claims.get(self._access.claim))
        return Viewer(f"jwt:{self._issuer}:{subject}", self._access.known(_scopes(claims)), tenant=tenant)


def _keys(settings: Settings) -> Callable[[], Keys]:
    """Return a function that returns the keys by `kid`: the shared secret under None, the others from the file."""
    secret: Keys = {None: shared_secret(settings.jwt_secret)} if settings.jwt_secret else {}
    if not settings.jwks_file:
        return lambda: secret
    return KeyFile(Path(settings.jwks_file), secret).keys


def _signed_with(kid: str | None, keys: Keys) -> VerificationKey:
    """Return the key of this name; for a token that names none, the one without a name, or the only one."""
    if kid is None and None not in keys and len(keys) == 1:
        return next(iter(keys.values()))
    return keys[kid]


def _scopes(claims: dict[str, Any]) -> list[str]:
    """Return the scopes of a token: `scope`, separated by spaces (RFC 9068), or `scp`, a text or a list."""
    scopes = claims.get("scope", claims.get("scp", ""))
    if isinstance(scopes, str):
        return scopes.split(" ")
    return [item for item in scopes if isinstance(item, str)] if isinstance(scopes, list) else []
