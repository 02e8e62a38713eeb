"""The keys that tokens are verified with: a shared secret, and a file of JSON Web Keys that may change."""

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from gateway.setting import SettingsError

_ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "oct": "HS256"}
"""Algorithms by the key's type, never by what a token claims: a public key must not be used as a shared secret."""
_MIN_SECRET_BYTES = 32
"""Bytes: as many as HS256's digest has. A shorter one can be found by trying, without asking the gateway."""
_MIN_RSA_BITS = 2_048
_MAX_FILE_BYTES = 1 << 20
_LOOK_EVERY_S = 2.0

_log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key and the one algorithm that it is for."""

    algorithm: str
    key: Any = field(repr=False)


Keys = Mapping[str | None, VerificationKey]
"""Keys by `kid`. The key of None has no `kid`."""


def shared_secret(secret: str) -> VerificationKey:
    """Return the key of GATEWAY_JWT_SECRET. Raises SettingsError, which does not repeat it."""
    if len(secret.encode()) < _MIN_SECRET_BYTES:
        raise SettingsError(f"GATEWAY_JWT_SECRET must have {_MIN_SECRET_BYTES} bytes at least.")
    return VerificationKey("HS256", secret.encode())


class KeyFile:
    """The keys of a file, in addition to those in `beside`.

    A change of the file is noticed within seconds. If it cannot be read then, the keys stay as they were.
    """

    def __init__(self, path: Path, beside: Keys, look_every_s: float = _LOOK_EVERY_S) -> None:
        """Read the file. Raises SettingsError if it cannot be read, or has no key for verification."""
        self._path = path
        self._beside = beside
        self._look_every_s = look_every_s
        self._stamp = _stamp(path)
        self._keys = _read(path, beside)
        self._look_at = time.monotonic() + look_every_s

    def keys(self) -> Keys:
        """Return the keys as last read: a new object if they have changed."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + self._look_every_s
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            self._keys = _read(self._path, self._beside)
        except SettingsError as error:
            _log.warning("%s The keys stay as they were.", error)
        else:
            _log.info("GATEWAY_JWKS_FILE was read again: %d keys.", len(self._keys))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def _read(path: Path, beside: Keys) -> Keys:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"GATEWAY_JWKS_FILE cannot be read: {os.strerror(error.errno or 0)}.") from error
    keys = dict(beside)
    for jwk in _listed(text):
        key = _key(jwk)
        if key is None:
            continue
        kid = jwk.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise SettingsError("GATEWAY_JWKS_FILE must have a text for the kid of each key.")
        if kid in keys:
            raise SettingsError("GATEWAY_JWKS_FILE must not have two keys of one kid.")
        keys[kid] = key
    if len(keys) == len(beside):
        raise SettingsError("GATEWAY_JWKS_FILE must have a key for RS256, ES256 (P-256) or HS256.")
    return keys


def _listed(text: bytes) -> list[dict[str, Any]]:
    try:
        keys = json.loads(text)["keys"]
        if len(text) <= _MAX_FILE_BYTES and isinstance(keys, list) and all(isinstance(item, dict) for item in keys):
            return keys
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise SettingsError('GATEWAY_JWKS_FILE must be a JSON Web Key Set, `{"keys": [ … ]}`.')


def _key(jwk: Mapping[str, Any]) -> VerificationKey | None:
    """Return the key, or None if it is for another purpose. Raises SettingsError, without the key, if it is invalid."""
    kind = jwk.get("kty")
    algorithm = _ALGORITHMS.get(kind) if isinstance(kind, str) else None
    if algorithm is None or jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    if kind == "EC" and jwk.get("crv") != "P-256":
        return None
    try:
        key = jwt.PyJWK(dict(jwk), algorithm).key
    except Exception:  # whatever it is; the library's errors repeat the key
        raise SettingsError(f"GATEWAY_JWKS_FILE has a key of type {kind} that cannot be read.") from None
    if kind == "oct":
        is_long_enough = len(key) >= _MIN_SECRET_BYTES
    else:
        key = key.public_key() if hasattr(key, "public_key") else key
        is_long_enough = kind == "EC" or key.key_size >= _MIN_RSA_BITS
    if not is_long_enough:
        raise SettingsError(f"GATEWAY_JWKS_FILE has a key of type {kind} that is too short to be safe.")
    return VerificationKey(algorithm, key)
