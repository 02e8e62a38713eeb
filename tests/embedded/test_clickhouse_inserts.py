"""What a client writes over ClickHouse's HTTP interface."""

from __future__ import annotations

import datetime as dt
import gzip
import json

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

from tests.embedded.conftest import Server

DAY = dt.date(2013, 1, 31)
ROWS = [(1, "x", DAY), (2, None, DAY), (3, "it's;\ttab\nline \\ ☃", DAY)]


def stored(client: Client, table: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in client.query(f"select a, b, c from {table} order by a").result_rows]


@pytest.mark.parametrize("compress", [False, "gzip", "lz4", "zstd"])
def test_drivers_insert_arrives_in_every_encoding(
    server: Server, client: Client, table: str, compress: str | bool
) -> None:
    with clickhouse_connect.get_client(dsn=server.url, compress=compress, dedicated_pool=True) as compressing:
        summary = compressing.insert(table, ROWS, column_names=["a", "b", "c"])
    assert summary.written_rows == 3
    assert stored(client, table) == ROWS


async def test_async_drivers_insert_arrives(async_client: AsyncClient, client: Client, table: str) -> None:
    await async_client.insert(table, ROWS, column_names=["a", "b", "c"])
    assert stored(client, table) == ROWS


def test_large_insert_arrives_whole(client: Client, table: str) -> None:
    client.insert(table, [(number, "x" * 50, DAY) for number in range(100_000)], column_names=["a", "b", "c"])
    assert client.query(f"select count(), sum(a), sum(length(b)) from {table}").result_rows == [
        (100_000, 4_999_950_000, 5_000_000)
    ]


@pytest.mark.parametrize(
    ("data_format", "block"),
    [
        ("CSV", b'1,"x",2013-01-31\n2,\\N,2013-01-31\n3,"it\'s;\ttab\nline \\ \xe2\x98\x83",2013-01-31\n'),
        ("JSONEachRow", "\n".join(json.dumps({"a": a, "b": b, "c": str(c)}) for a, b, c in ROWS).encode()),
        ("TabSeparated", "1\tx\t2013-01-31\n2\t\\N\t2013-01-31\n3\tit's;\\ttab\\nline \\\\ ☃\t2013-01-31\n".encode()),
    ],
)
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_raw_insert_arrives(
    client: Client, table: str, data_format: str, block: bytes, compression: str | None
) -> None:
    sent = gzip.compress(block) if compression else block
    client.raw_insert(table, insert_block=sent, fmt=data_format, compression=compression)
    assert stored(client, table) == ROWS


def test_values_in_the_statement_arrive(http: httpx.Client, client: Client, table: str) -> None:
    sql = f"insert into {table} (a, b, c) values (1, 'x', '2013-01-31'), (2, null, '2013-01-31');"
    response = http.post("/", content=sql)
    assert (response.status_code, json.loads(response.headers["X-ClickHouse-Summary"])["written_rows"]) == (200, "2")
    assert stored(client, table) == ROWS[:2]


def test_statement_in_the_url_takes_its_data_from_the_body(http: httpx.Client, client: Client, table: str) -> None:
    response = http.post("/", params={"query": f"insert into {table} format CSV"}, content="1,x,2013-01-31\n")
    assert response.status_code == 200
    assert stored(client, table) == ROWS[:1]


def test_insert_takes_settings_and_parameters(http: httpx.Client, client: Client, table: str) -> None:
    params = {"query": "insert into {t:Identifier} settings max_threads = 1 format CSV", "param_t": table}
    params["input_format_csv_empty_as_default"] = "1"
    assert http.post("/", params=params, content="1,x,2013-01-31\n").status_code == 200
    assert stored(client, table) == ROWS[:1]


def test_insert_from_a_query_arrives(client: Client, table: str) -> None:
    client.command(f"insert into {table} select 1, 'x', toDate('2013-01-31')")
    assert stored(client, table) == ROWS[:1]


def test_broken_row_is_an_error_and_leaves_the_table_empty(http: httpx.Client, client: Client, table: str) -> None:
    sql = f"insert into {table} format CSV\n1,x,2013-01-31\nnot a number,x,2013-01-31\n"
    response = http.post("/", content=sql)
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (400, "27")
    assert stored(client, table) == []


def test_insert_into_a_missing_table_is_an_error(http: httpx.Client) -> None:
    response = http.post("/", content="insert into nope format CSV\n1\n")
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (404, "60")


def test_body_that_is_not_what_its_encoding_says_is_an_error(http: httpx.Client) -> None:
    response = http.post("/", content=b"select 1", headers={"Content-Encoding": "gzip"})
    assert response.status_code >= 400
