"""Slow statements in the log: the text, and of what was bound the sizes alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from loaders.statement_record import StatementRecord, recorded
from loaders.stores.slow_statements import SLOW_STATEMENTS, SlowStatements


def _facts(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (record,) = caplog.records
    assert (record.name, record.levelname, record.message) == (SLOW_STATEMENTS, "WARNING", "Slow statement")
    facts: dict[str, Any] = vars(record)["facts"]
    return facts


def test_a_slow_statement_is_told_with_sizes_and_without_values(caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowStatements("clickhouse", "fleet", 1e-9)
    values = {
        "keys": ["SECRET1", "SECRET2"],
        "text": "SECRET",
        "day": dt.date(2013, 1, 31),
        "rows": 31415,
        "nothing": None,
    }
    record = StatementRecord(("Aircraft.log",), "clickhouse", 2)
    with recorded(record, ["flights"]), slow.watched("select 1", values):
        record.rows, record.waited_s = 7, 0.125
    facts = _facts(caplog)
    assert facts.pop("duration_s") >= 0
    assert facts == {
        "store": "clickhouse",
        "database": "fleet",
        "sections": ["Aircraft.log"],
        "keys": 2,
        "rows": 7,
        "waited_s": 0.125,
        "bound": {"keys": "2 items", "text": "6 characters", "day": "date", "rows": "int", "nothing": "NoneType"},
        "statement": "select 1",
    }


def test_values_by_number_are_told_by_number(caplog: pytest.LogCaptureFixture) -> None:
    with SlowStatements("postgresql", "fleet", 1e-9).watched("select $1", (["SECRET"], "SECRET")):
        pass
    assert _facts(caplog)["bound"] == {"$1": "1 items", "$2": "6 characters"}


def test_a_statement_that_failed_is_told_by_the_class_of_its_error(caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowStatements("postgresql", "fleet", 1e-9)
    with pytest.raises(ValueError, match="SECRET"), slow.watched("select 1", ()):
        raise ValueError("SECRET")
    facts = _facts(caplog)
    assert facts["error"] == "ValueError"
    assert "SECRET" not in repr(facts)


@pytest.mark.parametrize("min_s", [0.0, 60.0])
def test_what_is_fast_enough_is_not_told(caplog: pytest.LogCaptureFixture, min_s: float) -> None:
    with SlowStatements("postgresql", "fleet", min_s).watched("select 1", ()):
        pass
    assert caplog.records == []


def test_a_text_and_the_number_of_values_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    with SlowStatements("postgresql", "fleet", 1e-9).watched("x" * 100_000, ("a",) * 1_000):
        pass
    facts = _facts(caplog)
    assert (len(facts["statement"]), len(facts["bound"])) == (20_000, 100)
