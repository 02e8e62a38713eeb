"""Whole queries of the analytics sample over real databases, by graphql-core, against the truth in plain Python."""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from strawberry.types import ExecutionResult

from deploy.analytics.data import AnalyticsData, Row, load
from loaders.objects.request_loaders import RequestLoaders
from resolvers.request_context import RequestContext
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import DATA, MEMBERS, PROJECTS, TENANTS, Asker
from tests.loaders.statements import truth
from tests.models import loaded_model
from tests.resolvers.schemas import schema_of

MODEL = loaded_model("deploy.analytics.model")
SCHEMA, TYPES = schema_of(MODEL)
ROLES = {"guest": "GUEST", "editor-in-chief": "EDITOR", "owner": "OWNER"}


@pytest.fixture(scope="module")
async def analytics_stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases with the sample's data. Read them, never change them."""
    async with new_database() as new:
        await load(DATA, new.stores.postgres, new.stores.clickhouse)
        yield new.stores


@pytest.fixture(params=TENANTS, ids=["first", "second", "third"])
def tenant(request: pytest.FixtureRequest) -> UUID:
    """One tenant after the other."""
    asked: UUID = request.param
    return asked


@pytest.fixture
def own(tenant: UUID) -> AnalyticsData:
    """What the tenant may see."""
    return truth.own(DATA, tenant)


@dataclass(slots=True)
class Answer:
    """A query's answer, and the statements that it took."""

    result: Any
    sent: list[tuple[str, str]]

    @property
    def data(self) -> Any:
        assert not self.result.errors, self.result.errors
        return self.result.data


Ask = Callable[..., Any]


@pytest.fixture
def ask(analytics_stores: Stores, tenant: UUID) -> Ask:
    """Asks queries for the tenant."""

    async def asked(query: str, scopes: frozenset[str] = TYPES.parts.field_scopes, **variables: Any) -> Answer:
        asker = Asker(MODEL, analytics_stores, str(tenant))
        loaders = RequestLoaders.over(MODEL, asker.databases(), tenant=asker.scope())
        context = RequestContext(loaders, scopes)
        result: ExecutionResult = await SCHEMA.execute(query, variable_values=variables, context_value=context)
        await context.release()
        return Answer(result, asker.sent)

    return asked


def by_id(rows: Sequence[Row]) -> dict[str, Row]:
    return {str(row["id"]): row for row in rows}


def text(number: Decimal | str | None) -> str | None:
    """Return a decimal as the columns hold it, with six digits behind the point."""
    return None if number is None else f"{Decimal(number):.6f}"


def instant(value: dt.datetime) -> str:
    return value.isoformat()


def invoices_of(own: AnalyticsData, member: str) -> list[Row]:
    """The member's invoices, the latest first, equals from the greatest key."""
    rows = [row for row in own.invoices if str(row["member_id"]) == member]
    return sorted(rows, key=lambda row: (row["issued_at"], row["id"]), reverse=True)


async def test_own_columns_of_every_scalar(ask: Ask, own: AnalyticsData) -> None:
    query = """query($ids: [ID!]!) { membersByIds(ids: $ids) {
      id nodeId email role joinedOn tags settings avatar nickname label
    } }"""
    answer = await ask(query, ids=MEMBERS)
    members = by_id(own.members)
    for asked, matches in zip(MEMBERS, answer.data["membersByIds"], strict=True):
        row, role = members[asked], ROLES[members[asked]["role"]]
        avatar = None if row["avatar"] is None else base64.b64encode(row["avatar"]).decode()
        assert matches == {
            "id": asked,
            "nodeId": f"Member:{asked}",
            "email": row["email"],
            "role": role,
            "joinedOn": row["joined_on"].isoformat(),
            "tags": row["tags"],
            "settings": row["settings"],
            "avatar": avatar,
            "nickname": row["nick"],
            "label": f"{row['email'] or '?'} ({role})",
        }
    assert len(answer.sent) == 1


