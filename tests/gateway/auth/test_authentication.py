"""Who asks, by a request's headers; in this process and after a revocation in another one."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploy.embedded.engines import StoreUrls
from gateway.auth.authentication import Authenticator, Policy
from gateway.auth.errors import AuthenticationError
from gateway.auth.viewer import Viewer, anonymous
from gateway.setting import SettingsError
from gateway.settings import Settings
from gateway.stores import open_cached_stores
from loaders.api_keys import ApiKeys
from tests.conftest import NewStores
from tests.credentials import ABSENT, AFTER_AN_EMPTY_LINE, BAD, Lines
from tests.fleet.served import ANALYSIS, ANONYMOUS, FLEET_ACCESS, MODEL, REGISTER
from tests.gateway.auth.conftest import added, id_of
from tests.gateway.auth.issuing import AUDIENCE, ISSUER, SECRET, signed

Headers = list[tuple[bytes, bytes]]


def _settings(stores: NewStores, urls: StoreUrls, **changed: Any) -> Settings:
    values = {"database_url": stores.database_url, "clickhouse_url": stores.clickhouse_url, "redis_url": urls.redis_url}
    tokens = {"jwt_secret": SECRET, "jwt_audience": AUDIENCE, "jwt_issuer": ISSUER}
    return Settings(**(values | tokens | changed))


@asynccontextmanager
async def _process(settings: Settings) -> AsyncIterator[Authenticator]:
    """What authenticates in a process of its own, with its own stores and cache."""
    async with open_cached_stores(settings, MODEL, listens=False) as stores:
        yield Authenticator(Policy.of(settings, MODEL), stores)


@pytest.fixture(scope="module")
async def authenticator(key_stores: NewStores, store_urls: StoreUrls) -> AsyncIterator[Authenticator]:
    """Closed to whoever has no credential."""
    async with _process(_settings(key_stores, store_urls)) as authenticator:
        yield authenticator


async def _error(authenticator: Authenticator, headers: Headers) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as raised:
        await authenticator.viewer(headers)
    return raised.value


async def test_a_key_and_a_token_are_taken_as_a_bearer_and_a_key_alone_too(
    authenticator: Authenticator, keys: ApiKeys
) -> None:
    key, token = (await added(keys)).encode(), signed(SECRET, "HS256").encode()
    named = f"key:{id_of(key.decode())}"
    for name, value, expected in [
        (b"authorization", b"Bearer " + key, named),
        (b"authorization", b"bearer   " + key + b" ", named),
        (b"x-api-key", key, named),
        (b"authorization", b"Bearer " + token, f"jwt:{ISSUER}:ann"),
    ]:
        viewer = await authenticator.viewer([(b"host", b"x"), (name, value)])
        assert viewer.name == expected


async def test_without_a_credential_the_settings_say_who_asks(key_stores: NewStores, store_urls: StoreUrls) -> None:
    async with _process(_settings(key_stores, store_urls)) as closed:
        error = await _error(closed, [(b"host", b"x")])
        assert (error.status, error.headers["WWW-Authenticate"]) == (401, "Bearer")
    async with _process(_settings(key_stores, store_urls, anonymous="all")) as opened:
        assert await opened.viewer([(b"host", b"x")]) == ANONYMOUS
        for bad in (b"Bearer x", b"Basic YTpi", b"Basic"):
            assert (await _error(opened, [(b"authorization", bad)])).status == 401


@pytest.mark.parametrize("lines", [*BAD.values(), *AFTER_AN_EMPTY_LINE.values()])
async def test_bad_credentials_are_refused_where_none_is_needed(
    key_stores: NewStores, store_urls: StoreUrls, lines: Lines
) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines]
    async with _process(_settings(key_stores, store_urls, anonymous="all")) as opened:
        assert (await _error(opened, headers)).status == 401


@pytest.mark.parametrize("lines", ABSENT.values(), ids=ABSENT)
async def test_an_empty_credential_is_as_good_as_none(
    authenticator: Authenticator, key_stores: NewStores, store_urls: StoreUrls, keys: ApiKeys, lines: Lines
) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in lines]
    error = await _error(authenticator, headers)
    assert (str(error), error.headers["WWW-Authenticate"]) == ("An API key or a token is needed.", "Bearer")
    key = await added(keys)
    assert (await authenticator.viewer([*headers, (b"x-api-key", key.encode())])).name == f"key:{id_of(key)}"
    async with _process(_settings(key_stores, store_urls, anonymous="all")) as opened:
        assert await opened.viewer(headers) == ANONYMOUS


_SCHEME = "The scheme of Authorization must be Bearer."
_NOT_A_TOKEN = "The token is not valid."
_NOT_A_KEY = "The API key is not one of this gateway."
_SEVERAL = "More than one credential was sent."


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([(b"authorization", b"Bearer\xa0")], "The credential is not valid."),
        ([(b"authorization", b"Basic c2VzYW1lOnNlc2FtZQ==")], _SCHEME),
        ([(b"authorization", b"sesame")], _SCHEME),
        ([(b"authorization", b"Bearer sesame")], _NOT_A_TOKEN),
        ([(b"authorization", b"Bearer sesame\xff")], "The credential is not valid."),
        ([(b"authorization", b"Bearer ses\0ame")], _NOT_A_TOKEN),
        ([(b"authorization", b"Bearer " + b"sesame" * 2_000)], "The credential is too long."),
        ([(b"x-api-key", b"sesame")], _NOT_A_KEY),
        ([(b"x-api-key", b"Bearer")], _NOT_A_KEY),
        ([(b"x-api-key", b"Bearer sesame")], _NOT_A_KEY),
        ([(b"x-api-key", b"fgk_sesame")], "The API key is not complete."),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer sesame")], _SEVERAL),
        ([(b"authorization", b"Bearer a"), (b"x-api-key", b"sesame")], _SEVERAL),
        ([(b"authorization", b"Bearer"), (b"x-api-key", b"sesame")], _NOT_A_KEY),
        ([(b"authorization", b"Bearer sesame"), (b"x-api-key", b"")], _NOT_A_TOKEN),
    ],
)
async def test_a_credential_that_cannot_be_is_401_and_not_repeated(
    authenticator: Authenticator, headers: Headers, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    error = await _error(authenticator, headers)
    assert (error.status, str(error)) == (401, message)
    assert error.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert "sesame" not in f"{error!r} {error.headers} {error.__cause__} {caplog.text}"


async def test_a_token_is_no_api_key(authenticator: Authenticator) -> None:
    token = signed(SECRET, "HS256").encode()
    assert str(await _error(authenticator, [(b"x-api-key", token)])) == "The API key is not one of this gateway."


async def test_tokens_need_a_key_to_be_verified_with(key_stores: NewStores, store_urls: StoreUrls) -> None:
    async with _process(_settings(key_stores, store_urls, jwt_secret="")) as authenticator:
        token = signed(SECRET, "HS256").encode()
        error = await _error(authenticator, [(b"authorization", b"Bearer " + token)])
    assert (error.status, str(error)) == (401, "Tokens are not accepted.")


async def test_a_key_that_another_process_revokes_is_refused_by_all_when_that_returns(
    key_stores: NewStores, store_urls: StoreUrls, keys: ApiKeys
) -> None:
    settings = _settings(key_stores, store_urls, keys_cache_s=300.0)
    key = await added(keys)
    headers = [(b"x-api-key", key.encode())]
    async with _process(settings) as item, _process(settings) as other:
        assert await item.viewer(headers) == await other.viewer(headers)
        environment = os.environ | {
            "DATABASE_URL": settings.database_url,
            "CLICKHOUSE_URL": settings.clickhouse_url,
            "REDIS_URL": settings.redis_url,
        }
        command = [sys.executable, "-m", "gateway", "keys", "revoke", id_of(key)]
        revoking = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
        assert await revoking.wait() == 0
        for process in (item, other):
            assert str(await _error(process, headers)) == "The API key has been revoked."


@pytest.mark.parametrize(
    ("setting", "viewer"),
    [
        ("", None),
        ("none", None),
        ("all", ANONYMOUS),
        ("None", None),
        ("ALL", ANONYMOUS),
        ("Analysis:read, register:read", Viewer("anonymous", frozenset({ANALYSIS, REGISTER}))),
        ("analysis:read register:read", Viewer("anonymous", frozenset({ANALYSIS, REGISTER}))),
    ],
)
def test_the_settings_say_what_is_open(setting: str, viewer: Viewer | None) -> None:
    assert anonymous(setting, FLEET_ACCESS) == viewer


def test_what_cannot_be_open_is_one_sentence() -> None:
    with pytest.raises(SettingsError) as raised:
        Policy.of(Settings(anonymous="true"), MODEL)
    assert str(raised.value) == (
        "GATEWAY_ANONYMOUS must be all, none, or some of analysis:read, explain, export, register:read, status, and is 'true'."
    )


def test_no_secret_is_in_what_settings_say_of_themselves() -> None:
    url = "postgresql://gateway:sesame@db/x"
    settings = Settings(database_url=url, clickhouse_url=url, redis_url=url, jwt_secret="sesame" * 8)
    assert "sesame" not in f"{settings!r} {settings}"
    policy = Policy.of(Settings(jwt_secret="sesame" * 8, jwt_audience="a", jwt_issuer="b"), MODEL)
    assert "sesame" not in repr(policy)
    assert policy.tokens is not None
    assert "sesame" not in repr(policy.tokens._keys())
