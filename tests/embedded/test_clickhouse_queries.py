"""What a client reads over ClickHouse's HTTP interface: parameters, settings, formats, errors."""

from __future__ import annotations

import datetime as dt
import json

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.embedded.conftest import Server

STRINGS = [
    "",
    "it's",
    'a "b"',
    "tab\there",
    "line\nend",
    "back\\slash",
    "\\N",
    "`",
    "é ☃ 𝄞",
    "'; drop table x; --",
    "{x}",
]


@pytest.mark.parametrize("value", STRINGS)
def test_string_parameter_arrives_unchanged(client: Client, value: str) -> None:
    assert client.query("select {x:String}", parameters={"x": value}).result_rows == [(value,)]


async def test_string_parameters_arrive_unchanged_in_an_array(async_client: AsyncClient) -> None:
    result = await async_client.query("select {x:Array(String)}", parameters={"x": STRINGS})
    assert result.result_rows == [(STRINGS,)]


@pytest.mark.parametrize("count", [1, 500, 5000])
async def test_array_of_ids_arrives_whole_however_the_client_sends_it(async_client: AsyncClient, count: int) -> None:
    ids = [f"N{number:05d}'\\" for number in range(count)]
    matches = await async_client.query("select arrayJoin({ids:Array(String)})", parameters={"ids": ids})
    assert [row[0] for row in matches.result_rows] == ids


def test_array_of_5000_ids_arrives_whole_from_the_sync_client(client: Client) -> None:
    ids = [f"N{number:05d}" for number in range(5000)]
    sql = "select count() from numbers(10000) where 'N' || leftPad(toString(number), 5, '0') in {ids:Array(String)}"
    assert client.query(sql, parameters={"ids": ids}).result_rows == [(5000,)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("UInt64", 2**64 - 1),
        ("Int8", -128),
        ("Float64", 0.1),
        ("Bool", True),
        ("Date", dt.date(2013, 1, 31)),
        ("DateTime", dt.datetime(2013, 1, 31, 23, 59, 59)),
        ("Nullable(String)", None),
        ("Nullable(String)", "x"),
        ("Array(Nullable(Int32))", [1, None, 3]),
        ("Array(Date)", [dt.date(2013, 1, 1), dt.date(2013, 12, 31)]),
    ],
)
def test_typed_parameter_arrives_unchanged(client: Client, kind: str, value: object) -> None:
    assert client.query("select {x:" + kind + "}", parameters={"x": value}).result_rows == [(value,)]


def test_missing_parameter_is_an_error_of_the_caller(http: httpx.Client) -> None:
    response = http.post("/", content="select {nope:String}")
    assert response.headers["X-ClickHouse-Exception-Code"] == "456"


def test_query_in_the_url_goes_before_the_body(http: httpx.Client) -> None:
    assert http.post("/", params={"query": "select 1 +"}, content="2").text == "3\n"


def test_query_and_parameters_come_from_a_form(http: httpx.Client) -> None:
    form = {"query": (None, "select {x:String}, {y:UInt8}"), "param_x": (None, "a\\tb")}
    assert http.post("/", params={"param_y": "7"}, files=form).text == "a\\tb\t7\n"


def test_settings_hold_for_their_query_only(http: httpx.Client) -> None:
    sql = "select getSetting('max_block_size')"
    default = http.post("/", content=sql).text
    assert http.post("/", params={"max_block_size": "1234"}, content=sql).text == "1234\n"
    assert http.post("/", params={"max_block_size": "1235", "max_threads": "1"}, content=sql).text == "1235\n"
    assert http.post("/", content=sql).text == default


def test_set_without_a_session_is_forgotten(http: httpx.Client) -> None:
    default = http.post("/", content="select getSetting('max_block_size')").text
    assert http.post("/", content="set max_block_size = 4321").status_code == 200
    assert http.post("/", content="select getSetting('max_block_size')").text == default


