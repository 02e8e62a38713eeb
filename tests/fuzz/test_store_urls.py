"""No URL of a store, however it is written, has a part of its secrets printed."""

import io
import logging
import traceback
from contextlib import redirect_stderr, redirect_stdout
from urllib.parse import quote

import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from gateway.cli import main
from gateway.setting import SettingsError
from gateway.settings import Settings
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StoreUnavailable
from loaders.stores.postgres import Postgres
from loaders.stores.redis import Redis
from loaders.stores.urls.store_url import InvalidStoreURL, parse_url
from tests.loaders.stores.test_refused_store_urls import KINDS

pytestmark = pytest.mark.slow

SHAPES = [
    ("DATABASE_URL", "postgresql://user:{}@127.0.0.1:1/fleet?connect_timeout=1"),
    ("DATABASE_URL", "postgresql://user:{}@127.0.0.1:1,127.0.0.1:2"),
    ("DATABASE_URL", "postgresql://{}@127.0.0.1:1/fleet"),
    ("DATABASE_URL", "postgresql://:{}@/fleet?host=127.0.0.1&port=1"),
    ("DATABASE_URL", "postgresql://127.0.0.1:1/fleet?user=a&password={}"),
    ("DATABASE_URL", "postgresql://127.0.0.1:1/fleet?password={}&sslmode=never"),
    ("DATABASE_URL", "postgresql://127.0.0.1:1/fleet?sslmode=require&sslpassword={}"),
    ("DATABASE_URL", "mysql://user:{}@127.0.0.1:1/fleet"),
    ("CLICKHOUSE_URL", "http://user:{}@127.0.0.1:1/fleet"),
    ("CLICKHOUSE_URL", "https://user:{}@127.0.0.1:1/fleet?verify=false"),
    ("CLICKHOUSE_URL", "clickhouse://127.0.0.1:1/fleet?password={}&secure=1"),
    ("CLICKHOUSE_URL", "https://user:{}@127.0.0.1:1/fleet?ca_cert=/nowhere"),
    ("REDIS_URL", "redis://:{}@127.0.0.1:1/0"),
    ("REDIS_URL", "redis://user:{}@127.0.0.1:1/abc"),
    ("REDIS_URL", "rediss://user:{}@127.0.0.1:1?ssl_cert_reqs=none"),
    ("REDIS_URL", "unix://user:{}@/nowhere.sock"),
    ("REDIS_URL", "redis+sentinel://user:{}@127.0.0.1:1/service"),
    ("REDIS_URL", "redis+sentinel://127.0.0.1:1/service?sentinel_password={}"),
    ("REDIS_URL", "redis+cluster://user:{}@127.0.0.1:1"),
    ("REDIS_URL", "redis://127.0.0.1:1?password={}&decode_responses=true"),
]
"""With every password, there is nobody at these addresses."""

LETTERS = "QXZJKW"
"""Three of these in a row are in no message and in no other part of these URLs."""
passwords = st.lists(
    st.sampled_from([*LETTERS, *"@/:?#[]%&=+, \\~;é\t", "%zz", "%4", "%40", "%00", "%FF"]), max_size=24
).map("".join)


def pieces(password: str) -> set[str]:
    """Every piece of three characters or more that would give something of it away."""
    triples = {password[index : index + 3] for index in range(len(password) - 2)}
    return {triple for triple in triples if set(triple) & set(LETTERS)}


async def said_of(variable: str, url: str) -> str:
    """All that a start with this URL would print, and the traceback of an error that nobody caught."""
    said = ""
    try:
        Settings.from_environment({variable: url})
    except SettingsError as error:
        said += "".join(traceback.format_exception(error))
    try:
        said += repr(parse_url(KINDS[variable], url)) + parse_url(KINDS[variable], url).address
    except InvalidStoreURL as error:
        said += "".join(traceback.format_exception(error))
    try:
        if variable == "DATABASE_URL":
            await Postgres.connect(url, min_size=1, max_size=1, acquire_timeout_s=1, statement_timeout_s=1)
        elif variable == "CLICKHOUSE_URL":
            await ClickHouse.connect(url, max_connections=1, acquire_timeout_s=1, statement_timeout_s=1)
        else:
            await Redis.connect(url, max_connections=1, acquire_timeout_s=1, command_timeout_s=1)
    except StoreUnavailable as error:
        said += "".join(traceback.format_exception(error))
    return said


class Kept(logging.Handler):
    """Everything that is logged, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record)


@pytest.mark.parametrize(("variable", "shape"), SHAPES)
@pytest.mark.parametrize("is_encoded", [False, True])
async def test_no_part_of_a_password_is_printed(variable: str, shape: str, is_encoded: bool) -> None:
    kept, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)

    @seed(20130101)
    @settings(max_examples=25, deadline=None, database=None)
    @example("p@QXZ/w#QXZ")
    @example("QXZ@127.0.0.1:1/QXZ")
    @example("12QXZ34")
    @example("QXZ&KWJ=1")
    @given(passwords)
    def check(password: str) -> None:
        written.append(password)

    written: list[str] = []
    check()
    try:
        for password in written:
            kept.text = ""
            url = shape.format(quote(password, safe="") if is_encoded else password)
            said = await said_of(variable, url) + kept.text
            assert [piece for piece in pieces(password) if piece in said] == []
            if is_encoded:
                assert "must be percent-encoded" not in said
    finally:
        root.removeHandler(kept)
        root.setLevel(level)


@pytest.mark.parametrize(("variable", "shape"), SHAPES)
@pytest.mark.parametrize(
    "password", ["p@QXZ/w#QXZ", "QXZ@JKW", "QXZ/JKW", "QXZ?JKW", "QXZ#JKW", "[QXZ]", "%zzQXZ", "QXZ JKW"]
)
def test_no_part_of_a_password_is_in_what_a_command_prints(
    variable: str, shape: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, url in (
        ("DATABASE_URL", "postgresql://127.0.0.1:1"),
        ("CLICKHOUSE_URL", "http://127.0.0.1:1"),
        ("REDIS_URL", "redis://127.0.0.1:1"),
    ):
        monkeypatch.setenv(name, url)
    monkeypatch.setenv(variable, shape.format(password))
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = main(["migrate"])
    printed = out.getvalue() + err.getvalue()
    assert status == 1
    assert [piece for piece in pieces(password) if piece in printed] == []
    assert printed.startswith((f"gateway: {variable} ", "gateway: PostgreSQL at 127.0.0.1:1 cannot be reached"))
    assert len(printed.splitlines()) == 1
