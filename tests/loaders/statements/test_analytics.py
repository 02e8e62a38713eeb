"""Statements of the analytics model on real engines, against the truth: every use, tenant by tenant."""

from __future__ import annotations

import datetime as dt
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

import pytest

from deploy.analytics.data import EVENTS, MEMBERS, ZONES, AnalyticsData, load, make, member_id, project_id
from loaders.model.bound_sections import BoundSection
from loaders.model.bound_tables import with_parents
from loaders.model.databases import Kind, everyones
from loaders.model.loading import load_model
from loaders.model.model import Model
from loaders.model.scalars import UNIQUE_ID
from loaders.model.shapes import Cardinality
from loaders.statements.parameters import TenantScope
from loaders.statements.rows import Bounds, SentRows, StatementScope
from loaders.statements.select import SelectStatement, foreign_relations, select, select_relation
from tests.conftest import NewDatabase, Stores
from tests.loaders.statements import truth

DATA = make()
TENANTS = [UUID(int=1), UUID(int=2), UUID(int=3)]
EVER = Bounds()
ALL_MEMBERS = [str(member_id(number)) for number in range(MEMBERS)]
ROLES = {"guest": "GUEST", "editor-in-chief": "EDITOR", "owner": "OWNER"}


@pytest.fixture(scope="module")
def model() -> Model:
    """The analytics sample's."""
    return load_model("deploy.analytics.model")


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both stores with the sample's data."""
    async with new_database() as new:
        await load(DATA, new.stores.postgres, new.stores.clickhouse)
        yield new.stores


class Answers:
    """Runs statements of one tenant."""

    def __init__(self, model: Model, stores: Stores, tenant: UUID) -> None:
        self.uses = dict(model.bound_sections)
        self.tenant = tenant
        self._stores = stores

    async def of(
        self,
        name: str,
        keys: Sequence[Any],
        *,
        first: int | None = None,
        bounds: Bounds = EVER,
        unchecked: bool = False,
        **arguments: Any,
    ) -> dict[Any, Any]:
        """By key, the row of a use or its rows; `unchecked` takes rows as they come, several of one key too."""
        use = self.uses[name]
        scope = TenantScope(UNIQUE_ID, str(self.tenant))
        asked = StatementScope(use.key, keys, scope, bounds, arguments, use.bound_tables)
        for relation in foreign_relations(use):
            sent = {**asked.sent, relation: await self._run(select_relation(relation, asked))}
            asked = replace(asked, sent=sent)
        answer = await self._run(select(use, asked, first))
        rows = list(zip(*_decoded(use, answer.columns), strict=True))
        return {None: rows} if unchecked else _by_key(use, rows)

    async def _run(self, statement: SelectStatement) -> SentRows:
        if statement.kind is Kind.POSTGRES:
            rows = await self._stores.postgres.rows(statement.sql, *statement.values.values())
            names = tuple(rows[0].keys()) if rows else ()
            return SentRows(names, list(zip(*(tuple(row) for row in rows), strict=True)))
        answer = await self._stores.clickhouse.columns(statement.sql, statement.values)
        return SentRows(answer.names, answer.columns)