def test_setting_takes_text_with_quotes(http: httpx.Client) -> None:
    response = http.post("/", params={"log_comment": "it's\\ a\ttest"}, content="select getSetting('log_comment')")
    assert response.text == "it\\'s\\\\ a\\ttest\n"


@pytest.mark.parametrize("name", ["no_such_setting", "max_threads = 1, x", "`"])
def test_unknown_setting_is_clickhouses_own_error(http: httpx.Client, name: str) -> None:
    response = http.post("/", params={name: "1"}, content="select 1")
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (404, "115")
    assert response.text.startswith("Code: 115. DB::Exception: ")
    assert "(UNKNOWN_SETTING)" in response.text


def test_database_comes_from_the_url_or_the_header(http: httpx.Client) -> None:
    sql = "select currentDatabase()"
    assert http.post("/", params={"database": "system"}, content=sql).text == "system\n"
    assert http.post("/", headers={"X-ClickHouse-Database": "system"}, content=sql).text == "system\n"
    assert http.post("/", content=sql).text == f"{http.params['database']}\n"


@pytest.mark.parametrize(
    ("params", "sql", "body", "answered"),
    [
        ({}, "select 1 as a, 'x' as b", b"1\tx\n", "TabSeparated"),
        ({"default_format": "CSV"}, "select 1 as a, 'x' as b", b'1,"x"\n', "CSV"),
        ({"default_format": "CSV"}, "select 1 as a format JSONEachRow", b'{"a":1}\n', "JSONEachRow"),
        ({"default_format": "RowBinary"}, "select toUInt16(513)", b"\x01\x02", "RowBinary"),
        ({}, "select toUInt8(7) as a format Native ;", b"\x01\x01\x01a\x05UInt8\x07", "Native"),
        ({}, "select 1 as a limit 0 format TSVWithNames", b"a\n", "TSVWithNames"),
    ],
)
def test_format_of_the_text_wins_over_the_urls(
    http: httpx.Client, params: dict[str, str], sql: str, body: bytes, answered: str
) -> None:
    response = http.post("/", params=params, content=sql)
    assert (response.content, response.headers["X-ClickHouse-Format"]) == (body, answered)


def test_format_comes_from_the_header(http: httpx.Client) -> None:
    assert http.post("/", headers={"X-ClickHouse-Format": "Values"}, content="select 1, 'x'").text == "(1,'x')"


def test_statement_without_a_result_names_no_format(http: httpx.Client, table: str) -> None:
    response = http.post("/", content=f"truncate table {table}")
    assert (response.content, response.headers.get("X-ClickHouse-Format")) == (b"", None)


def test_answer_says_what_it_read(http: httpx.Client) -> None:
    response = http.post("/", params={"query_id": "what-it-read"}, content="select number from numbers(1000)")
    summary = json.loads(response.headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"], summary["read_bytes"], summary["result_rows"]) == ("1000", "8000", "1000")
    assert int(summary["elapsed_ns"]) > 0
    assert response.headers["X-ClickHouse-Query-Id"] == "what-it-read"
    assert response.headers["X-ClickHouse-Server-Display-Name"]
    assert response.headers["X-ClickHouse-Timezone"]


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("select from where", "62", 400),
        ("", "62", 400),
        ("select 1; select 2", "62", 400),
        ("select nope", "47", 404),
        ("select nope()", "46", 404),
        ("select * from nope", "60", 404),
        ("select * from nope.nope", "81", 404),
        ("select 1 format Nope", "73", 404),
        ("select 1::Nope", "50", 404),
        ("select toDate('x')", "38", 400),
        ("select throwIf(number = 70000) from numbers(100000)", "395", 500),
        ("select sleepEachRow(1) from numbers(3) settings max_execution_time = 0.2, max_block_size = 1", "159", 408),
    ],
)
def test_error_has_clickhouses_code_and_status(http: httpx.Client, sql: str, code: str, status: int) -> None:
    response = http.post("/", content=sql)
    assert (response.headers["X-ClickHouse-Exception-Code"], response.status_code) == (code, status)
    assert response.text.startswith(f"Code: {code}. DB::Exception: ")
    assert response.text.count("Code: ") == 1


