"""A model of the sample's tables, one of whose sections waits for a tenth of a second in ClickHouse."""

from __future__ import annotations

import datetime as dt

import fuseway as m

records, events = m.Postgres(), m.ClickHouse(functions=["sleep"])
aircraft = records.table("public.aircraft")
flights = events.table("flights")


class Totals(m.Section, over=flights):
    """All flights."""

    flights: int = m.sql("count()")


class SlowMonth(m.Section, over=flights):
    """Month by month, from a statement that is slow."""

    month: dt.date = m.group_by("toStartOfMonth(date)")
    flights: int = m.sql("count() + max(sleep(0.1))")


class Aircraft(m.Object, table=aircraft):
    """An aircraft."""

    tail_number: str = m.key()
    totals: Totals = m.section("tail_number")
    slow_months: list[SlowMonth] = m.section("tail_number", order="month", first=12)


class Query(m.Query):
    """Where every query begins."""

    aircraft_by_ids: list[Aircraft | None] = m.by_key()


model = m.Model("slow", query=Query, types=[Aircraft])