async def test_lists_in_lists_and_links_back(ask: Ask, own: AnalyticsData) -> None:
    query = """query($ids: [ID!]!) { membersByIds(ids: $ids) {
      invoices(first: 3) { edges { node { id total issuedAt note plan { name price } member { id }
        lines(first: 2) { id lineNo text amount } } } pageInfo { hasNextPage } totalCount }
      lastInvoice { id total }
      projects { id name budget }
    } }"""
    ids = MEMBERS[:40]
    answer = await ask(query, ids=ids)
    plans = {row["id"]: row for row in own.plans}
    projects, lines = truth.projects(own), truth.lines(own)
    for member, matches in zip(ids, answer.data["membersByIds"], strict=True):
        rows = invoices_of(own, member)
        nodes = [
            {
                "id": str(row["id"]),
                "total": text(row["total"]),
                "issuedAt": instant(row["issued_at"]),
                "note": row["note"],
                "plan": {"name": plans[row["plan_id"]]["name"], "price": f"{plans[row['plan_id']]['price']:.2f}"},
                "member": {"id": member},
                "lines": [
                    {"id": f"{row['id']}:{number}", "lineNo": number, "text": line, "amount": text(amount)}
                    for _, number, line, amount in lines[row["id"]][:2]
                ],
            }
            for row in rows[:3]
        ]
        assert [edge["node"] for edge in matches["invoices"]["edges"]] == nodes
        assert matches["invoices"]["pageInfo"]["hasNextPage"] == (len(rows) > 3)
        assert matches["invoices"]["totalCount"] == len(rows)
        assert matches["lastInvoice"] == ({"id": str(rows[0]["id"]), "total": text(rows[0]["total"])} if rows else None)
        assert matches["projects"] == [
            {"id": str(key), "name": name, "budget": text(budget)} for key, name, budget in projects.get(member, [])
        ]
    assert len(answer.sent) == 8  # record, page, its count, last, projects; then plans, members, lines


