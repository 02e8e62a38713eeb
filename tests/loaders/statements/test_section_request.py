"""Requests: defaults, bounds, and which of them are equal."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from loaders.errors import CallerError
from loaders.statements.section_request import Period, SectionRequest, merged, rows_of, section_request
from tests.models import loaded_model

SECTIONS = loaded_model("deploy.analytics.model").bound_sections
ACTIVITY, INVOICES, RECORD = (SECTIONS[f"Member.{name}"] for name in ("activity", "invoices", "record"))
MARCH = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 31))


def test_defaults_are_filled_in() -> None:
    assert section_request(INVOICES) == SectionRequest(INVOICES, first=20)
    assert section_request(ACTIVITY) == SectionRequest(ACTIVITY)


def test_a_period_belongs_to_sections_that_know_one() -> None:
    assert section_request(ACTIVITY, period=MARCH).period == MARCH
    assert section_request(ACTIVITY, period=Period()).period is None
    assert section_request(RECORD, period=MARCH) == section_request(RECORD)


@pytest.mark.parametrize("first", [-1, 201])
def test_a_first_out_of_bounds_is_the_callers_error(first: int) -> None:
    with pytest.raises(CallerError, match=f"invoices: first must be from 0 to 200, and is {first}"):
        section_request(INVOICES, first=first)


def test_a_period_that_ends_before_it_begins_is_the_callers_error() -> None:
    with pytest.raises(CallerError, match="must not end before it begins: from 2026-03-02 to 2026-03-01"):
        section_request(ACTIVITY, period=Period(dt.date(2026, 3, 2), dt.date(2026, 3, 1)))


def test_names_of_arguments_come_in_one_order() -> None:
    assert section_request(ACTIVITY, arguments={"b": 1, "a": 2}) == section_request(
        ACTIVITY, arguments={"a": 2, "b": 1}
    )


@pytest.mark.parametrize("name", ["after", "filters", "arguments"])
def test_values_that_fill_memory_are_told_from_others(name: str) -> None:
    request = section_request(INVOICES)
    assert not request.has_long_values
    for length, is_long in ((1_000, False), (2_001, True)):
        changes: dict[str, Any] = {name: (("plan", "x" * length),)}
        assert replace(request, **changes).has_long_values is is_long


def test_requests_are_merged_with_the_columns_of_all() -> None:
    few, other = (replace(section_request(RECORD), columns=frozenset([name])) for name in ("email", "role"))
    assert few == other
    (request,) = merged([few, other, few])
    assert request.columns == frozenset({"email", "role"})
    assert [column.name for column in RECORD.columns if request.wants(column)] == ["email", "role"]
    (request,) = merged([few, section_request(RECORD)])
    assert request.columns is None


def test_a_page_loads_one_row_more_than_it_shows() -> None:
    assert section_request(INVOICES, first=7).limit == 8
    assert section_request(SECTIONS["Member.recent_events"], first=7).limit == 7


def test_rows_are_bounded_by_the_days_of_a_period() -> None:
    assert rows_of(section_request(ACTIVITY)) == 1
    months = SECTIONS["Member.usage.by_month"]
    assert rows_of(section_request(months)) == 24
    assert rows_of(section_request(months, period=Period(dt.date(2026, 3, 1), dt.date(2026, 3, 2)))) == 2
