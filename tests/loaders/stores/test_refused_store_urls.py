"""URLs of stores that cannot be: each is refused with a sentence that repeats nothing of it."""

import pytest

from gateway.setting import SettingsError
from gateway.settings import Settings
from loaders.stores.urls import clickhouse, postgres, redis
from loaders.stores.urls.store_url import InvalidStoreURL, StoreKind, parse_url

KINDS = {"DATABASE_URL": postgres.POSTGRES, "CLICKHOUSE_URL": clickhouse.CLICKHOUSE, "REDIS_URL": redis.REDIS}


EXAMPLES = {"DATABASE_URL": "postgresql://h", "CLICKHOUSE_URL": "https://h", "REDIS_URL": "rediss://h"}


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
