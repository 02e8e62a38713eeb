"""What store URLs may say, and what drivers are told of it."""

import asyncio
import contextlib
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient

from deploy.embedded.engines import StoreUrls
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StoreUnavailable
from loaders.stores.postgres import Postgres
from loaders.stores.redis import Redis
from loaders.stores.urls import clickhouse, postgres, redis
from loaders.stores.urls.store_url import parse_url
from tests.certificates import authority, signed
from tests.loaders.cache.valkey import own_valkey


def told(url: str) -> Any:
    """What the driver of PostgreSQL is told."""
    return postgres.driver_arguments(parse_url(postgres.POSTGRES, url))


def told_clickhouse(url: str) -> Any:
    parts = parse_url(clickhouse.CLICKHOUSE, url)
    return clickhouse.driver_arguments(parts, compress=False) | {"hosts": parts.hosts}


def told_redis(url: str) -> dict[str, Any]:
    client = Redis.opened(url, max_connections=1, acquire_timeout_s=1, command_timeout_s=2)
    return dict(client._client.connection_pool.connection_kwargs)


def test_what_neon_gives_is_taken() -> None:
    value = told("postgresql://u:p@ep-x.neon.tech/neondb?sslmode=require&channel_binding=require&connect_timeout=10")
    assert (value["host"], value["port"], value["database"]) == (["ep-x.neon.tech"], [5432], "neondb")
    assert value["ssl"].verify_mode.name == "CERT_NONE"
    assert (value["timeout"], value["server_settings"]) == (10, {})


def test_options_of_postgresql_reach_the_driver() -> None:
    value = told(
        "postgres://u%40corp:p%40ss%2Fw%23@h1:1,[::1],h2/a%20b?application_name=x&target_session_attrs=primary"
        "&options=-c%20search_path%3Dshop&sslmode=verify-full&sslrootcert=system&ssl_min_protocol_version=TLSv1.3"
    )
    assert (value["host"], value["port"]) == (["h1", "::1", "h2"], [1, 5432, 5432])
    assert (value["user"], value["password"], value["database"]) == ("u@corp", "p@ss/w#", "a b")
    assert value["server_settings"] == {"application_name": "x", "options": "-c search_path=shop"}
    assert (value["target_session_attrs"], value["timeout"]) == ("primary", 5)
    context = value["ssl"]
    assert (context.verify_mode.name, context.check_hostname) == ("CERT_REQUIRED", True)
    assert context.minimum_version.name == "TLSv1_3"


def test_hosts_user_password_and_database_may_be_options() -> None:
    value = told("postgresql:///?host=/run/postgresql,h&port=7&user=u&password=p%26w&dbname=d")
    assert (value["host"], value["port"]) == (["/run/postgresql", "h"], [7, 7])
    assert (value["user"], value["password"], value["database"]) == ("u", "p&w", "d")
    assert told("postgresql://u@%2Frun%2Fpostgresql/d")["host"] == ["/run/postgresql"]
    assert told("postgresql://h?sslmode=disable")["ssl"] == "disable"
    assert told("postgresql://h")["target_session_attrs"] is None
    assert told("postgresql://h1,h2")["target_session_attrs"] == "primary"
    assert told("postgresql://h1,h2?target_session_attrs=any")["target_session_attrs"] == "any"
    assert told("postgresql://h")["ssl"] is None  # then the driver looks at PGSSLMODE


def test_options_of_clickhouse_reach_the_driver() -> None:
    value = told_clickhouse("clickhouse://u:p%3Aw@h/fleet?secure=true&verify=false&compression=zstd&connect_timeout=7")
    assert (value["interface"], value["hosts"], value["database"]) == ("https", (("h", 8443),), "fleet")
    assert (value["username"], value["password"]) == ("u", "p:w")
    assert (value["verify"], value["compress"], value["connect_timeout"]) == (False, "zstd", 7)
    assert value["send_receive_timeout"] == 300
    plain = told_clickhouse("clickhouse://h?compress=on&send_receive_timeout=60&username=u&password=p&database=d")
    assert (plain["interface"], plain["hosts"], plain["compress"]) == ("http", (("h", 8123),), True)
    assert (plain["username"], plain["password"], plain["database"], plain["send_receive_timeout"]) == (
        "u",
        "p",
        "d",
        60,
    )
    assert told_clickhouse("https://h?ca_cert=certifi")["ca_cert"] == "certifi"
    assert told_clickhouse("http://h:8123/")["username"] == "default"
    assert told_clickhouse("https://h1:1,h2/a")["hosts"] == (("h1", 1), ("h2", 8443))


