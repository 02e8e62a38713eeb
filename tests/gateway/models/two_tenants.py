"""Rows of two tenants with the same keys, and of the first one alone."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from deploy.analytics.data import AnalyticsData, make, member_id

MEMBERS = 6
"""The number of members of each tenant."""


def small(data: AnalyticsData | None = None) -> AnalyticsData:
    """Return a few rows of the sample's first two tenants; the second one's members have each another's address."""
    data = make() if data is None else data
    tenants = [row["id"] for row in data.workspaces[:2]]
    members = [member_id(number) for number in range(MEMBERS)]

    def mine(row: dict[str, Any]) -> bool:
        return row["workspace_id"] in tenants and row.get("member_id", row.get("id")) in members

    taken = AnalyticsData(workspaces=data.workspaces[:2], plans=data.plans)
    taken.members = [dict(row) for row in data.members if mine(row)]
    taken.projects = [row for row in data.projects if row["workspace_id"] in tenants][:3]
    taken.projects += [{**row, "workspace_id": tenants[1], "Name": f"Other {row['Name']}"} for row in taken.projects]
    projects = {row["id"] for row in taken.projects}
    for name in ("invoices", "events"):
        setattr(taken, name, [row for row in getattr(data, name) if mine(row)][:200])
    taken.events = [
        {**row, "project_id": row["project_id"] if row["project_id"] in projects else None} for row in taken.events
    ]
    invoices = {row["id"] for row in taken.invoices}
    taken.invoice_lines = [row for row in data.invoice_lines if row["invoice_id"] in invoices]
    for place, tenant in enumerate(tenants):
        taken.project_members += [
            {"workspace_id": tenant, "project_id": project, "member_id": members[(number + place) % MEMBERS]}
            for number, project in enumerate(sorted(projects))
        ]
    for number, row in enumerate(row for row in taken.members if row["workspace_id"] == tenants[1]):
        row["email"] = f"member{(number + 1) % MEMBERS}@example.org"
        row["nick"] = f"other{number}"
    return taken


def alone(data: AnalyticsData) -> AnalyticsData:
    """Return the rows of the first tenant, and those of everyone."""
    first = data.workspaces[0]["id"]
    invoices = {row["id"] for row in data.invoices if row["workspace_id"] == first}
    own = {
        each.name: [row for row in getattr(data, each.name) if row.get("workspace_id", first) == first]
        for each in fields(data)
    }
    return replace(
        AnalyticsData(**own),
        workspaces=data.workspaces[:1],
        invoice_lines=[row for row in data.invoice_lines if row["invoice_id"] in invoices],
    )
