"""The README's configuration of typed clients over the analytics sample: each scalar has its type in Python."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from deploy.analytics.data import member_id
from gateway.schema import build_schema
from tests.client.codegen import PROGRAMS, check_types, generate, run
from tests.client.readme import files
from tests.gateway.models.conftest import Analytics

QUERIES = """
query Member($id: ID!, $invoices: InvoiceFilter, $period: Period) {
  member(id: $id) {
    role joinedOn tags settings avatar
    invoices(first: 1, filter: $invoices) { nodes { id total issuedAt } }
    activity(period: $period) { actions bytesSent spent p95Latency }
    usage { byProject(first: 50) { projectId events } }
  }
}

query Owners($role: [Role!]) {
  members(first: 2, filter: { role: $role }) { nodes { role } }
}
"""
APP = """\
import asyncio
import base64
import datetime as dt
import json
import sys
from decimal import Decimal
from typing import Any, assert_type
from uuid import UUID

from analytics import Analytics, DecimalRange, InvoiceFilter, Period, Role
from fuseway_client import AsyncClient

CHEAPEST = Decimal("0.000001")
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


async def main(url: str, key: str, member_id: str) -> list[Any]:
    async with AsyncClient(url, api_key=key) as client:
        analytics = Analytics(client)
        invoices = InvoiceFilter(total=DecimalRange(**{"from": CHEAPEST}), issued_from=BEGIN, plan=[1, 2, 3])
        period = Period(**{"from": dt.date(2026, 1, 1)})
        member = (await analytics.member(id=member_id, invoices=invoices, period=period)).member
        owners = (await analytics.owners(role=[Role.OWNER])).members.nodes
    assert member and member.invoices and member.activity and member.usage.by_project
    (invoice,) = member.invoices.nodes
    assert_type(member.role, Role)
    assert_type(member.joined_on, dt.date)
    assert_type(member.tags, list[str])
    assert_type(member.settings, Any)
    assert_type(member.avatar, bytes | None)
    assert_type(invoice.total, Decimal)
    assert_type(invoice.issued_at, dt.datetime)
    assert_type(member.activity.bytes_sent, int)
    assert_type(member.activity.spent, Decimal)
    assert_type(member.activity.p_95_latency, float | None)
    assert_type(member.usage.by_project[0].project_id, UUID)
    assert [each.role for each in owners] == [Role.OWNER] * 2
    return [
        member.role.value, member.joined_on.isoformat(), member.tags, member.settings,
        base64.b64encode(member.avatar or b"").decode(), invoice.id, str(invoice.total), invoice.issued_at.isoformat(),
        member.activity.actions, member.activity.bytes_sent, str(member.activity.spent),
        {str(use.project_id): use.events for use in member.usage.by_project},
    ]


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
"""


def expected(analytics: Analytics, number: int) -> list[object]:
    """Return what the data say of the member in the first workspace."""
    workspace = analytics.data.workspaces[0]["id"]

    def mine(rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
        return [row for row in rows if (row["workspace_id"], row[key]) == (workspace, member_id(number))]

    (member,) = mine(analytics.data.members, "id")
    invoice = max(mine(analytics.data.invoices, "member_id"), key=lambda row: row["issued_at"])
    events = mine(analytics.data.events, "member_id")
    projects = [str(row["project_id"]) for row in events if row["project_id"] is not None]
    roles = {"guest": "GUEST", "editor-in-chief": "EDITOR", "owner": "OWNER"}
    return [
        roles[member["role"]],
        member["joined_on"].isoformat(),
        member["tags"],
        member["settings"],
        base64.b64encode(member["avatar"]).decode(),
        str(invoice["id"]),
        invoice["total"],
        invoice["issued_at"].isoformat(),
        len(events),
        sum(row["bytes"] for row in events),
        sum((row["amount"] for row in events), Decimal(0)),
        {project: projects.count(project) for project in projects},
    ]


async def test_a_typed_client_has_the_right_type_for_each_scalar(
    tmp_path: Path, analytics: Analytics, analytics_url: str
) -> None:
    schema = build_schema(analytics.model).as_str()
    own = {"queries.graphql": QUERIES, "app.py": APP}
    readme = files("")
    toml = readme["codegen.toml"].replace('"fleet"', '"analytics"').replace('"Fleet"', '"Analytics"')
    generate(tmp_path, schema, readme | own | {"codegen.toml": toml})
    check_types(tmp_path, "app.py", "analytics")
    key = (await analytics.key(0))["Authorization"].removeprefix("Bearer ")
    url = f"{analytics_url}/graphql"
    answer = json.loads(run(tmp_path, PROGRAMS / "python", "app.py", url, key, str(member_id(7))))
    right = expected(analytics, 7)
    assert [Decimal(text) for text in (answer[6], answer[10])] == [right[6], right[10]]
    assert [*answer[:6], *answer[7:10], answer[11]] == [*right[:6], *right[7:10], right[11]]
