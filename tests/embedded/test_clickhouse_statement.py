"""Statements as text."""

from __future__ import annotations

import pytest

from deploy.embedded.clickhouse_http import statement


@pytest.mark.parametrize(
    ("text", "head", "data_format", "data"),
    [
        (b"insert into t format CSV\n1,2\n", "insert into t ", "CSV", b"1,2\n"),
        (b"INSERT INTO t FORMAT Native \n\x00\xff", "INSERT INTO t ", "Native", b"\x00\xff"),
        (b"insert into t values (1, 'a;b')", "insert into t ", "Values", b" (1, 'a;b')"),
        (b"insert into t (a, `values`) format TSV\n", "insert into t (a, `values`) ", "TSV", b""),
        (b"insert into db.values values (1)", "insert into db.values ", "Values", b" (1)"),
        (
            b"insert into t settings x = 'format CSV' format TSV\n1",
            "insert into t settings x = 'format CSV' ",
            "TSV",
            b"1",
        ),
        (b"-- insert\n/* format X */ insert into t -- values\nformat CSV\n1", None, "CSV", b"1"),
        (b"insert into function file('select.csv') format CSV\n1", None, "CSV", b"1"),
    ],
)
def test_insert_is_parted_from_its_data(text: bytes, head: str | None, data_format: str, data: bytes) -> None:
    insert = statement.parse_insert(text)
    assert insert is not None
    assert (insert.format, bytes(insert.data)) == (data_format, data)
    assert head is None or insert.head == head


@pytest.mark.parametrize(
    "text",
    [
        b"select 1",
        b"insert into t select 1 format CSV",
        b"insert into t (a) with 1 as x select x",
        b"",
        b"insert into t",
    ],
)
def test_statement_without_data_of_its_own_is_no_insert(text: bytes) -> None:
    assert statement.parse_insert(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"select 1 format JSON", "JSON"),
        (b"select 1\n FORMAT Native\n; ", "Native"),
        (b"select 1 format CSV settings max_threads = 1", "CSV"),
        (b"select 'format CSV'", "default"),
        (b"select 1 as format", "default"),
        (b"select format('{}', 1)", "default"),
    ],
)
def test_format_clause_is_found(text: bytes, expected: str) -> None:
    assert statement.output_format(statement.without_end(text), "default") == expected


def test_id_that_could_end_the_comment_is_not_written() -> None:
    assert statement.marker("a-b:c.1") == b"\n/*query_id:a-b:c.1*/"
    assert [statement.marker(query_id) for query_id in ("*/ drop", "", "a" * 200)] == [b"", b"", b""]