def test_error_reaches_the_driver_with_code_and_name(client: Client) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.query("select * from nope")
    assert (raised.value.code, raised.value.name) == (60, "UNKNOWN_TABLE")


def test_get_reads_but_does_not_write(http: httpx.Client, table: str) -> None:
    assert http.get("/", params={"query": "select 1"}).text == "1\n"
    for sql in (f"insert into {table} values (1, 'x', '2013-01-01')", f"drop table {table}"):
        assert http.get("/", params={"query": sql}).headers["X-ClickHouse-Exception-Code"] == "164"
    assert http.post("/", content=f"select count() from {table}").text == "0\n"


def test_server_says_that_it_is_up(http: httpx.Client) -> None:
    assert [http.get(path).text for path in ("/ping", "/")] == ["Ok.\n", "Ok.\n"]
    assert http.get("/nope").status_code == 404


def test_temporary_table_lives_in_its_session(http: httpx.Client) -> None:
    session = {"session_id": "temporary-table"}
    assert http.post("/", params=session, content="create temporary table mine (a UInt8)").status_code == 200
    assert http.post("/", params=session, content="insert into mine values (7)").status_code == 200
    assert http.post("/", params=session, content="select a from mine").text == "7\n"
    assert http.post("/", content="select a from mine").headers["X-ClickHouse-Exception-Code"] == "60"


def test_unknown_session_is_an_error_when_it_must_exist(http: httpx.Client) -> None:
    params = {"session_id": "never-seen", "session_check": "1"}
    assert http.post("/", params=params, content="select 1").headers["X-ClickHouse-Exception-Code"] == "372"


def test_session_that_is_too_long_is_refused(http: httpx.Client) -> None:
    params = {"session_id": "too-long", "session_timeout": "1000000"}
    assert http.post("/", params=params, content="select 1").headers["X-ClickHouse-Exception-Code"] == "374"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4"])
def test_answer_is_compressed_as_the_client_asks(http: httpx.Client, encoding: str) -> None:
    params = {"query": "select number from numbers(100000)", "enable_http_compression": "1"}
    with http.stream("GET", "/", params=params, headers={"Accept-Encoding": encoding}) as response:
        packed = b"".join(response.iter_raw())
    assert response.headers["Content-Encoding"] == encoding
    assert len(packed) < 450_000  # of 588,890


def test_answer_is_not_compressed_unless_it_is_enabled(http: httpx.Client) -> None:
    response = http.post("/", content="select number from numbers(100000)")
    assert ("Content-Encoding" in response.headers, len(response.content)) == (False, 588_890)


@pytest.mark.parametrize("compress", [False, "gzip", "lz4", "zstd"])
async def test_large_result_arrives_whole_in_every_encoding(server: Server, compress: str | bool) -> None:
    async with await clickhouse_connect.get_async_client(dsn=server.url, compress=compress) as client:
        result = await client.query("select number, toString(number) from numbers(200000)")
    assert [list(column) for column in result.result_columns] == [
        list(range(200_000)),
        [str(number) for number in range(200_000)],
    ]


def test_session_keeps_its_database_and_survives_a_failed_setting(http: httpx.Client) -> None:
    params = {"session_id": "use-and-fail"}
    with httpx.Client(base_url=http.base_url, auth=http.auth, params=params) as session:
        session.post("/", content="use system")
        assert session.post("/", params={"max_threads": "3", "no_such": "1"}, content="select 1").status_code == 404
        assert session.post("/", content="select currentDatabase()").text == "system\n"
        answer = session.post("/", params={"max_threads": "5"}, content="select getSetting('max_threads')")
        assert answer.text == "5\n"
