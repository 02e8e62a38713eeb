"""Issuers of tokens, good and hostile, and what a verifier says to those that are not good."""

import base64
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.auth.errors import Unauthenticated
from gateway.auth.tokens import TokenVerifier
from gateway.settings import Settings

AUDIENCE = "fuseway"
ISSUER = "https://issuer.example/"
SECRET = "a shared secret of more than 32 bytes"


@cache
def rsa_key(_name: str, bits: int = 2_048) -> rsa.RSAPrivateKey:
    """The same one for the same name."""
    return rsa.generate_private_key(65_537, bits)


@cache
def ec_key(_name: str) -> ec.EllipticCurvePrivateKey:
    """The same one for the same name."""
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: Any, kid: str | None, **more: str) -> dict[str, Any]:
    """The public half, as a JSON Web Key; of bytes, the secret."""
    if isinstance(key, bytes):
        result: dict[str, Any] = {"kty": "oct", "k": base64.urlsafe_b64encode(key).decode().rstrip("=")}
    else:
        kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
        result = dict(kind.to_jwk(key.public_key(), as_dict=True))
        result.pop("key_ops", None)
    return result | ({} if kid is None else {"kid": kid}) | more


def write(path: Path, *keys: dict[str, Any]) -> Path:
    """A JSON Web Key Set."""
    path.write_text(json.dumps({"keys": keys}))
    return path


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims, but for what is changed; a change to None leaves a claim out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": time.time() + 60, "scope": "register:read openid"}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(key: Any, algorithm: str, kid: str | None = None, **changed: Any) -> str:
    """A token."""
    headers = None if kid is None else {"kid": kid}
    return jwt.encode(claims(**changed), key, algorithm, headers=headers)


def part(value: Any) -> str:
    """A part of a token, of a value or of bytes."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def token_settings(**changed: Any) -> Settings:
    """Settings that say whom tokens must be for, and from."""
    return Settings(**({"jwt_audience": AUDIENCE, "jwt_issuer": ISSUER} | changed))


def refused(verifier: TokenVerifier, token: str) -> str:
    """Return the message to whoever sends the token, which is invalid."""
    with pytest.raises(Unauthenticated) as raised:
        verifier.viewer(token)
    error = raised.value
    assert (error.status, error.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert error.__cause__ is None
    assert error.__suppress_context__  # so that no log has what the library says of the token
    return str(error)