def test_options_of_redis_reach_the_driver() -> None:
    value = told_redis("rediss://:p%2Fw@h:7/3?ssl_check_hostname=false&socket_timeout=1.5&health_check_interval=30")
    assert (value["host"], value["port"], value["db"], value["password"]) == ("h", 7, 3, "p/w")
    assert (value["ssl_check_hostname"], value["socket_timeout"], value["health_check_interval"]) == (False, 1.5, 30)
    assert value["socket_connect_timeout"] == 2
    other = told_redis("redis://h?db=4&username=u&password=p&socket_connect_timeout=9&socket_keepalive=no")
    assert (other["db"], other["username"], other["password"]) == (4, "u", "p")
    assert (other["socket_connect_timeout"], other["socket_keepalive"], other["socket_timeout"]) == (9, False, 2)
    socket = told_redis("unix://u:p@/run/valkey.sock?db=2")
    assert (socket["path"], socket["db"], socket["username"]) == ("/run/valkey.sock", 2, "u")


SAMPLES = {
    "ssl_check_hostname": "true",
    "ssl_cert_reqs": "required",
    "socket_keepalive": "on",
    "socket_read_size": "4096",
}
NUMBERS = {"socket_connect_timeout", "socket_timeout", "health_check_interval", "db"}
REDIS_URLS = {
    "": "rediss://h",
    "unix": "unix:///run/valkey.sock",
    "sentinel": "rediss+sentinel://h/service",
    "cluster": "rediss+cluster://h",
}


def connections_of(url: str) -> list[Any]:
    """A connection of each kind that a client of this URL would open, and opens none."""
    client = Redis.opened(url, max_connections=1, acquire_timeout_s=1, command_timeout_s=2)._client
    if url.startswith("rediss+cluster"):
        (node,) = client.nodes_manager.startup_nodes.values()
        made = type(client.get_default_node() or node)(node.host, node.port, **client.connection_kwargs)
        return [made.connection_class(**made.connection_kwargs)]
    pool = client.connection_pool
    sentinels = pool.sentinel_manager.sentinels if "sentinel" in url else []
    return [pool.make_connection(), *(sentinel.connection_pool.make_connection() for sentinel in sentinels)]


@pytest.mark.parametrize("topology", REDIS_URLS)
def test_every_option_of_redis_is_one_that_the_drivers_connections_take(topology: str, tmp_path: Path) -> None:
    own = signed(tmp_path, authority(tmp_path, "authority"))
    samples = SAMPLES | {"ssl_ca_certs": own.certificate, "ssl_certfile": own.certificate, "ssl_keyfile": own.key}
    value = [
        f"{option.name}={samples.get(option.name, '1' if option.name in NUMBERS else 'text')}"
        for option in redis.OPTIONS
        if (not option.topologies or topology in option.topologies) and not (option.needs_tls and topology == "unix")
    ]
    assert len(value) > 5
    assert connections_of(f"{REDIS_URLS[topology]}?{'&'.join(value)}")


def test_every_option_of_both_databases_is_one_that_the_driver_takes() -> None:
    assert {*told("postgresql://h")} <= {*signature(asyncpg.connect).parameters}
    of_url = {*told_clickhouse("https://h?verify=true&server_host_name=x"), "ca_cert", "client_cert", "client_cert_key"}
    assert {*of_url, "tls_mode"} - {"hosts"} <= {*signature(AsyncClient).parameters}


@pytest.mark.engine
async def test_a_server_takes_every_option_at_once(tmp_path: Path) -> None:
    with (
        TemporaryDirectory(prefix="valkey-") as folder,  # a socket's path must be short
        own_valkey(tmp_path, "--unixsocket", f"{folder}/socket") as valkey,
    ):
        await asyncio.to_thread(valkey.ask, "CONFIG", "SET", "requirepass", "p@ss/w#")
        options = "socket_timeout=5&socket_connect_timeout=5&socket_read_size=4096&health_check_interval=1"
        for url in (
            f"redis://:p%40ss%2Fw%23@127.0.0.1:{valkey.port}/1?{options}&socket_keepalive=off",
            f"redis://127.0.0.1:{valkey.port}?{options}&db=1&username=default&password=p%40ss%2Fw%23",
            f"unix://:p%40ss%2Fw%23@{folder}/socket?{options}&db=1",
        ):
            client = await Redis.connect(url, max_connections=1, acquire_timeout_s=5, command_timeout_s=5)
            assert await client.keep("it", b"kept", keep_s=60)
            assert await client.kept("it") == b"kept"
            await client.close()