async def test_links_across_the_stores(ask: Ask, own: AnalyticsData) -> None:
    query = """query($ids: [ID!]!) { membersByIds(ids: $ids) {
      recentEvents(first: 4) { sentAt kind latencyMs project { id name budget } }
      usage { byProject(first: 2) { projectId events bytes project { name } } }
      activityRank { rank }
    } }"""
    answer = await ask(query, ids=MEMBERS)
    names, recent, ranks = by_id(own.projects), truth.recent(own, 4), truth.ranks(own)
    events: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in own.events:
        events[str(row["member_id"]), str(row["project_id"])].append(row)
    for member, matches in zip(MEMBERS, answer.data["membersByIds"], strict=True):
        expected = [
            {
                "sentAt": instant(sent_at),
                "kind": kind,
                "latencyMs": latency,
                "project": project
                and {
                    "id": str(project),
                    "name": names[str(project)]["Name"],
                    "budget": text(names[str(project)]["Budget"]),
                },
            }
            for sent_at, kind, latency, project in recent.get(member, [])
        ]
        assert matches["recentEvents"] == expected
        assert matches["activityRank"] == {"rank": str(ranks[member][0])}
        for use in matches["usage"]["byProject"]:
            rows = events[member, use["projectId"]]
            assert (use["events"], use["bytes"]) == (str(len(rows)), str(sum(row["bytes"] for row in rows)))
            assert use["project"]["name"] == names[use["projectId"]]["Name"]


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ("", lambda row: (row["joined_on"], row["id"])),
        ("orderBy: {field: JOINED_ON, direction: DESC},", None),
        ("orderBy: {field: EMAIL},", lambda row: (row["email"] is not None, row["email"] or "", row["id"])),
        ("orderBy: {field: EMAIL, direction: DESC},", None),
        ("orderBy: {field: ROLE},", lambda row: (list(ROLES).index(row["role"]), row["id"])),
    ],
)
async def test_a_page_goes_on_to_its_end_in_every_order(ask: Ask, own: AnalyticsData, order: str, key: Any) -> None:
    query = f"""query($after: String) {{ members({order} first: 50, after: $after) {{
      edges {{ cursor node {{ id email joinedOn }} }} totalCount pageInfo {{ hasNextPage endCursor }} }} }}"""
    seen, after, pages = [], None, 0
    while True:
        page = (await ask(query, after=after)).data["members"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        pages += 1
        assert page["totalCount"] == len(own.members)
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages == 7
    by = key or (
        lambda row: (
            (row["joined_on"], row["id"])
            if "JOINED" in order
            else (row["email"] is not None, row["email"] or "", row["id"])
        )
    )
    assert seen == [str(row["id"]) for row in sorted(own.members, key=by, reverse=key is None)]


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ("role: [OWNER, EDITOR]", lambda row: row["role"] in ("owner", "editor-in-chief")),
        ("role: []", lambda row: row is None),
        ('emailPrefix: "member1"', lambda row: (row["email"] or "").startswith("member1")),
        ('email: "member7@example.org"', lambda row: row["email"] == "member7@example.org"),
        ('tag: "fußball"', lambda row: "fußball" in row["tags"]),
        ("hasEmail: false", lambda row: row["email"] is None),
        (
            'hasEmail: true, tag: "ops", role: GUEST',
            lambda row: row["email"] and "ops" in row["tags"] and row["role"] == "guest",
        ),
        ("tag: null", lambda row: row is not None),
    ],
)
async def test_conditions_hold_for_pages_and_counts(
    ask: Ask, own: AnalyticsData, conditions: str, holds: Callable[[Row], bool]
) -> None:
    answer = await ask(f"{{ members(first: 1000, filter: {{{conditions}}}) {{ nodes {{ id }} totalCount }} }}")
    expected = sorted(str(row["id"]) for row in own.members if holds(row))
    assert sorted(node["id"] for node in answer.data["members"]["nodes"]) == expected
    assert answer.data["members"]["totalCount"] == len(expected)


async def test_conditions_on_money_instants_and_notes(ask: Ask, own: AnalyticsData) -> None:
    query = """query($ids: [ID!]!, $filter: InvoiceFilter) { membersByIds(ids: $ids) {
      invoices(first: 200, orderBy: {field: TOTAL}, filter: $filter) { nodes { id } totalCount } } }"""
    middle = sorted(row["total"] for row in own.invoices)[300]
    since = dt.datetime(2026, 3, 1, 1, 2, 3, tzinfo=dt.UTC)
    cases: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
        ({"atMost": text(middle)}, lambda row: row["total"] <= middle),
        ({"total": {"from": text(middle)}, "hasNote": True}, lambda row: row["total"] >= middle and row["note"] is not None),
        ({"issuedFrom": "2026-03-01T02:02:03+01:00"}, lambda row: row["issued_at"] >= since),
        ({"issuedBefore": since.isoformat(), "plan": [1, 3]}, lambda row: row["issued_at"] < since and row["plan_id"] in (1, 3)),
    ]  # fmt: skip
    for values, holds in cases:
        answer = await ask(query, ids=MEMBERS, filter=values)
        for member, matches in zip(MEMBERS, answer.data["membersByIds"], strict=True):
            rows = [row for row in invoices_of(own, member) if holds(row)]
            rows.sort(key=lambda row: (row["total"], row["id"]))
            assert [node["id"] for node in matches["invoices"]["nodes"]] == [str(row["id"]) for row in rows], values
            assert matches["invoices"]["totalCount"] == len(rows)


