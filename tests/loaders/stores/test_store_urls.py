"""What store URLs may say, what drivers are told of it, and the sentence for everything else."""

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
from gateway.setting import SettingsError
from gateway.settings import Settings
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StoreUnavailable
from loaders.stores.postgres import Postgres
from loaders.stores.redis import Redis
from loaders.stores.urls import clickhouse, postgres, redis
from loaders.stores.urls.store_url import InvalidStoreURL, StoreKind, parse_url
from tests.certificates import authority, signed
from tests.loaders.cache.valkey import own_valkey

KINDS = {"DATABASE_URL": postgres.POSTGRES, "CLICKHOUSE_URL": clickhouse.CLICKHOUSE, "REDIS_URL": redis.REDIS}
EXAMPLES = {"DATABASE_URL": "postgresql://h", "CLICKHOUSE_URL": "https://h", "REDIS_URL": "rediss://h"}


def told(url: str) -> Any:
    """What the driver of PostgreSQL is told."""
    return postgres.driver_arguments(parse_url(postgres.POSTGRES, url))


def told_clickhouse(url: str) -> Any:
    return clickhouse.driver_arguments(parse_url(clickhouse.CLICKHOUSE, url), compress=False)


def told_redis(url: str) -> dict[str, Any]:
    client = Redis.opened(url, max_connections=1, acquire_timeout_s=1, command_timeout_s=2)
    return dict(client._client.connection_pool.connection_kwargs)


def test_what_neon_gives_is_taken() -> None:
    given = told("postgresql://u:p@ep-x.neon.tech/neondb?sslmode=require&channel_binding=require&connect_timeout=10")
    assert (given["host"], given["port"], given["database"]) == (["ep-x.neon.tech"], [5432], "neondb")
    assert given["ssl"].verify_mode.name == "CERT_NONE"
    assert (given["timeout"], given["server_settings"]) == (10, {})


def test_options_of_postgresql_reach_the_driver() -> None:
    given = told(
        "postgres://u%40corp:p%40ss%2Fw%23@h1:1,[::1],h2/a%20b?application_name=x&target_session_attrs=primary"
        "&options=-c%20search_path%3Dshop&sslmode=verify-full&sslrootcert=system&ssl_min_protocol_version=TLSv1.3"
    )
    assert (given["host"], given["port"]) == (["h1", "::1", "h2"], [1, 5432, 5432])
    assert (given["user"], given["password"], given["database"]) == ("u@corp", "p@ss/w#", "a b")
    assert given["server_settings"] == {"application_name": "x", "options": "-c search_path=shop"}
    assert (given["target_session_attrs"], given["timeout"]) == ("primary", 5)
    context = given["ssl"]
    assert (context.verify_mode.name, context.check_hostname) == ("CERT_REQUIRED", True)
    assert context.minimum_version.name == "TLSv1_3"


def test_hosts_user_password_and_database_may_be_options() -> None:
    given = told("postgresql:///?host=/run/postgresql,h&port=7&user=u&password=p%26w&dbname=d")
    assert (given["host"], given["port"]) == (["/run/postgresql", "h"], [7, 7])
    assert (given["user"], given["password"], given["database"]) == ("u", "p&w", "d")
    assert told("postgresql://u@%2Frun%2Fpostgresql/d")["host"] == ["/run/postgresql"]
    assert told("postgresql://h?sslmode=disable")["ssl"] == "disable"
    assert told("postgresql://h")["ssl"] is None  # then the driver looks at PGSSLMODE


def test_options_of_clickhouse_reach_the_driver() -> None:
    given = told_clickhouse("clickhouse://u:p%3Aw@h/fleet?secure=true&verify=false&compression=zstd&connect_timeout=7")
    assert (given["interface"], given["host"], given["port"], given["database"]) == ("https", "h", 8443, "fleet")
    assert (given["username"], given["password"]) == ("u", "p:w")
    assert (given["verify"], given["compress"], given["connect_timeout"]) == (False, "zstd", 7)
    assert given["send_receive_timeout"] == 300
    plain = told_clickhouse("clickhouse://h?compress=on&send_receive_timeout=60&username=u&password=p&database=d")
    assert (plain["interface"], plain["port"], plain["compress"]) == ("http", 8123, True)
    assert (plain["username"], plain["password"], plain["database"], plain["send_receive_timeout"]) == (
        "u",
        "p",
        "d",
        60,
    )
    assert told_clickhouse("https://h?ca_cert=certifi")["ca_cert"] == "certifi"
    assert told_clickhouse("http://h:8123/")["username"] == "default"


