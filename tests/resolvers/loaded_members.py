"""The second sample's schema over a loader in memory, and what was loaded for a query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from strawberry.types import ExecutionResult

from loaders.statements.section_request import SectionRequest
from resolvers.request_context import RequestContext
from tests.models import loaded_model
from tests.resolvers.fake_objects import FakeLoaders, FakeObjects, FakeTenant, Row
from tests.resolvers.schemas import schema_of

SCHEMA, TYPES = schema_of(loaded_model("deploy.analytics.model"))
A, B, C, LOST = (f"00000000-0000-0000-0000-00000000000{digit}" for digit in "abcf")
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MEMBERS: Mapping[str, Row] = {
    A: {
        "id": A,
        "email": "a@x",
        "role": "OWNER",
        "joined_on": dt.date(2026, 1, 1),
        "tags": ["t"],
        "settings": {"s": 1},
    },
    B: {"id": B, "email": None, "role": "GUEST", "joined_on": dt.date(2026, 1, 2), "tags": [], "settings": [None]},
}
INVOICES: Mapping[int, Row] = {
    number: {"id": number, "total": f"{number}.50", "issued_at": NOON, "note": None, "member": owner, "plan": plan}
    for number, owner, plan in ((1, A, 1), (2, A, 2), (3, A, 1), (4, B, 9), (5, LOST, 1))
}
PLANS: Mapping[int, Row] = {number: {"id": number, "name": f"plan {number}", "price": "1.00"} for number in (1, 2)}
PROJECTS: Mapping[str, Row] = {C: {"id": C, "name": "c", "budget": None}}


def _invoices_of(member: str, request: SectionRequest) -> list[Row]:
    numbers = [number for number, row in INVOICES.items() if row["member"] == member]
    after = request.after[1] if request.after else 0
    return [{**INVOICES[number], "order": (NOON, number)} for number in numbers if number > after]


def _lines(invoice: int, _request: SectionRequest) -> list[Row]:
    return [{"invoice_id": invoice, "line_no": line, "text": f"{invoice}/{line}", "amount": "0.5"} for line in (1, 2)]


def _events(member: str, _request: SectionRequest) -> list[Row]:
    rows: list[Row] = [
        {"sent_at": NOON, "kind": kind, "latency_ms": 7, "project": project}
        for kind, project in (("a", C), ("b", None), ("c", LOST))
    ]
    return rows if member == A else []


def _activity(member: str, request: SectionRequest) -> Row:
    return {
        "actions": 2**40 if member == A else 0,
        "bytes_sent": 0,
        "spent": "0",
        "kinds": [],
        "slow_share": dict(request.arguments)["slowMs"] / 1,
    }


ANSWERS: dict[str, Any] = {
    "Member.record": lambda key, _: MEMBERS.get(key),
    "Invoice.record": lambda key, _: INVOICES.get(key),
    "Plan.record": lambda key, _: PLANS.get(key),
    "Project.record": lambda key, _: PROJECTS.get(key),
    "Workspace.record": lambda key, _: {"id": key, "name": "w", "time_zone": "UTC"},
    "InvoiceLine.record": lambda key, _: next((row for row in _lines(key[0], _) if row["line_no"] == key[1]), None),
    "Member.invoices": _invoices_of,
    "Member.invoices.count": lambda key, _: {"count": sum(row["member"] == key for row in INVOICES.values())},
    "Member.last_invoice": lambda key, request: _invoices_of(key, request)[-1:],
    "Member.projects": lambda key, _: [PROJECTS[C]] if key == A else [],
    "Member.recent_events": _events,
    "Member.activity": _activity,
    "Member.usage.activity": _activity,
    "Invoice.lines": _lines,
    "Query.member_by_email": lambda key, _: next((row for row in MEMBERS.values() if row["email"] == key), None),
    "Query.members": lambda _, request: [
        {**row, "order": (row["joined_on"], row["id"])}
        for row in MEMBERS.values()
        if not request.after or row["joined_on"] > request.after[0]
    ],
    "Query.members.count": lambda _key, _request: {"count": 2},
}


class Execution:
    """One query's answer, and what was loaded for it."""

    def __init__(self, objects: FakeObjects, result: Any) -> None:
        self.objects, self.result = objects, result
        self.loads = objects.loads

    @property
    def data(self) -> Any:
        assert not self.result.errors, self.result.errors
        return self.result.data


async def ask(
    query: str,
    answers: Mapping[str, Any] | None = None,
    scopes: frozenset[str] = TYPES.parts.field_scopes,
    **variables: Any,
) -> Execution:
    """Execute a query by graphql-core."""
    objects = FakeObjects({**ANSWERS, **(answers or {})})
    context = RequestContext(FakeLoaders(objects, FakeTenant("00000000-0000-0000-0000-000000000001")), scopes)
    result: ExecutionResult = await SCHEMA.execute(query, variable_values=variables, context_value=context)
    await context.release()
    return Execution(objects, result)