async def test_conditions_and_orders_of_objects_behind_a_join_table(ask: Ask, own: AnalyticsData) -> None:
    query = """query($ids: [ID!]!, $filter: ProjectFilter, $order: ProjectOrder) { membersByIds(ids: $ids) {
      projects(filter: $filter, orderBy: $order) { name } } }"""
    known = {row["id"]: row for row in own.projects}
    budgets = sorted(row["Budget"] for row in own.projects if row["Budget"] is not None)
    middle, name = budgets[len(budgets) // 2], own.projects[0]["Name"]
    cases: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
        ({"namePrefix": name}, lambda row: row["Name"].startswith(name)),
        ({"maxBudget": text(middle)}, lambda row: row["Budget"] is not None and row["Budget"] <= middle),
    ]
    lengths = set()
    for values, holds in cases:
        order = {"field": "BUDGET", "direction": "DESC"}
        answer = await ask(query, ids=MEMBERS, filter=values, order=order)
        for member, result in zip(MEMBERS, answer.data["membersByIds"], strict=True):
            joined = [row["project_id"] for row in own.project_members if str(row["member_id"]) == member]
            rows = [row for row in map(known.__getitem__, joined) if holds(row)]
            rows.sort(key=lambda row: (row["Budget"] is not None, row["Budget"] or 0, row["id"]), reverse=True)
            names = [project["name"] for project in (result or {"projects": []})["projects"]]
            assert names == [row["Name"] for row in rows], values
            lengths.add(len(rows))
    assert max(lengths) > 1


