"""ClickHouse's URLs: the options of clickhouse-connect that are about the connection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from loaders.stores.urls import syntax
from loaders.stores.urls.options import Option, ValueKind
from loaders.stores.urls.store_url import StoreKind, StoreURL
from loaders.stores.urls.syntax import MalformedURLError
from loaders.stores.urls.tls import check_authority, check_certificate

STORE = "clickhouse"
ADVICE = "The option ca_cert names the certificate of its authority; server_host_name is the name in the certificate."
CONNECT_TIMEOUT_S = 5.0
"""How long a connection may take to open. Without it, a server that is gone silently holds a request for minutes."""
_INSERT_TIMEOUT_S = 300.0
_CERTIFI = "certifi"

OPTIONS = (
    Option(
        "secure", ValueKind.FLAG, "Whether `clickhouse://` is over TLS; `http://` and `https://` say it themselves."
    ),
    Option("verify", ValueKind.FLAG, "Whether the server's certificate is checked. Not set, it is.", needs_tls=True),
    Option(
        "ca_cert",
        ValueKind.FILE,
        "The authorities that may have signed the server's certificate, beside the machine's; `certifi` is that"
        " package's.",
        choices=(_CERTIFI,),
        needs_tls=True,
    ),
    Option("client_cert", ValueKind.FILE, "The gateway's own certificate.", needs_tls=True),
    Option("client_cert_key", ValueKind.FILE, "Its key, where it is in another file, not encrypted.", needs_tls=True),
    Option(
        "tls_mode",
        ValueKind.CHOICE,
        "What `client_cert` is for: to sign in with it (`mutual`, if not set), or only for TLS, with a password to sign"
        " in (`strict`, `proxy`).",
        choices=("mutual", "strict", "proxy"),
        needs_tls=True,
    ),
    Option(
        "server_host_name",
        ValueKind.TEXT,
        "The host that the certificate is checked for, and that is asked for, where the URL names a tunnel or a proxy.",
    ),
    Option(
        "connect_timeout",
        ValueKind.SECONDS,
        "How long a connection may take to open. Not set, it is 5.",
        minimum=0.1,
        maximum=600,
    ),
    Option(
        "send_receive_timeout",
        ValueKind.SECONDS,
        "How long the server may send nothing, while rows are inserted above all. Not set, it is 300.",
        minimum=1,
        maximum=86_400,
    ),
    Option(
        "compress",
        ValueKind.FLAG,
        "Whether and how answers are compressed. Not set, it is `GATEWAY_CLICKHOUSE_COMPRESSION`.",
        choices=("lz4", "zstd", "gzip"),
        aliases=("compression",),
    ),
    Option("username", ValueKind.TEXT, "The user, where none is before the host.", aliases=("user",)),
    Option("password", ValueKind.SECRET, "The password, where none is before the host."),
    Option("database", ValueKind.TEXT, "The database, where the path names none."),
)

REFUSED = {
    "max_execution_time": "GATEWAY_STATEMENT_TIMEOUT_S sets it",
    "query_limit": "it would cut answers off",
    "query_retries": "a statement that was refused is not sent again",
    "session_id": "statements run at once, and a session takes one at a time",
    "autogenerate_session_id": "statements run at once, and a session takes one at a time",
    "connector_limit": "GATEWAY_CLICKHOUSE_CONNECTIONS sets it",
    "connector_limit_per_host": "GATEWAY_CLICKHOUSE_CONNECTIONS sets it",
    "tz_mode": "times are read in UTC",
    "tz_source": "times are read in UTC",
    "interface": "the scheme says it",
    "protocol": "the scheme says it",
    "access_token": "sign in with a user and a password",
}


def _check(url: StoreURL) -> StoreURL:
    options = url.options
    url = _with_scheme(url)
    if url.username is not None and ":" in url.username:
        raise MalformedURLError("has a user name with a colon, which HTTP cannot send")
    if options.get("verify") is False and "ca_cert" in options:
        raise MalformedURLError("has verify=false, and a ca_cert that would not be used: remove one of them")
    if (root := options.get("ca_cert")) not in (None, _CERTIFI):
        check_authority("ca_cert", root)
    check_certificate(("client_cert", "client_cert_key"), options.get("client_cert"), options.get("client_cert_key"))
    _check_sign_in(url)
    if "server_host_name" in options and [port for _, port in syntax.hosts(options["server_host_name"])] != [0]:
        raise MalformedURLError("has the option server_host_name, which must be one host without a port")
    return _with_database(url)


def _check_sign_in(url: StoreURL) -> None:
    has_certificate = "client_cert" in url.options
    if "tls_mode" in url.options and not has_certificate:
        raise MalformedURLError("has the option tls_mode, which needs client_cert")
    if not has_certificate or url.options.get("tls_mode", "mutual") != "mutual":
        return
    if url.username is None or url.password is not None:
        raise MalformedURLError(
            "has the option client_cert, which signs in a user without a password, or needs tls_mode=strict"
        )


def _with_scheme(url: StoreURL) -> StoreURL:
    secure = url.options.get("secure")
    if url.scheme == "clickhouse":
        return replace(url, scheme="https" if secure else "http")
    if secure is not None and secure is not (url.scheme == "https"):
        raise MalformedURLError(f"has the option secure, which contradicts {url.scheme}://")
    return url


def _with_database(url: StoreURL) -> StoreURL:
    path = url.path.removesuffix("/")
    if "/" in path:
        raise MalformedURLError("has a path that is more than the name of a database")
    if "database" in url.options and path:
        raise MalformedURLError("has a database in its path and another one in its options")
    return replace(url, database=url.options.get("database") or path or None)


CLICKHOUSE = StoreKind(
    store=STORE,
    variable="CLICKHOUSE_URL",
    schemes={"http": 8123, "https": 8443, "clickhouse": 8123},
    options=OPTIONS,
    refused=REFUSED,
    without_tls=lambda url: "" if url.scheme == "https" else "https://, or clickhouse:// with secure=true",
    check=_check,
)


def driver_arguments(url: StoreURL, *, compress: bool) -> dict[str, Any]:
    """Return what the driver is told of a URL, but for the host."""
    options = url.options
    names = ("verify", "ca_cert", "client_cert", "client_cert_key", "tls_mode", "server_host_name")
    return {
        "interface": url.scheme,
        "username": url.username or "default",
        "password": url.password or "",
        "database": url.database,
        "compress": options.get("compress", compress),
        "connect_timeout": options.get("connect_timeout", CONNECT_TIMEOUT_S),
        "send_receive_timeout": options.get("send_receive_timeout", _INSERT_TIMEOUT_S),
    } | {name: options[name] for name in names if name in options}
