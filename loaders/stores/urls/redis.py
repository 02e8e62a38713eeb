"""Redis' URLs: one server, the master that sentinels name, or a cluster; redis-py's options about the connection."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from loaders.stores.urls.options import Option, ValueKind
from loaders.stores.urls.store_url import StoreKind, StoreURL
from loaders.stores.urls.syntax import MalformedURLError
from loaders.stores.urls.tls import check_authority, check_certificate

STORE = "redis"
ADVICE = (
    "The option ssl_ca_certs names the certificate of its authority; unless ssl_check_hostname=false, the host must be"
)
ADVICE += " one of the certificate's."
CONNECT_TIMEOUT_S = 2.0
"""How long a connection may take to open. Without it, a server that is gone silently holds a request for minutes."""
_OVER_TCP = ("", "sentinel", "cluster")

OPTIONS = (
    Option(
        "ssl_ca_certs",
        ValueKind.FILE,
        "The authorities that may have signed the servers' certificates, beside the machine's.",
        needs_tls=True,
    ),
    Option(
        "ssl_cert_reqs",
        ValueKind.CHOICE,
        "Whether the servers' certificates are checked (`optional` is `required` here). Not set, they are.",
        choices=("required", "optional", "none"),
        needs_tls=True,
    ),
    Option(
        "ssl_check_hostname",
        ValueKind.FLAG,
        "Whether a certificate must be of the host. Not set, it must.",
        needs_tls=True,
    ),
    Option("ssl_certfile", ValueKind.FILE, "The gateway's own certificate.", needs_tls=True),
    Option("ssl_keyfile", ValueKind.FILE, "Its key, where it is in another file, not encrypted.", needs_tls=True),
    Option(
        "socket_connect_timeout",
        ValueKind.SECONDS,
        "How long a connection may take to open. Not set, it is 2.",
        minimum=0.01,
        maximum=60,
    ),
    Option(
        "socket_timeout",
        ValueKind.SECONDS,
        "How long a command may take. Not set, it is `GATEWAY_REDIS_TIMEOUT_S`.",
        minimum=0.01,
        maximum=60,
    ),
    Option(
        "socket_keepalive",
        ValueKind.FLAG,
        "Whether the system probes idle connections. Not set, it does.",
        topologies=_OVER_TCP,
    ),
    Option(
        "socket_read_size",
        ValueKind.INTEGER,
        "Bytes that are read at once. Not set, it is 65536.",
        minimum=1_024,
        maximum=16_777_216,
    ),
    Option(
        "health_check_interval",
        ValueKind.SECONDS,
        "After how long an idle connection is tried before it is used; 0, if not set, is never.",
        minimum=0,
        maximum=86_400,
    ),
    Option("username", ValueKind.TEXT, "The user, where none is before the host."),
    Option("password", ValueKind.SECRET, "The password, where none is before the host."),
    Option(
        "db",
        ValueKind.INTEGER,
        "The number of the database, where the path has none.",
        maximum=999_999,
        topologies=("", "unix", "sentinel"),
    ),
    Option("sentinel_username", ValueKind.TEXT, "The sentinels' user.", topologies=("sentinel",)),
    Option("sentinel_password", ValueKind.SECRET, "The sentinels' password.", topologies=("sentinel",)),
)

_BYTES = "what is kept is read as bytes"
_RETRIES = "a command that failed is not sent again: the stores answer instead"
REFUSED = {
    "decode_responses": _BYTES,
    "encoding": _BYTES,
    "encoding_errors": _BYTES,
    "protocol": "RESP3 is spoken",
    "legacy_responses": "RESP3 is spoken",
    "retry": _RETRIES,
    "retry_on_timeout": _RETRIES,
    "retry_on_error": _RETRIES,
    "max_connections": "GATEWAY_REDIS_CONNECTIONS sets it",
    "timeout": "GATEWAY_ACQUIRE_TIMEOUT_S sets it",
    "client_name": "it is fuseway",
    "read_from_replicas": "a replica may hold what was taken back",
    "ssl": "rediss:// says it",
    "ssl_password": "the key must not be encrypted",
}


def topology(url: StoreURL) -> str:
    """`sentinel`, `cluster`, `unix`, or nothing for one server."""
    return "unix" if url.scheme == "unix" else url.scheme.partition("+")[2]


def _check(url: StoreURL) -> StoreURL:
    kind, options = topology(url), url.options
    for option in OPTIONS:
        if option.name in options and option.topologies and kind not in option.topologies:
            raise MalformedURLError(f"has the option {option.name}, which does not fit {url.scheme}://")
    if options.get("ssl_cert_reqs") == "none" and {"ssl_ca_certs", "ssl_check_hostname"} & options.keys():
        raise MalformedURLError("has ssl_cert_reqs=none, and options about a certificate that would not be checked")
    if "ssl_ca_certs" in options:
        check_authority("ssl_ca_certs", options["ssl_ca_certs"])
    check_certificate(("ssl_certfile", "ssl_keyfile"), options.get("ssl_certfile"), options.get("ssl_keyfile"))
    if "sentinel_username" in options and "sentinel_password" not in options:
        raise MalformedURLError("has the option sentinel_username, which needs sentinel_password")
    if not kind and len(url.hosts) > 1:
        raise MalformedURLError(f"names several hosts: write {url.scheme}+sentinel:// or {url.scheme}+cluster://")
    if kind == "unix" and (url.hosts or not url.path or url.path.endswith("/")):
        raise MalformedURLError("must name a socket, as in unix:///path/of.sock")
    path, database = _of_path(url, kind)
    return replace(url, path=path, database=database)


def _of_path(url: StoreURL, kind: str) -> tuple[str, str]:
    """Return the database, and the path that is left."""
    path = url.path if kind == "unix" else url.path.removesuffix("/")
    database = "" if kind in ("sentinel", "unix") else path
    if kind == "sentinel":
        path, _, database = path.partition("/")
        if not path:
            raise MalformedURLError("names no service after the sentinels, as in redis+sentinel://host:port/service")
    if kind == "cluster" and database.strip("0"):
        raise MalformedURLError("has a database, and a cluster has none: it ends after the hosts")
    if database and not re.fullmatch("[0-9]{1,6}", database):
        raise MalformedURLError("has a database that is not a number, as in redis://host:port/0")
    if database and "db" in url.options:
        raise MalformedURLError("has a database in its path and another one in the option db")
    return path, str(int(database or url.options.get("db", 0)))


def _example(scheme: str) -> str:
    if scheme == "unix":
        return "unix:///path/of.sock"
    where = {"": "host:port/0", "sentinel": "host:port,host:port/service", "cluster": "host:port,host:port"}
    return f"{scheme}://user:password@{where[scheme.partition('+')[2]]}"


REDIS = StoreKind(
    store=STORE,
    variable="REDIS_URL",
    schemes={
        "redis": 6379,
        "rediss": 6379,
        "unix": 0,
        "redis+sentinel": 26379,
        "rediss+sentinel": 26379,
        "redis+cluster": 6379,
        "rediss+cluster": 6379,
    },
    options=OPTIONS,
    refused=REFUSED,
    example=_example,
    without_tls=lambda url: "" if url.scheme.startswith("rediss") else "rediss://",
    check=_check,
)


def driver_options(url: StoreURL, *, command_timeout_s: float) -> dict[str, Any]:
    """Return what the driver is told of a URL, but for hosts, database and sentinels."""
    left_out = {"db", "username", "password", "sentinel_username", "sentinel_password"}
    options = {name: value for name, value in url.options.items() if name not in left_out}
    login = {"username": url.username, "password": url.password}
    return {
        "protocol": 3,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": command_timeout_s,
        **{name: value for name, value in login.items() if value is not None},
        **options,
    }
