"""Keys of tokens in a file: read again when it has changed, and what is no file of keys."""

from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.auth.jwks import KeyFile
from gateway.auth.tokens import TokenVerifier
from gateway.setting import SettingsError
from tests.fleet.served import FLEET_ACCESS
from tests.gateway.auth.issuing import (
    AUDIENCE,
    ISSUER,
    SECRET,
    ec_key,
    jwk,
    refused,
    rsa_key,
    signed,
    token_settings,
    write,
)


def _over(file: Path) -> TokenVerifier:
    keys = KeyFile(file, {}, look_every_s=0).keys
    return TokenVerifier(keys, audience=AUDIENCE, issuer=ISSUER, leeway_s=0, access=FLEET_ACCESS)


def test_keys_that_have_changed_are_read_again_and_remembered_tokens_verified_again(tmp_path: Path) -> None:
    file = write(tmp_path / "jwks.json", jwk(ec_key("old"), "old"))
    verifier = _over(file)
    old, new = signed(ec_key("old"), "ES256", "old"), signed(ec_key("new"), "ES256", "new")
    verifier.viewer(old)
    assert refused(verifier, new)
    write(file, jwk(ec_key("old"), "old"), jwk(ec_key("new"), "new"))
    verifier.viewer(old)
    verifier.viewer(new)
    write(tmp_path / "next.json", jwk(ec_key("new"), "new")).replace(file)
    verifier.viewer(new)
    assert refused(verifier, old)


@pytest.mark.parametrize("spoil", [lambda file: file.write_text('{"keys": ['), lambda file: file.unlink()])
def test_a_file_that_is_spoilt_leaves_the_keys_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Any
) -> None:
    file = write(tmp_path / "jwks.json", jwk(ec_key("old"), "old"))
    verifier = _over(file)
    token = signed(ec_key("old"), "ES256", "old")
    spoil(file)
    for _ in range(3):
        verifier.viewer(token)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("GATEWAY_JWKS_FILE ")
    write(file, jwk(ec_key("new"), "new"))
    assert refused(verifier, token)


def test_a_file_is_looked_at_now_and_then_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "jwks.json", jwk(ec_key("old"), "old"))
    keys = KeyFile(file, {}, look_every_s=3_600)
    write(file, jwk(ec_key("new"), "new"))
    assert list(keys.keys()) == ["old"]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ([], "must have a key for RS256, ES256 (P-256) or HS256."),
        ([jwk(rsa_key("good"), "a", use="enc")], "must have a key for RS256, ES256 (P-256) or HS256."),
        ([jwk(rsa_key("good"), "a", alg="RS512")], "must have a key for RS256, ES256 (P-256) or HS256."),
        ([jwk(ec_key("good"), "a") | {"crv": "P-384"}], "must have a key for RS256, ES256 (P-256) or HS256."),
        ([jwk(ec_key("good"), "a"), jwk(ec_key("other"), "a")], "must not have two keys of one kid."),
        ([jwk(ec_key("good"), None) | {"kid": ["a"]}], "must have a text for the kid of each key."),
        ([jwk(ec_key("good"), None) | {"kid": {"a": 1}}], "must have a text for the kid of each key."),
        ([jwk(ec_key("good"), None) | {"kid": 5}], "must have a text for the kid of each key."),
        ([jwk(b"sesame, and too short", "a")], "has a key of type oct that is too short to be safe."),
        ([jwk(rsa_key("short", 1_024), "a")], "has a key of type RSA that is too short to be safe."),
        ([jwk(rsa_key("good"), "a") | {"n": "sesame!"}], "has a key of type RSA that cannot be read."),
        ([{"kty": "oct", "kid": "a"}], "has a key of type oct that cannot be read."),
        ([{"kty": "EC", "crv": "P-256", "x": "sesame", "y": "AA"}], "has a key of type EC that cannot be read."),
        (["sesame"], 'must be a JSON Web Key Set, `{"keys": [ … ]}`.'),
    ],
)
def test_a_file_without_good_keys_is_one_sentence_that_repeats_none(
    tmp_path: Path, keys: list[Any], sentence: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        TokenVerifier.of(token_settings(jwks_file=str(write(tmp_path / "jwks.json", *keys))), FLEET_ACCESS)
    assert str(raised.value) == f"GATEWAY_JWKS_FILE {sentence}"
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"keys": {}}', "[" * 100_000, " " * (1 << 20) + '{"keys": []}']
)
def test_a_file_that_is_no_key_set_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "jwks.json").write_text(text)
    with pytest.raises(SettingsError, match="GATEWAY_JWKS_FILE must be a JSON Web Key Set"):
        TokenVerifier.of(token_settings(jwks_file=str(tmp_path / "jwks.json")), FLEET_ACCESS)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"jwt_secret": "sesame"}, "GATEWAY_JWT_SECRET must have 32 bytes at least."),
        ({"jwks_file": "/nothing/here"}, "GATEWAY_JWKS_FILE cannot be read: No such file or directory."),
        ({"jwks_file": "/"}, "GATEWAY_JWKS_FILE cannot be read: Is a directory."),
        (
            {"jwt_secret": SECRET, "jwt_audience": ""},
            "GATEWAY_JWT_AUDIENCE is missing: without it, tokens that are for others would be good here.",
        ),
        (
            {"jwt_secret": SECRET, "jwt_issuer": ""},
            "GATEWAY_JWT_ISSUER is missing: without it, tokens that are for others would be good here.",
        ),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        TokenVerifier.of(token_settings(**changed), FLEET_ACCESS)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("kind", "key", "algorithm"),
    [(jwt.algorithms.ECAlgorithm, ec_key("good"), "ES256"), (jwt.algorithms.RSAAlgorithm, rsa_key("good"), "RS256")],
)
def test_a_private_key_in_the_file_is_held_as_its_public_half(
    tmp_path: Path, kind: Any, key: Any, algorithm: str
) -> None:
    private = dict(kind.to_jwk(key, as_dict=True)) | {"kid": "private"}
    (held,) = KeyFile(write(tmp_path / "jwks.json", private), {}).keys().values()
    assert not hasattr(held.key, "private_numbers")
    verifier = TokenVerifier.of(token_settings(jwks_file=str(tmp_path / "jwks.json")), FLEET_ACCESS)
    assert verifier is not None
    verifier.viewer(signed(key, algorithm, "private"))
