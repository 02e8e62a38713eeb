"""PostgreSQL's URLs: libpq's options, as far as the driver has them."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

from loaders.stores.urls.options import Option, ValueKind
from loaders.stores.urls.store_url import StoreKind, StoreURL
from loaders.stores.urls.syntax import MalformedURLError
from loaders.stores.urls.tls import check_authority, check_certificate

STORE = "postgresql"
ADVICE = (
    "The option sslrootcert names the certificate of its authority; with sslmode=verify-full the host must be one of"
)
ADVICE += " the certificate's."
CONNECT_TIMEOUT_S = 5.0
"""How long a connection may take to open. Without it, a server that is gone silently holds a request for minutes."""
_SYSTEM = "system"
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_WITH_TLS = _MODES[3:]
_ROLE_OF_SEVERAL = "primary"
"""Which of several hosts is taken, unless the URL says so: a standby lags, and what is read from it late would be
cached after it was invalidated."""
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

OPTIONS = (
    Option(
        "sslmode",
        ValueKind.CHOICE,
        "Whether connections are encrypted. `require` checks no certificate unless `sslrootcert` is given, `verify-ca`"
        " who signed it, `verify-full` the host as well. Not set, it is `prefer`.",
        choices=_MODES,
    ),
    Option(
        "sslrootcert",
        ValueKind.FILE,
        "The authorities that may have signed the server's certificate; `system` is those of the machine. `verify-ca`"
        " and `verify-full` need it.",
        choices=(_SYSTEM,),
        needs_tls=True,
    ),
    Option("sslcert", ValueKind.FILE, "The gateway's own certificate.", needs_tls=True),
    Option("sslkey", ValueKind.FILE, "Its key, where it is in another file.", needs_tls=True),
    Option("sslpassword", ValueKind.SECRET, "The key's password, where it is encrypted.", needs_tls=True),
    Option("sslcrl", ValueKind.FILE, "Certificates that are revoked.", needs_tls=True),
    Option(
        "ssl_min_protocol_version",
        ValueKind.CHOICE,
        "The oldest version of TLS. Not set, it is TLSv1.2.",
        choices=tuple(_VERSIONS),
        needs_tls=True,
    ),
    Option(
        "ssl_max_protocol_version",
        ValueKind.CHOICE,
        "The newest version of TLS.",
        choices=tuple(_VERSIONS),
        needs_tls=True,
    ),
    Option(
        "sslnegotiation",
        ValueKind.CHOICE,
        "Whether TLS begins at once (`direct`, PostgreSQL 17) or is asked for first.",
        choices=("postgres", "direct"),
    ),
    Option(
        "channel_binding",
        ValueKind.CHOICE,
        "Accepted and not verified: the driver does not bind passwords to the channel. `require` needs"
        " `sslmode=require` or stricter; what protects against a server in between is `sslmode=verify-full`.",
        choices=("disable", "prefer", "require"),
    ),
    Option(
        "connect_timeout",
        ValueKind.SECONDS,
        "How long a connection may take to open, over all hosts. Not set, it is 5.",
        minimum=0.1,
        maximum=600,
    ),
    Option("application_name", ValueKind.TEXT, "What the server shows of the gateway. Not set, it is `fuseway`."),
    Option(
        "target_session_attrs",
        ValueKind.CHOICE,
        "Which of several hosts is taken: the first that answers in this role. Not set, it is `primary`: a standby"
        " lags, and old values would be cached.",
        choices=("any", "primary", "standby", "prefer-standby", "read-write", "read-only"),
    ),
    Option("options", ValueKind.TEXT, "Options of the server's command line, such as `-c%20work_mem=64MB`."),
    Option("host", ValueKind.TEXT, "The host or hosts, where none is before the path; a folder is that of a socket."),
    Option("port", ValueKind.INTEGER, "The port of all these hosts.", minimum=1, maximum=65_535),
    Option("username", ValueKind.TEXT, "The user, where none is before the host.", aliases=("user",)),
    Option("password", ValueKind.SECRET, "The password, where none is before the host."),
    Option("dbname", ValueKind.TEXT, "The database, where the path names none.", aliases=("database",)),
)

_POOLER = "say what hands out the connections in GATEWAY_POSTGRES_POOLER"
_POOL = "the number of connections is GATEWAY_POSTGRES_CONNECTIONS"
REFUSED = {
    "pgbouncer": _POOLER,
    "statement_cache_size": "GATEWAY_POSTGRES_STATEMENT_CACHE sets it",
    "prepared_statement_cache_size": "GATEWAY_POSTGRES_STATEMENT_CACHE sets it",
    "statement_timeout": "GATEWAY_STATEMENT_TIMEOUT_S sets it",
    "command_timeout": "GATEWAY_STATEMENT_TIMEOUT_S sets it",
    "pool_timeout": "GATEWAY_ACQUIRE_TIMEOUT_S sets it",
    "connection_limit": _POOL,
    "min_size": _POOL,
    "max_size": _POOL,
    "pool_max_conns": _POOL,
    "ssl": "sslmode sets it",
    "search_path": "write options=-c%20search_path=… instead",
    "schema": "write options=-c%20search_path=… instead",
    "client_encoding": "the driver speaks UTF-8",
    "gssencmode": "the driver does not encrypt by GSSAPI; remove it",
    "service": "the URL must say all itself",
    "passfile": "the URL must say the password itself",
}


def _check(url: StoreURL) -> StoreURL:
    options = url.options
    if "port" in options and "host" not in options:
        raise MalformedURLError("has the option port, which needs the option host")
    if "dbname" in options and url.path:
        raise MalformedURLError("has a database in its path and another one in its options")
    mode, root = options.get("sslmode"), options.get("sslrootcert")
    if mode in _WITH_TLS[1:] and root is None:
        raise MalformedURLError(f"has sslmode={mode}, which needs sslrootcert: a file with the authority, or system")
    if root not in (None, _SYSTEM):
        check_authority("sslrootcert", root)
    check_certificate(
        ("sslcert", "sslkey"), options.get("sslcert"), options.get("sslkey"), options.get("sslpassword", "")
    )
    if "sslpassword" in options and "sslcert" not in options:
        raise MalformedURLError("has the option sslpassword, which needs sslcert")
    for name, value in (("channel_binding", "require"), ("sslnegotiation", "direct")):
        if options.get(name) == value and mode not in _WITH_TLS:
            raise MalformedURLError(f"has {name}={value}, which needs {_TLS}")
    return replace(url, database=options.get("dbname") or url.path.removesuffix("/") or None)


_TLS = "sslmode=require, verify-ca or verify-full"


POSTGRES = StoreKind(
    store=STORE,
    variable="DATABASE_URL",
    schemes={"postgresql": 5432, "postgres": 5432},
    options=OPTIONS,
    refused=REFUSED,
    without_tls=lambda url: "" if url.options.get("sslmode") in _WITH_TLS else _TLS,
    check=_check,
    has_socket_folders=True,
)


def driver_arguments(url: StoreURL) -> dict[str, Any]:
    """Return what the driver is told of a URL. `server_settings` are for the caller to add to."""
    options = url.options
    settings = {name: options[name] for name in ("application_name", "options") if name in options}
    return {
        "host": [name for name, _ in url.hosts],
        "port": [port for _, port in url.hosts],
        "user": url.username,
        "password": url.password,
        "database": url.database,
        "ssl": _context(options) if options.get("sslmode") in _WITH_TLS else options.get("sslmode"),
        "direct_tls": options["sslnegotiation"] == "direct" if "sslnegotiation" in options else None,
        "target_session_attrs": options.get("target_session_attrs", _ROLE_OF_SEVERAL if len(url.hosts) > 1 else None),
        "timeout": options.get("connect_timeout", CONNECT_TIMEOUT_S),
        "server_settings": settings,
    }


def _context(options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = options["sslmode"] == "verify-full"
    root = options.get("sslrootcert")
    if root is None:
        context.verify_mode = ssl.CERT_NONE
    elif root == _SYSTEM:
        context.load_default_certs()
    else:
        context.load_verify_locations(root)
    if "sslcrl" in options:
        context.load_verify_locations(options["sslcrl"])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if "sslcert" in options:
        context.load_cert_chain(options["sslcert"], options.get("sslkey"), lambda: options.get("sslpassword", ""))
    context.minimum_version = _VERSIONS[options.get("ssl_min_protocol_version", "TLSv1.2")]
    if "ssl_max_protocol_version" in options:
        context.maximum_version = _VERSIONS[options["ssl_max_protocol_version"]]
    context.set_alpn_protocols(["postgresql"])
    return context