def _decoded(use: BoundSection, columns: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the key's columns, then those of the use, as canonical values."""
    decoded = [scalar.decode(column) for scalar, column in zip(use.key.scalars, columns, strict=False)]
    for column, values in zip(use.columns, columns[len(decoded) :], strict=False):
        scalar = column.scalar
        decoded.append(scalar.decode_lists(values) if column.is_list else scalar.decode(values))
    return decoded


def _by_key(use: BoundSection, rows: Sequence[tuple[Any, ...]]) -> dict[Any, Any]:
    width = len(use.key_columns)

    def key(row: tuple[Any, ...]) -> Any:
        return row[0] if width == 1 else row[:width]

    if use.cardinality is Cardinality.ONE:
        assert len({key(row) for row in rows}) == len(rows)
        return {key(row): row[width:] for row in rows}
    grouped = [(one, [row[width:] for row in together]) for one, together in groupby(rows, key)]
    assert len({one for one, _ in grouped}) == len(grouped)  # rows of a key lie together
    return dict(grouped)


@pytest.fixture(params=TENANTS, ids=["first", "second", "third"])
def tenant(request: pytest.FixtureRequest) -> UUID:
    """One tenant after the other."""
    asked: UUID = request.param
    return asked


@pytest.fixture
def own(tenant: UUID) -> AnalyticsData:
    """What the tenant may see."""
    return truth.own(DATA, tenant)


@pytest.fixture
def answers(model: Model, stores: Stores, tenant: UUID) -> Answers:
    """Statements of the tenant."""
    return Answers(model, stores, tenant)


async def test_sections_over_clickhouse_are_right_by_uuid(answers: Answers, own: AnalyticsData) -> None:
    assert await answers.of("Member.activity", ALL_MEMBERS) == truth.activity(own, "member_id")
    projects = [str(project_id(number)) for number in range(12)]
    assert await answers.of("Project.activity", projects, slowMs=100) == truth.activity(own, "project_id", 100)


async def test_one_and_fifty_members_are_answered_as_all_are(answers: Answers, own: AnalyticsData) -> None:
    expected = truth.activity(own, "member_id")
    for few in (ALL_MEMBERS[:1], ALL_MEMBERS[100:150], [str(UUID(int=99))], []):
        assert await answers.of("Member.activity", few) == {key: expected[key] for key in few if key in expected}


async def test_a_period_narrows_rows_by_instants(answers: Answers, own: AnalyticsData) -> None:
    start, end = dt.datetime(2026, 2, 1, 5, 30, tzinfo=dt.UTC), dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    own.events = [row for row in own.events if start <= row["sent_at"] < end]
    assert await answers.of("Member.activity", ALL_MEMBERS, bounds=Bounds(start, end)) == truth.activity(
        own, "member_id"
    )


@pytest.mark.parametrize("zone", ["UTC", *ZONES])
async def test_months_are_those_of_the_zone(answers: Answers, own: AnalyticsData, zone: str) -> None:
    assert await answers.of("Member.usage.by_month", ALL_MEMBERS, timeZone=zone) == truth.months(own, zone)


async def test_rows_come_in_order_and_cut(answers: Answers, own: AnalyticsData) -> None:
    assert await answers.of("Member.recent_events", ALL_MEMBERS) == truth.recent(own, 10)
    assert await answers.of("Member.recent_events", ALL_MEMBERS, first=2) == truth.recent(own, 2)


async def test_an_enum_chooses_the_order(answers: Answers, own: AnalyticsData) -> None:
    own.events = [row for row in own.events if row["project_id"] is not None]
    by_events = await answers.of("Member.usage.by_project", ALL_MEMBERS, first=100)
    assert {key: sorted(rows) for key, rows in by_events.items()} == {
        key: sorted(rows) for key, rows in truth.project_use(own, len, 100).items()
    }
    assert all(
        [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True) for rows in by_events.values()
    )
    expected = truth.project_use(own, lambda rows: sum(row["bytes"] for row in rows), 3)
    assert await answers.of("Member.usage.by_project", ALL_MEMBERS, first=3, by="BYTES") == expected


async def test_a_relation_of_the_other_store_is_sent_along(answers: Answers, own: AnalyticsData) -> None:
    expected = truth.ranks(own)
    assert await answers.of("Member.activity_rank", ALL_MEMBERS) == expected
    one = ALL_MEMBERS[7:8]
    assert await answers.of("Member.activity_rank", one) == {one[0]: expected[one[0]]}


async def test_money_keeps_all_its_digits(answers: Answers, own: AnalyticsData) -> None:
    found = await answers.of("Member.billing", ALL_MEMBERS)
    assert found == truth.billing(own)
    assert {len(total.partition(".")[2]) for _, total, _ in found.values()} == {6}


async def test_lists_of_objects_are_their_own_records(answers: Answers, own: AnalyticsData) -> None:
    assert await answers.of("Member.invoices", ALL_MEMBERS, first=3) == truth.invoices(own, 3)
    keys = [row["id"] for row in own.invoices]
    assert await answers.of("Invoice.lines", keys) == truth.lines(own)


async def test_many_to_many_goes_through_its_table(answers: Answers, own: AnalyticsData) -> None:
    assert await answers.of("Member.projects", ALL_MEMBERS) == truth.projects(own)


async def test_records_have_every_scalar(answers: Answers, own: AnalyticsData) -> None:
    names = ("id", "email", "role", "joined_on", "tags", "settings", "avatar", "nick")
    found = await answers.of("Member.record", ALL_MEMBERS)
    avatars = {None: None} | {row["avatar"]: b64encode(row["avatar"]).decode() for row in own.members if row["avatar"]}
    members = [{**row, "role": ROLES[row["role"]], "avatar": avatars[row["avatar"]]} for row in own.members]
    assert found == truth.records(members, "id", names)
    keys = [(row["invoice_id"], row["line_no"]) for row in own.invoice_lines]
    assert sorted((await answers.of("InvoiceLine.record", keys)).values()) == sorted(
        truth.canonical((row["invoice_id"], row["line_no"], row["text"], row["amount"])) for row in own.invoice_lines
    )


async def test_another_tenants_objects_are_unknown(answers: Answers, own: AnalyticsData) -> None:
    strange = [row["id"] for row in DATA.invoices if row not in own.invoices]
    assert await answers.of("Invoice.record", strange) == {}
    assert await answers.of("Invoice.lines", strange) == {}
    lines = [(row["invoice_id"], row["line_no"]) for row in DATA.invoice_lines if row["invoice_id"] in set(strange)]
    assert await answers.of("InvoiceLine.record", lines) == {}
    other = [str(tenant) for tenant in TENANTS if tenant != answers.tenant]
    assert await answers.of("Workspace.record", other) == {}


async def test_a_table_of_everyones_is_read_by_each(answers: Answers) -> None:
    plans = {row["id"]: (row["id"], row["name"], str(row["price"])) for row in DATA.plans}
    assert await answers.of("Plan.record", [1, 2, 3, 4]) == plans


@pytest.fixture
def every_key() -> dict[str, list[Any]]:
    """By object type, the keys of all tenants."""
    return {
        "Workspace": [str(tenant) for tenant in TENANTS],
        "Member": ALL_MEMBERS,
        "Project": [str(project_id(number)) for number in range(12)],
        "Invoice": [row["id"] for row in DATA.invoices],
        "InvoiceLine": [(row["invoice_id"], row["line_no"]) for row in DATA.invoice_lines],
        "Plan": [1, 2, 3],
        "Query.member_by_email": [row["email"] for row in DATA.members if row["email"] is not None],
    }


async def test_without_any_one_tenant_condition_a_use_answers_otherwise(
    answers: Answers, every_key: dict[str, list[Any]]
) -> None:
    taken_out: list[str] = []
    for name, use in list(answers.uses.items()):
        keys = every_key.get(use.key_space.name, ())
        arguments: dict[str, Any] = {"timeZone": "UTC"}
        if not keys:  # a page
            continue
        right = await answers.of(name, keys, first=500, unchecked=True, **arguments)
        for table in with_parents(use.tables, use.bound_tables):
            bound = use.bound_tables[table]
            if bound.tenant is everyones:
                continue
            opened = {**use.bound_tables, table: replace(bound, tenant=everyones)}
            answers.uses[name] = replace(use, bound_tables=opened)
            rows = await answers.of(name, keys, first=500, unchecked=True, **arguments)
            assert rows != right, (name, table.name)
            taken_out.append(name)
    pages = {name for name, use in answers.uses.items() if not use.key_columns}
    assert {name for name in answers.uses if name not in taken_out} == {"Plan.record", *pages}
    assert len(taken_out) == 25


def test_tenants_share_their_keys_and_not_their_rows() -> None:
    assert {row["id"] for row in DATA.members if row["workspace_id"] == TENANTS[0]} == {
        UUID(member) for member in ALL_MEMBERS
    }
    first, second = (truth.activity(truth.own(DATA, tenant), "member_id") for tenant in TENANTS[:2])
    assert first != second
    assert len(DATA.events) == 3 * EVENTS
