"""Tokens: which are good, and what hostile ones come to."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.auth.jwks import Keys, shared_secret
from gateway.auth.tokens import TokenVerifier
from gateway.auth.viewer import Viewer, ViewerLimits
from resolvers.scopes import Scope
from tests.fleet.served import ANALYSIS, FLEET_ACCESS, REGISTER
from tests.gateway.auth.issuing import (
    AUDIENCE,
    ISSUER,
    SECRET,
    claims,
    ec_key,
    jwk,
    part,
    public_pem,
    refused,
    rsa_key,
    signed,
    token_settings,
    write,
)

_SECRET_OF_FILE = b"another secret, of 32 bytes and more"


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> TokenVerifier:
    """Knows an RSA key, an EC key, a secret with a name, and one without."""
    keys = write(
        tmp_path_factory.mktemp("keys") / "jwks.json",
        jwk(rsa_key("good"), "rsa", use="sig", alg="RS256"),
        jwk(ec_key("good"), "ec"),
        jwk(_SECRET_OF_FILE, "oct"),
        jwk(rsa_key("encrypts"), "enc", use="enc"),
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "okp"},
    )
    made = TokenVerifier.of(token_settings(jwks_file=str(keys), jwt_secret=SECRET), FLEET_ACCESS)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (rsa_key("good"), "RS256", "rsa"),
        (ec_key("good"), "ES256", "ec"),
        (_SECRET_OF_FILE, "HS256", "oct"),
        (SECRET, "HS256", None),
    ],
)
def test_a_token_says_who_asks_and_what_they_may(
    verifier: TokenVerifier, key: Any, algorithm: str, kid: str | None
) -> None:
    expected = Viewer(f"jwt:{ISSUER}:ann", frozenset({REGISTER}), ViewerLimits())
    token = signed(key, algorithm, kid)
    assert verifier.viewer(token) == expected
    assert verifier.viewer(token) == expected  # as remembered


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ({"scope": "analysis:read  export x"}, {ANALYSIS, Scope.EXPORT}),
        ({"scope": None, "scp": ["analysis:read", 1, None, ["export"]]}, {ANALYSIS}),
        ({"scope": None, "scp": "export"}, {Scope.EXPORT}),
        ({"scope": "", "scp": "export"}, set()),
        ({"scope": None}, set()),
        ({"scope": {"export": True}}, set()),
        ({"scope": "REGISTER:READ register:read\0"}, set()),
    ],
)
def test_scopes_are_read_of_scope_or_else_scp(
    verifier: TokenVerifier, value: dict[str, Any], scopes: set[Scope]
) -> None:
    assert verifier.viewer(signed(SECRET, "HS256", **value)).scopes == scopes


def _hmac_with_public_key(header: dict[str, Any], key: bytes) -> str:
    """Made by hand: the library refuses to sign with a public key."""
    body = f"{part(header)}.{part(claims())}"
    return f"{body}.{part(hmac.new(key, body.encode(), hashlib.sha256).digest())}"


def _changed(token: str, **changed: Any) -> str:
    """Another payload under the same signature."""
    header, _, signature = token.split(".")
    return f"{header}.{part(claims(**changed))}.{signature}"


_HOSTILE: dict[str, Callable[[], str]] = {
    "alg none": lambda: jwt.encode(claims(), "", "none"),
    "alg none, of a key": lambda: jwt.encode(claims(), "", "none", headers={"kid": "rsa"}),
    "alg none, spelled otherwise": lambda: f"{part({'alg': 'nOnE', 'typ': 'JWT'})}.{part(claims())}.",
    "alg none, with a signature": lambda: f"{part({'alg': 'none', 'kid': 'oct'})}.{part(claims())}.{part(b'x')}",
    "HS256 with the RSA public key": lambda: _hmac_with_public_key(
        {"alg": "HS256", "kid": "rsa"}, public_pem(rsa_key("good"))
    ),
    "HS256 with the RSA key's JWK": lambda: _hmac_with_public_key(
        {"alg": "HS256", "kid": "rsa"}, json.dumps(jwk(rsa_key("good"), "rsa")).encode()
    ),
    "RS256 for the secret": lambda: signed(rsa_key("good"), "RS256", "oct"),
    "RS256 for the EC key": lambda: signed(rsa_key("good"), "RS256", "ec"),
    "RS512, which the key is not for": lambda: signed(rsa_key("good"), "RS512", "rsa"),
    "PS256, which the key is not for": lambda: signed(rsa_key("good"), "PS256", "rsa"),
    "HS512, which the secret is not for": lambda: signed(SECRET * 2, "HS512"),
    "another RSA key": lambda: signed(rsa_key("other"), "RS256", "rsa"),
    "another EC key": lambda: signed(ec_key("other"), "ES256", "ec"),
    "another secret": lambda: signed("x" * 40, "HS256"),
    "the key that encrypts": lambda: signed(rsa_key("encrypts"), "RS256", "enc"),
    "unknown kid": lambda: signed(rsa_key("good"), "RS256", "unknown"),
    "no kid, and not the secret": lambda: signed(rsa_key("good"), "RS256"),
    "a kid of a file": lambda: signed(rsa_key("good"), "RS256", "../../etc/passwd"),
    "a kid that is no text": lambda: f"{part({'alg': 'RS256', 'kid': ['rsa']})}.{part(claims())}.{part(b'x')}",
    "a key of its own": lambda: jwt.encode(
        claims(), rsa_key("other"), "RS256", headers={"jwk": jwk(rsa_key("other"), None), "kid": "x"}
    ),
    "a place of its own": lambda: jwt.encode(
        claims(), rsa_key("other"), "RS256", headers={"jku": "https://127.0.0.1/", "kid": "rsa"}
    ),
    "critical, and not known": lambda: jwt.encode(claims(), SECRET, "HS256", headers={"crit": ["x"], "x": 1}),
    "changed": lambda: _changed(signed(SECRET, "HS256"), sub="root"),
    "no signature": lambda: signed(SECRET, "HS256").rpartition(".")[0] + ".",
    "expired": lambda: signed(SECRET, "HS256", exp=time.time() - 11),
    "never expires": lambda: signed(SECRET, "HS256", exp=None),
    "expires in words": lambda: signed(SECRET, "HS256", exp="tomorrow"),
    "expires as text": lambda: signed(SECRET, "HS256", exp=str(int(time.time()) + 60)),
    "expires at infinity": lambda: signed(SECRET, "HS256", exp=float("inf")),
    "expires never, as NaN": lambda: signed(SECRET, "HS256", exp=float("nan")),
    "not yet valid": lambda: signed(SECRET, "HS256", nbf=time.time() + 60),
    "issued in the future": lambda: signed(SECRET, "HS256", iat=time.time() + 60),
    "for another": lambda: signed(SECRET, "HS256", aud="another"),
    "for others": lambda: signed(SECRET, "HS256", aud=["another", f"{AUDIENCE}-2"]),
    "for nobody": lambda: signed(SECRET, "HS256", aud=None),
    "from another": lambda: signed(SECRET, "HS256", iss="https://issuer.example"),
    "from nobody": lambda: signed(SECRET, "HS256", iss=None),
    "of nobody": lambda: signed(SECRET, "HS256", sub=None),
    "of an empty name": lambda: signed(SECRET, "HS256", sub=""),
    "of a number": lambda: jwt.PyJWS().encode(json.dumps(claims(sub=5)).encode(), SECRET, "HS256"),
    "of a name of two lines": lambda: signed(SECRET, "HS256", sub="ann\nkey:root"),
    "of a name with a null byte": lambda: signed(SECRET, "HS256", sub="ann\0"),
    "of a name that is no Unicode": lambda: signed(SECRET, "HS256", sub="\ud800"),
    "of a long name": lambda: signed(SECRET, "HS256", sub="a" * 201),
    "nothing": lambda: "",
    "dots": lambda: "..",
    "many dots": lambda: "." * 8_000,
    "garbage": lambda: "x.y.z",
    "null bytes": lambda: "\0.\0.\0",
    "unicode": lambda: "é.é.é",
    "a lone surrogate": lambda: "\ud800.a.b",
    "a deep header": lambda: f"{part(b'[' * 5_000)}.{part(claims())}.x",
    "a header that is a list": lambda: f"{part([])}.{part(claims())}.x",
    "a payload that is a list": lambda: jwt.PyJWS().encode(b"[]", SECRET, "HS256"),
    "a deep payload": lambda: jwt.PyJWS().encode(b"[" * 5_000, SECRET, "HS256"),
    "a payload that is no text": lambda: jwt.PyJWS().encode(b"\xff\xfe", SECRET, "HS256"),
}


@pytest.mark.parametrize("kind", _HOSTILE)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_token_that_is_not_good_is_refused_alike(verifier: TokenVerifier, kind: str) -> None:
    expected = "The token has expired." if kind == "expired" else "The token is not valid."
    token = _HOSTILE[kind]()
    for _ in range(2):
        assert refused(verifier, token) == expected


def test_clocks_may_differ_by_the_leeway(verifier: TokenVerifier) -> None:
    verifier.viewer(signed(SECRET, "HS256", exp=time.time() - 5, nbf=time.time() + 5))


def test_a_token_expires_even_while_it_is_remembered() -> None:
    keys: Keys = {None: shared_secret(SECRET)}
    verifier = TokenVerifier(lambda: keys, audience=AUDIENCE, issuer=ISSUER, leeway_s=0, access=FLEET_ACCESS)
    token = signed(SECRET, "HS256", exp=int(time.time()) + 1)
    verifier.viewer(token)
    while time.time() < jwt.decode(token, options={"verify_signature": False})["exp"]:
        time.sleep(0.05)
    assert refused(verifier, token) == "The token has expired."


def test_a_token_without_a_kid_is_of_the_only_key(tmp_path: Path) -> None:
    file = write(tmp_path / "jwks.json", jwk(ec_key("good"), "ec"))
    verifier = TokenVerifier.of(token_settings(jwks_file=str(file)), FLEET_ACCESS)
    assert verifier is not None
    assert verifier.viewer(signed(ec_key("good"), "ES256")).name == f"jwt:{ISSUER}:ann"
    assert refused(verifier, signed(ec_key("good"), "ES256", "other"))
