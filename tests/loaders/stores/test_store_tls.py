"""Private authorities: each store with TLS in front of it, its certificate signed by an authority that nobody knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StoreUnavailable
from loaders.stores.postgres import Postgres
from loaders.stores.redis import Redis
from tests.certificates import Certificate, authority, signed
from tests.gateway.in_process import opened
from tests.loaders.stores.terminator import Terminator, terminator, through

LIMITS: dict[str, Any] = {"acquire_timeout_s": 5.0, "statement_timeout_s": 5.0}


@dataclass(frozen=True, slots=True)
class Authorities:
    """One that signed the server's certificate, and another one."""

    right: Certificate
    wrong: Certificate
    server: Certificate
    named: Certificate
    """The same for a host that the tests do not ask at."""


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    folder = tmp_path_factory.mktemp("authorities")
    right, wrong = authority(folder, "right"), authority(folder, "wrong")
    named = signed(folder, right, names="DNS:store.example", file="named")
    return Authorities(right, wrong, signed(folder, right), named)


async def ping(store: str, url: str) -> None:
    """Connect, ask, and close."""
    client: Postgres | ClickHouse | Redis
    if store == "postgresql":
        client = await Postgres.connect(url, min_size=1, max_size=1, **LIMITS)
        try:
            async with client.session() as session:  # what listens and migrates goes the same way
                await session.rows("select 1")
        except BaseException:
            await client.close()
            raise
    elif store == "clickhouse":
        client = await ClickHouse.connect(url, max_connections=1, **LIMITS)
    else:
        client = await Redis.connect(url, max_connections=1, acquire_timeout_s=5, command_timeout_s=5)
    await client.ping()
    await client.close()


@dataclass(frozen=True, slots=True)
class Case:
    """How a URL of one store says it."""

    store: str
    scheme: str
    verified: str
    unverified: str
    with_client: str
    option: str


CASES = [
    Case(
        "postgresql",
        "postgresql",
        "sslmode=verify-full&sslrootcert={}",
        "sslmode=require&channel_binding=require",
        "&sslcert={}&sslkey={}",
        "sslrootcert",
    ),
    Case("clickhouse", "https", "ca_cert={}", "verify=false", "&client_cert={}&client_cert_key={}&tls_mode=strict", "ca_cert"),
    Case("redis", "rediss", "ssl_ca_certs={}", "ssl_cert_reqs=none", "&ssl_certfile={}&ssl_keyfile={}", "ssl_ca_certs"),
]  # fmt: skip


def url_of(urls: StoreUrls, store: str) -> str:
    return {"postgresql": urls.database_url, "clickhouse": urls.clickhouse_url, "redis": urls.redis_url}[store]


@asynccontextmanager
async def encrypted(
    urls: StoreUrls, case: Case, server: Certificate, client_authority: Certificate | None = None
) -> AsyncIterator[Terminator]:
    async with terminator(url_of(urls, case.store), server, client_authority=client_authority) as between:
        yield between


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.store)
async def test_a_private_authority_is_trusted_where_the_url_names_it(
    store_urls: StoreUrls, authorities: Authorities, case: Case
) -> None:
    async with encrypted(store_urls, case, authorities.server) as between:
        options = case.verified.format(authorities.right.certificate)
        await ping(case.store, through(url_of(store_urls, case.store), between, case.scheme, options))
        assert between.connections >= 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.store)
async def test_another_authority_is_refused_with_a_sentence(
    store_urls: StoreUrls, authorities: Authorities, case: Case
) -> None:
    async with encrypted(store_urls, case, authorities.server) as between:
        options = case.verified.format(authorities.wrong.certificate)
        url = through(url_of(store_urls, case.store), between, case.scheme, options)
        with pytest.raises(StoreUnavailable, match=r"its certificate is refused \(.*certificate.*\)") as failed:
            await ping(case.store, url)
    assert f"The option {case.option} names the certificate of its authority" in str(failed.value)
    assert f"127.0.0.1:{between.port}" in str(failed.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.store)
async def test_a_certificate_of_another_host_is_refused_with_a_sentence(
    store_urls: StoreUrls, authorities: Authorities, case: Case
) -> None:
    async with encrypted(store_urls, case, authorities.named) as between:
        options = case.verified.format(authorities.right.certificate)
        url = through(url_of(store_urls, case.store), between, case.scheme, options)
        with pytest.raises(StoreUnavailable, match=r"its certificate is refused \(.*127\.0\.0\.1.*\)"):
            await ping(case.store, url)


@pytest.mark.parametrize(
    ("case", "options"),
    [
        (CASES[0], "sslmode=verify-ca&sslrootcert={}"),
        (CASES[0], "sslmode=require&sslrootcert={}"),
        (CASES[1], "ca_cert={}&server_host_name=store.example"),
        (CASES[2], "ssl_ca_certs={}&ssl_check_hostname=false"),
    ],
)
async def test_the_host_may_be_another_one_where_the_url_says_so(
    store_urls: StoreUrls, authorities: Authorities, case: Case, options: str
) -> None:
    async with encrypted(store_urls, case, authorities.named) as between:
        url = through(
            url_of(store_urls, case.store), between, case.scheme, options.format(authorities.right.certificate)
        )
        await ping(case.store, url)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.store)
async def test_an_unknown_authority_is_taken_only_where_the_url_says_so(
    store_urls: StoreUrls, authorities: Authorities, case: Case
) -> None:
    unsaid = "sslmode=verify-full&sslrootcert=system" if case.store == "postgresql" else ""
    async with encrypted(store_urls, case, authorities.server) as between:
        await ping(case.store, through(url_of(store_urls, case.store), between, case.scheme, case.unverified))
        with pytest.raises(StoreUnavailable, match="its certificate is refused"):
            await ping(case.store, through(url_of(store_urls, case.store), between, case.scheme, unsaid))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.store)
async def test_the_gateway_shows_a_certificate_of_its_own(
    store_urls: StoreUrls, authorities: Authorities, case: Case, tmp_path: Path
) -> None:
    own = signed(tmp_path, authorities.right, names="DNS:gateway.example", file="gateway")
    verified = case.verified.format(authorities.right.certificate)
    async with encrypted(store_urls, case, authorities.server, authorities.right) as between:
        url = url_of(store_urls, case.store)
        options = verified + case.with_client.format(own.certificate, own.key)
        await ping(case.store, through(url, between, case.scheme, options))
        with pytest.raises(StoreUnavailable):
            await ping(case.store, through(url, between, case.scheme, verified))


async def test_a_server_without_tls_is_refused_where_it_is_required(store_urls: StoreUrls) -> None:
    with pytest.raises(StoreUnavailable, match="rejected SSL upgrade"):
        await ping("postgresql", f"{store_urls.database_url}?sslmode=require&channel_binding=require")


async def test_a_gateway_starts_without_a_redis_whose_certificate_is_refused_and_logs_why(
    store_urls: StoreUrls, authorities: Authorities, caplog: pytest.LogCaptureFixture
) -> None:
    case = CASES[2]
    async with encrypted(store_urls, case, authorities.server) as between:
        options = case.verified.format(authorities.wrong.certificate)
        url = through(store_urls.redis_url, between, case.scheme, options)
        async with opened(store_urls, redis_url=url) as client:
            answer = (await client.get("/readyz")).json()
    assert (answer["ready"], answer["stores"]["redis"]) == (True, "away")
    assert "its certificate is refused (" in caplog.text
    assert "The option ssl_ca_certs names the certificate of its authority" in caplog.text
