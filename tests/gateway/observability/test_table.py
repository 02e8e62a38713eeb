"""Cells are shown with their unit, and no name can do anything to a terminal."""

import pytest

from gateway.observability.table import BYTES, COUNT, RATE, SECONDS, SHARE, TEXT, Cell, Column, Table, Unit
from gateway.observability.terminal import fitted


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (COUNT, 0.0, "0"),
        (COUNT, 12.34, "12.3"),
        (COUNT, 123_456.7, "123,457"),
        (RATE, 0.25, "0.25/s"),
        (RATE, 1_000.0, "1,000/s"),
        (SECONDS, 0.0, "0"),
        (SECONDS, 0.000_25, "250 µs"),
        (SECONDS, 0.0123, "12.3 ms"),
        (SECONDS, 3.21, "3.21 s"),
        (SHARE, 0.5, "50 %"),
        (SHARE, 1.0, "100 %"),
        (SHARE, 0.9999, "> 99.9 %"),
        (SHARE, 0.0001, "< 0.1 %"),
        (SHARE, float("nan"), "nan %"),
        (COUNT, float("-inf"), "-inf"),
        (BYTES, 512.0, "512 B"),
        (BYTES, 3_145_728.0, "3 MiB"),
        (SECONDS, None, "-"),
        (TEXT, "a\x1b[2Jb", "a?[2Jb"),
        (TEXT, "x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_cell_is_shown_with_its_unit(unit: Unit, value: Cell, text: str) -> None:
    assert Column("name", "heading", unit).text(value) == text


def _table(rows: int) -> Table:
    return Table("t", "T", [Column("n", "n", COUNT)], [(float(index),) for index in range(rows)])


def test_a_table_that_is_cut_says_so() -> None:
    assert _table(3).first(3) == _table(3)
    assert (_table(5).first(2).title, len(_table(5).first(2).rows)) == ("T (first 2 of 5)", 2)


def test_tables_fit_into_a_terminal() -> None:
    tables = fitted([_table(1), _table(20), _table(20)], lines=30)
    assert [len(table.rows) for table in tables] == [1, 10, 10]
    assert [len(table.rows) for table in fitted(tables, lines=1)] == [1, 3, 3]