def test_options_of_redis_reach_the_driver() -> None:
    given = told_redis("rediss://:p%2Fw@h:7/3?ssl_check_hostname=false&socket_timeout=1.5&health_check_interval=30")
    assert (given["host"], given["port"], given["db"], given["password"]) == ("h", 7, 3, "p/w")
    assert (given["ssl_check_hostname"], given["socket_timeout"], given["health_check_interval"]) == (False, 1.5, 30)
    assert given["socket_connect_timeout"] == 2
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
    given = [
        f"{option.name}={samples.get(option.name, '1' if option.name in NUMBERS else 'text')}"
        for option in redis.OPTIONS
        if (not option.topologies or topology in option.topologies) and not (option.needs_tls and topology == "unix")
    ]
    assert len(given) > 5
    assert connections_of(f"{REDIS_URLS[topology]}?{'&'.join(given)}")


def test_every_option_of_both_databases_is_one_that_the_driver_takes() -> None:
    assert {*told("postgresql://h")} <= {*signature(asyncpg.connect).parameters}
    of_url = {*told_clickhouse("https://h?verify=true&server_host_name=x"), "ca_cert", "client_cert", "client_cert_key"}
    assert {*of_url, "tls_mode"} <= {*signature(AsyncClient).parameters}


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


REFUSED = [
    ("DATABASE_URL", "postgresql://u:p@ss/w#@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p@ss@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p/w@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p?w@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p#w@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p[w@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p]w@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p%zz@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p%@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p w@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:p\tw@h/d", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://h/d?password=a+b", "holds a character that must be percent-encoded"),
    ("DATABASE_URL", "postgresql://u:%ff@h/d", "holds percent-encoded bytes that are not UTF-8."),
    ("DATABASE_URL", "postgresql://u:p%00@h/d", "holds a control character."),
    ("DATABASE_URL", "postgresql:///d", "names no host: it must look like postgresql://user:password@host:port/name."),
    ("DATABASE_URL", "postgresql://u:p@/d", "names no host: it must look like postgresql://user:password@host:port/name."),
    ("DATABASE_URL", "postgresql://h,/d", "has an empty host."),
    ("DATABASE_URL", "postgresql://h:/d", "has a port that is not a number from 1 to 65535."),
    ("DATABASE_URL", "postgresql://h:0/d", "has a port that is not a number from 1 to 65535."),
    ("DATABASE_URL", "postgresql://h:65536/d", "has a port that is not a number from 1 to 65535."),
    ("DATABASE_URL", "postgresql://h:٣/d", "has a port that is not a number from 1 to 65535."),
    ("DATABASE_URL", "postgresql://::1/d", "has an empty host."),
    ("DATABASE_URL", "postgresql://[::x]/d", "has a host that is neither a name, nor an IPv4 address, nor an IPv6 address in brackets."),
    *(
        (variable, f"{scheme}://{host}/0", "has a host that is neither a name, nor an IPv4 address, nor an IPv6 address in brackets.")
        for variable, scheme in (("DATABASE_URL", "postgresql"), ("CLICKHOUSE_URL", "http"), ("REDIS_URL", "redis"))
        for host in ("a..b", ".a", "a" * 64, "é" * 63, "-a", "a-", "%20")
    ),
    ("DATABASE_URL", "postgresql://h!/d", "has a host that is neither a name, nor an IPv4 address, nor an IPv6 address in brackets."),
    ("DATABASE_URL", "postgresql://h/d?connect_timeout=soon", "has the option connect_timeout, which must be a number of seconds from 0.1 to 600."),
    ("DATABASE_URL", "postgresql://h/d?connect_timeout=0", "has the option connect_timeout, which must be a number of seconds from 0.1 to 600."),
    ("DATABASE_URL", "postgresql://h/d?connect_timeout=nan", "has the option connect_timeout, which must be a number of seconds from 0.1 to 600."),
    ("DATABASE_URL", "postgresql://h/d?connect_timeout=", "has the option connect_timeout, which must not be empty."),
    ("DATABASE_URL", "postgresql://h/d?connect_timeout=1&connect_timeout=1", "has the option connect_timeout more than once."),
    ("DATABASE_URL", "postgresql://h/d?database=a&dbname=a", "has the option dbname more than once."),
    ("DATABASE_URL", "postgresql://h/d?dbname=a", "has a database in its path and another one in its options."),
    ("DATABASE_URL", "postgresql://u@h/d?user=a", "has a username before the host and another one in its options."),
    ("DATABASE_URL", "postgresql://:p@h/d?password=a", "has a password before the host and another one in its options."),
    ("DATABASE_URL", "postgresql://h/d?host=x", "has a host after :// and another one in its options."),
    ("DATABASE_URL", "postgresql://h/d?port=1", "has the option port, which needs the option host."),
    ("DATABASE_URL", "postgresql:///d?host=h:1&port=1", "has the option port, and a port in the option host."),
    ("DATABASE_URL", "postgresql://h/d?sslmode", "has options that do not read as ?name=value&name=value."),
    ("DATABASE_URL", "postgresql://h/d?&sslmode=require", "has options that do not read as ?name=value&name=value."),
    ("DATABASE_URL", "postgresql://h/d?keepalives=1", "has the option keepalives, which is unknown: remove it, or see docs/stores.md for those that there are."),
    ("DATABASE_URL", "postgresql://h/d?SSLMODE=require", "has the option SSLMODE, which is unknown: remove it, or see docs/stores.md for those that there are."),
    ("DATABASE_URL", "postgresql://h/d?password=a&tail=b", "has an unknown option after password, whose value must be percent-encoded (& as %26)."),
    ("DATABASE_URL", "postgresql://h/d?pgbouncer=true", "has the option pgbouncer, which is refused: say what hands out the connections in GATEWAY_POSTGRES_POOLER."),
    ("DATABASE_URL", "postgresql://h/d?sslmode=strict", "has the option sslmode, which must be one of disable, allow, prefer, require, verify-ca, verify-full."),
    ("DATABASE_URL", "postgresql://h/d?channel_binding=require", "has channel_binding=require, which needs sslmode=require, verify-ca or verify-full."),
    ("DATABASE_URL", "postgresql://h/d?channel_binding=require&sslmode=prefer", "has channel_binding=require, which needs sslmode=require, verify-ca or verify-full."),
    ("DATABASE_URL", "postgresql://h/d?sslnegotiation=direct", "has sslnegotiation=direct, which needs sslmode=require, verify-ca or verify-full."),
    ("DATABASE_URL", "postgresql://h/d?sslrootcert=system", "has the option sslrootcert, which needs sslmode=require, verify-ca or verify-full."),
    ("DATABASE_URL", "postgresql://h/d?sslmode=verify-full", "has sslmode=verify-full, which needs sslrootcert: a file with the authority, or system."),
    ("DATABASE_URL", "postgresql://h/d?sslmode=require&sslrootcert=/none", "has the option sslrootcert, which must be the path of a file that the gateway can read (No such file or directory)."),
    ("DATABASE_URL", f"postgresql://h/d?sslmode=require&sslrootcert={__file__}", "has the option sslrootcert, which must name a file with certificates in PEM format."),
    ("DATABASE_URL", f"postgresql://h/d?sslmode=require&sslkey={__file__}", "has the option sslkey, which needs sslcert."),
    ("DATABASE_URL", f"postgresql://h/d?sslmode=require&sslcert={__file__}", "has the options sslcert and sslkey, which must be a certificate and its key in PEM format, not encrypted with another password."),
    ("CLICKHOUSE_URL", "http://h:8123/d?verify=false", "has the option verify, which needs https://, or clickhouse:// with secure=true."),
    ("CLICKHOUSE_URL", "clickhouse://h/d?ca_cert=certifi", "has the option ca_cert, which needs https://, or clickhouse:// with secure=true."),
    ("CLICKHOUSE_URL", "http://h/d?secure=true", "has the option secure, which contradicts http://."),
    ("CLICKHOUSE_URL", "https://h/d?secure=false", "has the option secure, which contradicts https://."),
    ("CLICKHOUSE_URL", "https://h/d?verify=false&ca_cert=certifi", "has verify=false, and a ca_cert that would not be used: remove one of them."),
    ("CLICKHOUSE_URL", "https://h/d?verify=maybe", "has the option verify, which must be true or false."),
    ("CLICKHOUSE_URL", "https://h/d?compress=lzma", "has the option compress, which must be true or false, lz4, zstd, gzip."),
    ("CLICKHOUSE_URL", "https://h/d?compress=1&compression=1", "has the option compress more than once."),
    ("CLICKHOUSE_URL", "https://h/d?tls_mode=strict", "has the option tls_mode, which needs client_cert."),
    ("CLICKHOUSE_URL", "https://h/d?server_host_name=a:1", "has the option server_host_name, which must be one host without a port."),
    ("CLICKHOUSE_URL", "https://h/d?max_execution_time=0", "has the option max_execution_time, which is refused: GATEWAY_STATEMENT_TIMEOUT_S sets it."),
    ("CLICKHOUSE_URL", "https://h/a/b", "has a path that is more than the name of a database."),
    ("CLICKHOUSE_URL", "https://h/a?database=b", "has a database in its path and another one in its options."),
    ("CLICKHOUSE_URL", "https://h1,h2/a", "names several hosts, and ClickHouse is asked at one: put a balancer before them."),
    ("CLICKHOUSE_URL", "https://a%3Ab:c@h/a", "has a user name with a colon, which HTTP cannot send."),
    ("CLICKHOUSE_URL", "https://", "names no host: it must look like https://user:password@host:port/name."),
    ("CLICKHOUSE_URL", "https://%2Fvar/a", "has a host that begins with a slash."),
    ("REDIS_URL", "redis://h/abc", "has a database that is not a number, as in redis://host:port/0."),
    ("REDIS_URL", "redis://h/-1", "has a database that is not a number, as in redis://host:port/0."),
    ("REDIS_URL", "redis://h/0/1", "has a database that is not a number, as in redis://host:port/0."),
    ("REDIS_URL", "redis://h/0?db=1", "has a database in its path and another one in the option db."),
    ("REDIS_URL", "redis+sentinel://h/s/0?db=1", "has a database in its path and another one in the option db."),
    ("REDIS_URL", "redis+cluster://h?db=0", "has the option db, which does not fit redis+cluster://."),
    ("REDIS_URL", "redis://h?sentinel_password=a", "has the option sentinel_password, which does not fit redis://."),
    ("REDIS_URL", "redis+sentinel://h/s?sentinel_username=a", "has the option sentinel_username, which needs sentinel_password."),
    ("REDIS_URL", "unix:///s?socket_keepalive=1", "has the option socket_keepalive, which does not fit unix://."),
    ("REDIS_URL", "unix://s", "must name a socket, as in unix:///path/of.sock."),
    ("REDIS_URL", "redis://h?ssl_cert_reqs=none", "has the option ssl_cert_reqs, which needs rediss://."),
    ("REDIS_URL", "rediss://h?ssl_cert_reqs=maybe", "has the option ssl_cert_reqs, which must be one of required, optional, none."),
    ("REDIS_URL", "rediss://h?ssl_cert_reqs=none&ssl_check_hostname=1", "has ssl_cert_reqs=none, and options about a certificate that would not be checked."),
    ("REDIS_URL", "redis://h?socket_read_size=1.5", "has the option socket_read_size, which must be a whole number from 1024 to 16777216."),
    ("REDIS_URL", "redis:///0", "names no host: it must look like redis://user:password@host:port/0."),
    *(
        ("REDIS_URL", f"redis{topology}?{option}=1", f"has the option {option}, which is refused: ")
        for topology in ("://h", "+sentinel://h/s", "+cluster://h")
        for option in ("decode_responses", "encoding", "protocol", "retry_on_timeout", "retry_on_error", "max_connections")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("variable", "url", "sentence"), REFUSED)
def test_a_url_that_cannot_be_ends_the_start_with_a_sentence(variable: str, url: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as failed:
        Settings.from_environment({variable: url})
    said = str(failed.value)
    assert said.startswith(f"{variable} {sentence}"), said
    assert said.endswith(".")
    assert "\n" not in said


def test_the_direct_url_is_checked_alike_and_named() -> None:
    for _, url, sentence in [refused for refused in REFUSED if refused[0] == "DATABASE_URL"]:
        with pytest.raises(SettingsError) as failed:
            Settings.from_environment({"DATABASE_DIRECT_URL": url})
        assert str(failed.value).startswith(f"DATABASE_DIRECT_URL {sentence}")


@pytest.mark.parametrize(("variable", "kind"), KINDS.items())
def test_an_option_that_is_refused_says_what_to_do_instead(variable: str, kind: StoreKind) -> None:
    for option in kind.refused:
        with pytest.raises(InvalidStoreURL, match=f"has the option {option}, which is refused: "):
            parse_url(kind, f"{EXAMPLES[variable]}?{option}=1")


async def test_the_url_says_how_long_a_connection_may_take(store_urls: StoreUrls) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    at = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    limits: dict[str, Any] = {"acquire_timeout_s": 60.0, "statement_timeout_s": 60.0}
    with pytest.raises(StoreUnavailable, match=f"PostgreSQL at {at} did not accept a connection within 0.2 s"):
        await Postgres.connect(f"postgresql://{at}/d?connect_timeout=0.2", min_size=1, max_size=1, **limits)
    direct = f"postgresql://{at}/d?connect_timeout=0.3"
    client = await Postgres.connect(store_urls.database_url, min_size=1, max_size=1, direct_url=direct, **limits)
    with pytest.raises(StoreUnavailable, match=f"PostgreSQL at {at} did not accept a connection within 0.3 s"):
        async with client.session():
            pass
    await client.close()
    with pytest.raises(StoreUnavailable, match=f"ClickHouse at {at} did not answer within 0.2 s"):
        await ClickHouse.connect(f"http://{at}/d?connect_timeout=0.2", max_connections=1, **limits)
    with pytest.raises(StoreUnavailable, match=f"Redis at {at} cannot be reached: Redis did not answer in time"):
        await Redis.connect(
            f"redis://{at}?socket_timeout=0.2", max_connections=1, acquire_timeout_s=60, command_timeout_s=60
        )
    listening.close()