async def test_the_server_sees_what_the_url_says_of_the_session(store_urls: StoreUrls) -> None:
    url = f"{store_urls.database_url}?application_name=mine&options=-c%20search_path%3Dpg_catalog&sslmode=disable"
    client = await Postgres.connect(url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=7)
    shown = "select current_setting('application_name'), current_setting('search_path'), current_setting('statement_timeout')"
    assert [tuple(row) for row in await client.rows(shown)] == [("mine", "pg_catalog", "7s")]
    async with client.session() as session:
        assert tuple((await session.rows(shown))[0])[:2] == ("mine-session", "pg_catalog")
    await client.close()


async def test_stores_show_connections_under_the_products_name(store_urls: StoreUrls) -> None:
    limits = {"max_connections": 1, "acquire_timeout_s": 5, "command_timeout_s": 5}
    postgres = await Postgres.connect(
        store_urls.database_url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=5
    )
    redis = await Redis.connect(store_urls.redis_url, **limits)
    assert [tuple(row) for row in await postgres.rows("select current_setting('application_name')")] == [("fuseway",)]
    assert await redis._client.client_getname() == b"fuseway"
    await postgres.close()
    await redis.close()


async def test_no_option_of_the_url_takes_the_statement_timeout_away(store_urls: StoreUrls) -> None:
    url = f"{store_urls.database_url}?options=-c%20statement_timeout%3D0"
    client = await Postgres.connect(url, min_size=1, max_size=1, acquire_timeout_s=5, statement_timeout_s=7)
    assert [tuple(row) for row in await client.rows("select current_setting('statement_timeout')")] == [("7s",)]
    await client.close()


def test_a_time_out_of_the_url_is_that_of_commands() -> None:
    url = "redis://h?socket_timeout=0.25"
    client = Redis.opened(url, max_connections=1, acquire_timeout_s=1, command_timeout_s=2)
    assert client.command_timeout_s == 0.25


def test_a_clusters_client_takes_every_option_that_fits_one() -> None:
    url = "rediss+cluster://u:p@h1,h2:7?socket_timeout=1&socket_keepalive=on&socket_read_size=4096&ssl_cert_reqs=none"
    client = Redis.opened(f"{url}&health_check_interval=5", max_connections=1, acquire_timeout_s=1, command_timeout_s=2)
    assert [(node.host, node.port) for node in client._client.nodes_manager.startup_nodes.values()] == [
        ("h1", 6379),
        ("h2", 7),
    ]
    assert client._client.connection_kwargs["ssl_cert_reqs"] == "none"


async def test_the_url_says_how_long_a_connection_may_take(store_urls: StoreUrls) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    index = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    limits: dict[str, Any] = {"acquire_timeout_s": 60.0, "statement_timeout_s": 60.0}
    with pytest.raises(StoreUnavailable, match=f"PostgreSQL at {index} did not accept a connection within 0.2 s"):
        await Postgres.connect(f"postgresql://{index}/d?connect_timeout=0.2", min_size=1, max_size=1, **limits)
    direct = f"postgresql://{index}/d?connect_timeout=0.3"
    client = await Postgres.connect(store_urls.database_url, min_size=1, max_size=1, direct_url=direct, **limits)
    with pytest.raises(StoreUnavailable, match=f"PostgreSQL at {index} did not accept a connection within 0.3 s"):
        async with client.session():
            pass
    await client.close()
    with pytest.raises(StoreUnavailable, match=f"ClickHouse at {index} did not answer within 0.2 s"):
        await ClickHouse.connect(f"http://{index}/d?connect_timeout=0.2", max_connections=1, **limits)
    with pytest.raises(StoreUnavailable, match=f"Redis at {index} cannot be reached: Redis did not answer in time"):
        await Redis.connect(
            f"redis://{index}?socket_timeout=0.2", max_connections=1, acquire_timeout_s=60, command_timeout_s=60
        )
    listening.close()
