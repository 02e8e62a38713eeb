"""What the analytics sample's uses should answer, in plain Python over its rows. Nothing here knows SQL."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

from deploy.analytics.data import AnalyticsData, Row

P = ParamSpec("P")
Answer = Mapping[Any, Any]
"""By key, the tuple of a row or the list of such tuples; an object without rows is left out."""


_DIGITS = Decimal("0.000001")
"""The scale of money in both databases, but for the price of a plan."""


def canonical(value: Any) -> Any:
    """Return a value of the data as the loaders have it: UUIDs and money are text."""
    if isinstance(value, dict):
        return {canonical(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(canonical, value))
    if isinstance(value, Decimal):
        return str(value.quantize(_DIGITS))
    return str(value) if isinstance(value, UUID) else value


def _canonical(function: Callable[P, Answer]) -> Callable[P, Answer]:
    def answer(*args: P.args, **kwargs: P.kwargs) -> Answer:
        answered: Answer = canonical(function(*args, **kwargs))
        return answered

    return answer


def own(data: AnalyticsData, tenant: UUID) -> AnalyticsData:
    """The rows that a tenant may see."""
    invoices = [row for row in data.invoices if row["workspace_id"] == tenant]
    keys = {row["id"] for row in invoices}

    def of(rows: list[Row]) -> list[Row]:
        return [row for row in rows if row["workspace_id"] == tenant]

    return AnalyticsData(
        workspaces=[row for row in data.workspaces if row["id"] == tenant],
        members=of(data.members),
        projects=of(data.projects),
        project_members=of(data.project_members),
        plans=data.plans,
        invoices=invoices,
        invoice_lines=[row for row in data.invoice_lines if row["invoice_id"] in keys],
        events=of(data.events),
    )


def _by(rows: list[Row], key: str) -> dict[Any, list[Row]]:
    grouped: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    return grouped


def _level(level: float, values: list[Any]) -> Any:
    """ClickHouse's quantileExact: the value at floor(level x n) in ascending order."""
    return sorted(values)[min(int(level * len(values)), len(values) - 1)] if values else None


@_canonical
def activity(data: AnalyticsData, key: str, slow_ms: int = 500) -> Answer:
    """actions, bytes, spent, p95, slow share, kinds, last."""
    return {of: _activity(rows, slow_ms) for of, rows in _by(data.events, key).items() if of is not None}


def _activity(rows: list[Row], slow_ms: int) -> tuple[Any, ...]:
    known = [row["latency_ms"] for row in rows if row["latency_ms"] is not None]
    return (
        len(rows),
        sum(row["bytes"] for row in rows),
        sum((row["amount"] for row in rows), Decimal(0)),
        _level(0.95, known),
        sum(entry >= slow_ms for entry in known) / len(known) if known else None,
        sorted({row["kind"] for row in rows}),
        max(row["sent_at"] for row in rows),
    )


@_canonical
def months(data: AnalyticsData, zone: str) -> Answer:
    """Month and actions, by the calendar of a zone, without heartbeats."""
    counted: defaultdict[UUID, Counter[dt.date]] = defaultdict(Counter)
    for row in data.events:
        if row["kind"] != "heartbeat":
            counted[row["member_id"]][row["sent_at"].astimezone(ZoneInfo(zone)).date().replace(day=1)] += 1
    return {member: sorted(months.items()) for member, months in counted.items()}


@_canonical
def recent(data: AnalyticsData, first: int) -> Answer:
    """The latest events of each member."""
    return {
        member: [
            (row["sent_at"], row["kind"], row["latency_ms"], row["project_id"])
            for row in sorted(rows, key=lambda row: row["sent_at"], reverse=True)[:first]
        ]
        for member, rows in _by(data.events, "member_id").items()
    }


@_canonical
def ranks(data: AnalyticsData) -> Answer:
    """Place of each member among those of its role, by number of events; equals share a place."""
    events = Counter(row["member_id"] for row in data.events)
    by_role = _by(data.members, "role")
    return {
        row["id"]: (1 + sum(events[other["id"]] > events[row["id"]] for other in by_role[row["role"]]),)
        for row in data.members
    }


@_canonical
def billing(data: AnalyticsData) -> Answer:
    """Number, sum and median of each member's invoices."""
    answer = {}
    for member, rows in _by(data.invoices, "member_id").items():
        totals = sorted(row["total"] for row in rows)
        answer[member] = (len(rows), sum(totals, Decimal(0)), totals[max(0, -(-len(totals) // 2) - 1)])
    return answer


@_canonical
def invoices(data: AnalyticsData, first: int) -> Answer:
    """The latest invoices of each member, those with the greater number first of equals."""

    def latest(rows: list[Row]) -> list[Row]:
        return sorted(rows, key=lambda row: (row["issued_at"], row["id"]), reverse=True)[:first]

    names = ("id", "total", "issued_at", "note", "member_id", "plan_id")
    return {
        member: [tuple(row[name] for name in names) for row in latest(rows)]
        for member, rows in _by(data.invoices, "member_id").items()
    }


@_canonical
def lines(data: AnalyticsData) -> Answer:
    """The lines of each invoice, in order."""
    names = ("invoice_id", "line_no", "text", "amount")
    return {
        invoice: [tuple(row[name] for name in names) for row in sorted(rows, key=lambda row: row["line_no"])]
        for invoice, rows in _by(data.invoice_lines, "invoice_id").items()
    }


@_canonical
def projects(data: AnalyticsData) -> Answer:
    """The projects of each member, by name."""
    known = {row["id"]: (row["id"], row["Name"], row["Budget"]) for row in data.projects}
    return {
        member: sorted((known[row["project_id"]] for row in rows), key=lambda row: row[1])
        for member, rows in _by(data.project_members, "member_id").items()
    }


@_canonical
def project_use(data: AnalyticsData, by: Callable[[list[Row]], int], first: int) -> Answer:
    """The projects that each member used most: link, key, events, bytes."""
    answer = {}
    for member, rows in _by(data.events, "member_id").items():
        used = [(project, of) for project, of in _by(rows, "project_id").items() if project is not None]
        used.sort(key=lambda entry: -by(entry[1]))
        answer[member] = [(p, p, len(of), sum(row["bytes"] for row in of)) for p, of in used[:first]]
    return answer


@_canonical
def records(rows: list[Row], key: str, names: tuple[str, ...]) -> Answer:
    """Own columns by key."""
    return {row[key]: tuple(row[name] for name in names) for row in rows}
