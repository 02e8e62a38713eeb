"""What is recorded of statements and sections, and that no label is without a bound."""

import pytest

from loaders.instruments import OTHER
from loaders.metrics import (
    MAX_STATEMENTS,
    SECTION_KEYS,
    SECTION_SECONDS,
    SECTION_STATEMENTS,
    SECTION_VALUES,
    STATEMENT_EXECUTIONS,
    STATEMENT_SECONDS,
    STATEMENT_SECTIONS,
    Stopwatch,
    database_label,
    record_load,
    record_values,
    statement_label,
    statement_metrics,
)
from loaders.statement_record import StatementRecord, recorded


@pytest.mark.parametrize(
    ("variable", "label"),
    [
        ("DATABASE_URL", "default"),
        ("CLICKHOUSE_URL", "default"),
        ("DATABASE_CRM_URL", "crm"),
        ("CLICKHOUSE_WEB_LOGS_URL", "web_logs"),
        ("", "default"),
    ],
)
def test_a_database_is_called_by_the_name_of_its_setting(variable: str, label: str) -> None:
    assert database_label(variable) == label


def test_the_time_of_a_statement_is_divided_among_its_sections() -> None:
    metrics = statement_metrics("test", ("Ship.crew", "Ship.cargo"))
    fused = STATEMENT_SECTIONS.sum
    record_load("Ship.crew", 3)
    metrics.record(3.0)
    metrics.record(1.0)

    assert STATEMENT_SECONDS.labels("test", "Ship.crew+Ship.cargo").value == 4.0
    assert STATEMENT_EXECUTIONS.labels("test", "Ship.crew+Ship.cargo").value == 2
    assert [SECTION_SECONDS.labels(name, "test").value for name in ("Ship.crew", "Ship.cargo")] == [2.0, 2.0]
    assert SECTION_STATEMENTS.labels("Ship.crew", "test").value == 2
    assert (SECTION_KEYS.labels("Ship.crew").sum, sum(SECTION_KEYS.labels("Ship.crew").counts)) == (3, 1)
    assert STATEMENT_SECTIONS.sum - fused == 4


def test_a_statement_that_fails_is_counted_too() -> None:
    record = StatementRecord(("Ship.failing",), "test", 1)
    with pytest.raises(RuntimeError), recorded(record, ["ships"]):
        raise RuntimeError

    assert statement_metrics("test", ("Ship.failing",)).executions.value == 1


def test_a_statement_for_many_sections_has_a_short_label() -> None:
    sections = [f"Ship.section{number}" for number in range(54)]

    assert statement_label("test", sections) == "Ship.section0+Ship.section1+Ship.section2+Ship.section3+50 more"


def test_statements_that_clients_make_up_have_no_more_labels_than_the_bound() -> None:
    for number in range(2 * MAX_STATEMENTS):
        statement_metrics("crowded", (f"Ship.{number}",)).record(1.0)
    labels = [label for store, label in STATEMENT_SECONDS.series if store == "crowded"]

    assert len(labels) == MAX_STATEMENTS + 1
    assert STATEMENT_SECONDS.labels("crowded", OTHER).value == MAX_STATEMENTS
    assert statement_label("quiet", ["Ship.crew"]) == "Ship.crew"  # one store does not take the labels of another


def test_values_of_a_section_are_counted_by_state() -> None:
    record_values("Ship.values", fresh=3, stale=2, missed=1)
    record_values("Ship.values", fresh=1, stale=0, missed=0)

    assert [SECTION_VALUES.labels("Ship.values", state).value for state in ("fresh", "stale", "missed")] == [4, 2, 1]


def test_a_stopwatch_records_the_time_of_its_block() -> None:
    seconds: list[float] = []
    with Stopwatch(seconds.append):
        pass

    assert 0 <= seconds[0] < 1
