"""Data of the analytics sample: made up, the same each time, with the same keys in several workspaces."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from loaders.model.databases import Database
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres

MIGRATIONS = Path(__file__).parent / "migrations"
MEMBERS, PROJECTS, EVENTS = 320, 12, 6_000
"""Numbers of rows in each workspace."""
ZONES = ("Europe/Vienna", "America/New_York", "Asia/Kolkata")
_ROLES = ("guest", "editor-in-chief", "owner")
_KINDS = ("click", "export", "heartbeat", "query")
_TAGS = ("early", "fußball", "ops", "remote", "x'y")
_BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

Row = dict[str, Any]


@dataclass(slots=True)
class AnalyticsData:
    """All rows by table, as dictionaries of plain values."""

    workspaces: list[Row] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)
    projects: list[Row] = field(default_factory=list)
    project_members: list[Row] = field(default_factory=list)
    plans: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    invoice_lines: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)


def make(seed: int = 7) -> AnalyticsData:
    """Return the rows of three workspaces. Members and projects have the same keys in each of them."""
    data, chance = AnalyticsData(), random.Random(seed)
    data.plans = [
        {"id": number, "name": name, "price": Decimal(price)}
        for number, name, price in ((1, "free", "0.00"), (2, "team", "49.90"), (3, "company", "1299.00"))
    ]
    for number, zone in enumerate(ZONES, start=1):
        workspace = UUID(int=number)
        data.workspaces.append({"id": workspace, "name": f"Workspace {number}", "time_zone": zone})
        _people(data, workspace, chance)
        _invoices(data, workspace, number, chance)
        _events(data, workspace, chance)
    return data


def member_id(number: int) -> UUID:
    """Return the key of a member, the same in every workspace."""
    return UUID(int=0xA000_0000_0000_0000 + number)


def project_id(number: int) -> UUID:
    """Return the key of a project, the same in every workspace."""
    return UUID(int=0xB000_0000_0000_0000 + number)


def _people(data: AnalyticsData, workspace: UUID, chance: random.Random) -> None:
    for number in range(MEMBERS):
        data.members.append(
            {
                "workspace_id": workspace,
                "id": member_id(number),
                "email": f"member{number}@example.org" if chance.random() < 0.9 else None,
                "role": chance.choice(_ROLES),
                "joined_on": dt.date(2020, 1, 1) + dt.timedelta(days=chance.randrange(2_000)),
                "tags": sorted(chance.sample(_TAGS, chance.randrange(4))),
                "settings": {"theme": chance.choice(["dark", "light"]), "sizes": [number, number / 2, None]},
                "avatar": chance.randbytes(8) if number % 7 == 0 else None,
                "nick": f"n{number}" if number % 3 else None,
            }
        )
    for number in range(PROJECTS):
        budget = Decimal(chance.randrange(10**12)) / 10**6 if number % 4 else None
        row = {"workspace_id": workspace, "id": project_id(number), "Name": f"Project {number:02}", "Budget": budget}
        data.projects.append(row)
        for member in sorted(chance.sample(range(MEMBERS), 30)):
            key = {"workspace_id": workspace, "project_id": project_id(number), "member_id": member_id(member)}
            data.project_members.append(key)


def _invoices(data: AnalyticsData, workspace: UUID, number: int, chance: random.Random) -> None:
    for place in range(600):
        key = number * 2**33 + place  # more than 32 bits
        amounts = [Decimal(chance.randrange(1, 10**9)) / 10**6 for _ in range(chance.randrange(1, 5))]
        data.invoices.append(
            {
                "workspace_id": workspace,
                "id": key,
                "member_id": member_id(chance.randrange(MEMBERS)),
                "plan_id": chance.randrange(1, 4),
                "total": sum(amounts, Decimal(0)),
                "issued_at": _BEGIN + dt.timedelta(hours=chance.randrange(4_000)),
                "note": "paid" if chance.random() < 0.3 else None,
            }
        )
        for line, amount in enumerate(amounts, start=1):
            data.invoice_lines.append({"invoice_id": key, "line_no": line, "text": f"Line {line}", "amount": amount})


def _events(data: AnalyticsData, workspace: UUID, chance: random.Random) -> None:
    for _ in range(EVENTS):
        sent_at = _BEGIN + dt.timedelta(microseconds=chance.randrange(150 * 86_400 * 10**6))
        data.events.append(
            {
                "workspace_id": workspace,
                "member_id": member_id(chance.randrange(MEMBERS - 20)),  # the last ones never do anything
                "project_id": project_id(chance.randrange(PROJECTS)) if chance.random() < 0.8 else None,
                "kind": chance.choice(_KINDS),
                "sent_at": sent_at,
                "latency_ms": chance.randrange(2_000) if chance.random() < 0.7 else None,
                "bytes": chance.randrange(2**40),
                "amount": Decimal(chance.randrange(10**8)) / 10**6,
            }
        )


async def set_up(stores: Mapping[Database, Any]) -> str:
    """Create the tables and fill them, in each database where they are not there yet. Return a workspace's key."""
    by_name = {database.name: store for database, store in stores.items()}
    postgres: Postgres = by_name["crm"]
    clickhouse: ClickHouse = by_name["web"]
    if not await postgres.rows("select where to_regclass('app.workspaces') is not null"):
        await load_postgres(make(), postgres)
    created = "select name from system.tables where database = currentDatabase() and name = 'events'"
    if not (await clickhouse.columns(created, {})).names:
        await clickhouse.command((MIGRATIONS / "clickhouse.sql").read_text())
    if (await clickhouse.columns("select count() from events", {})).columns[0][0] == 0:
        await load_clickhouse(make(), clickhouse)
    ((workspace,),) = await postgres.rows("select id::text from app.workspaces order by id limit 1")
    return str(workspace)


async def load(data: AnalyticsData, postgres: Postgres, clickhouse: ClickHouse) -> None:
    """Create the tables in two empty databases and fill them."""
    await load_postgres(data, postgres)
    await clickhouse.command((MIGRATIONS / "clickhouse.sql").read_text())
    await load_clickhouse(data, clickhouse)


async def load_postgres(data: AnalyticsData, postgres: Postgres) -> None:
    """Create the tables in an empty database and fill them: all or nothing."""
    tables = {
        "app.workspaces": data.workspaces,
        "app.members": data.members,
        'app."Projects"': data.projects,
        "app.project_members": data.project_members,
        "billing.plans": data.plans,
        "billing.invoices": data.invoices,
        "billing.invoice_lines": data.invoice_lines,
    }
    async with postgres.session() as session, session.transaction():
        await session.execute_script((MIGRATIONS / "postgres.sql").read_text())
        for table, rows in tables.items():
            columns = ", ".join(f'"{name}"' for name in rows[0])
            written = json.dumps(rows, default=_as_json)
            source = f"jsonb_populate_recordset(null::{table}, $1::jsonb)"
            await session.execute(f"insert into {table} ({columns}) select {columns} from {source}", written)


async def load_clickhouse(data: AnalyticsData, clickhouse: ClickHouse) -> None:
    """Fill the empty table, with one insert."""
    names = list(data.events[0])
    await clickhouse.insert("events", names, [[row[name] for row in data.events] for name in names])


def _as_json(value: object) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