async def test_a_nested_page_goes_on_by_a_cursor(ask: Ask, own: AnalyticsData) -> None:
    counts = Counter(str(row["member_id"]) for row in own.invoices)
    member, number = counts.most_common(1)[0]
    query = """query($id: ID!, $after: String) { member(id: $id) { invoices(first: 2, after: $after) {
      edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    seen, after = [], None
    for _ in range(number):
        page = (await ask(query, id=member, after=after)).data["member"]["invoices"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [str(row["id"]) for row in invoices_of(own, member)]


async def test_periods_are_days_of_the_tenants_zone_and_zones_may_be_chosen(
    ask: Ask, own: AnalyticsData, tenant: UUID
) -> None:
    zone = next(row["time_zone"] for row in DATA.workspaces if row["id"] == tenant)
    query = """query($ids: [ID!]!) { membersByIds(ids: $ids) {
      march: usage(period: {from: "2026-03-01", to: "2026-03-31"}) { activity { actions } }
      all: usage { byMonth { month actions } tokyo: byMonth(timeZone: "Asia/Tokyo") { month actions } }
    } }"""
    answer = await ask(query, ids=MEMBERS[:60])
    own_months, tokyo = truth.months(own, zone), truth.months(own, "Asia/Tokyo")
    for member, matches in zip(MEMBERS[:60], answer.data["membersByIds"], strict=True):
        events = [row for row in own.events if str(row["member_id"]) == member]
        march = [row for row in events if row["sent_at"].astimezone(ZoneInfo(zone)).strftime("%Y-%m") == "2026-03"]
        assert matches["march"]["activity"]["actions"] == str(len(march))
        for name, months in (("byMonth", own_months), ("tokyo", tokyo)):
            expected = [{"month": month.isoformat(), "actions": str(count)} for month, count in months.get(member, [])]
            assert matches["all"][name] == expected


TEN_SECTIONS = """query($ids: [ID!]!) { membersByIds(ids: $ids) {
  id email role label
  activity { actions bytesSent spent p95Latency slowShare kinds lastSentAt }
  slow: activity(slowMs: 1500) { slowShare }
  activityRank { rank }
  recentEvents { sentAt kind project { name } }
  usage(period: {from: "2026-02-01"}) { activity { actions } byMonth { month actions } byProject { events project { id } } }
  billing { invoices total median }
  invoices { totalCount nodes { total plan { name } lines { amount } } }
  lastInvoice { total member { email } }
  projects { name activity { actions } }
} }"""


async def test_ten_sections_take_as_many_statements_for_one_object_as_for_three_hundred(
    ask: Ask, own: AnalyticsData
) -> None:
    busy = {str(row["member_id"]) for row in own.invoices} & {str(row["member_id"]) for row in own.project_members}
    ids = sorted(busy & {str(row["member_id"]) for row in own.events if row["project_id"]})
    item, many = await ask(TEN_SECTIONS, ids=ids[:1]), await ask(TEN_SECTIONS, ids=[ids[0], *MEMBERS[:299]])
    assert item.data["membersByIds"] == many.data["membersByIds"][:1]
    stores = [Counter(store for store, _ in answer.sent) for answer in (item, many)]
    assert stores[0] == stores[1]
    assert stores[0] == Counter({"postgresql": 11, "clickhouse": 6})


async def test_every_section_agrees_with_itself_however_many_are_asked(ask: Ask) -> None:
    many = (await ask(TEN_SECTIONS, ids=MEMBERS)).data["membersByIds"]
    for place in (0, 17, 319):
        assert (await ask(TEN_SECTIONS, ids=[MEMBERS[place]])).data["membersByIds"] == [many[place]]


async def test_other_tenants_objects_are_unknown(ask: Ask, own: AnalyticsData, tenant: UUID) -> None:
    other = next(row for row in DATA.invoices if row["workspace_id"] != tenant)
    mine = own.invoices[0]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Invoice { total lines { amount } } } }"
    ids = [
        f"Invoice:{other['id']}",
        f"Invoice:{mine['id']}",
        f"InvoiceLine:{other['id']}:1",
        f"InvoiceLine:{mine['id']}:1",
    ]
    ids += [f"Workspace:{each}" for each in TENANTS if each != tenant]
    matches = (await ask(query, ids=ids)).data["nodes"]
    assert [each and each["id"] for each in matches] == [None, str(mine["id"]), None, f"{mine['id']}:1", None, None]
    assert (await ask("{ workspace { id members(first: 200) { totalCount } } }")).data == {
        "workspace": {"id": str(tenant), "members": {"totalCount": len(own.members)}}
    }


async def test_a_member_is_found_by_the_address_in_the_own_tenant(ask: Ask, own: AnalyticsData) -> None:
    row = next(row for row in own.members if row["email"])
    query = "query($email: String!) { memberByEmail(email: $email) { id role activity { actions } } }"
    matches = (await ask(query, email=row["email"])).data["memberByEmail"]
    events = [event for event in own.events if event["member_id"] == row["id"]]
    assert matches == {"id": str(row["id"]), "role": ROLES[row["role"]], "activity": {"actions": str(len(events))}}
    assert (await ask(query, email="nobody@example.org")).data == {"memberByEmail": None}


async def test_ids_that_are_no_keys_cost_the_others_nothing(ask: Ask) -> None:
    ids = ["", "x", MEMBERS[0], "0" * 2_000, "\0", MEMBERS[0].upper()]
    answer = await ask("query($ids: [ID!]!) { membersByIds(ids: $ids) { id } }", ids=ids)
    assert answer.data["membersByIds"] == [None, None, {"id": MEMBERS[0]}, None, None, {"id": MEMBERS[0]}]
    assert len(answer.sent) == 1
    assert (await ask('{ invoice(id: "9223372036854775808") { id } plan(id: "x") { id } }')).data == {
        "invoice": None,
        "plan": None,
    }


async def test_projects_have_sections_of_their_own_keys(ask: Ask, own: AnalyticsData) -> None:
    matches = await ask("query($ids: [ID!]!) { nodes(ids: $ids) { ... on Project { id activity { actions spent } } } }",
                      ids=[f"Project:{each}" for each in PROJECTS])  # fmt: skip
    for project, node in zip(PROJECTS, matches.data["nodes"], strict=True):
        rows = [row for row in own.events if str(row["project_id"]) == project]
        assert node["activity"]["actions"] == str(len(rows))
        assert Decimal(node["activity"]["spent"]) == sum(row["amount"] for row in rows)
