"""Whole queries over a loader in memory: what is loaded together, what takes the place of keys, and failures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from strawberry.types import ExecutionResult

from loaders.model.loading import load_model
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError, StoreUnavailable
from resolvers.request_context import RequestContext
from tests.resolvers.fake_objects import FakeLoaders, FakeObjects, FakeTenant, Row
from tests.resolvers.schemas import schema_of

SCHEMA, TYPES = schema_of(load_model("deploy.analytics.model"))
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


class Asked:
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
) -> Asked:
    """Execute a query by graphql-core."""
    objects = FakeObjects({**ANSWERS, **(answers or {})})
    context = RequestContext(FakeLoaders(objects, FakeTenant("00000000-0000-0000-0000-000000000001")), scopes)
    result: ExecutionResult = await SCHEMA.execute(query, variable_values=variables, context_value=context)
    await context.release()
    return Asked(objects, result)


async def test_ids_come_in_the_order_asked_and_one_that_is_no_key_costs_the_others_nothing() -> None:
    asked = await ask(
        "query($ids: [ID!]!) { membersByIds(ids: $ids) { id nodeId email role joinedOn tags settings label } }",
        ids=[B, "no key", A.upper(), B, LOST],
    )
    first, unknown, second, again, lost = asked.data["membersByIds"]
    assert second == {
        "id": A, "nodeId": f"Member:{A}", "email": "a@x", "role": "OWNER", "joinedOn": "2026-01-01", "tags": ["t"],
        "settings": {"s": 1}, "label": "a@x (OWNER)",
    }  # fmt: skip
    assert (first["label"], again, unknown, lost) == ("? (GUEST)", first, None, None)
    assert asked.loads == [("Member", [B, A, B, LOST], ["Member.record"])]


async def test_only_the_columns_that_are_asked_for_are_wanted() -> None:
    for selected, wanted in (
        ("id", {"id"}),
        ("label", {"email", "role"}),
        ("role tags", {"role", "tags"}),
        ("__typename", {"id"}),
    ):
        asked = await ask(f'{{ member(id: "{A}") {{ {selected} }} }}')
        ((request,),) = asked.objects.requests
        assert set(request.columns or ()) == wanted


async def test_lists_of_lists_take_a_load_for_each_level_and_none_for_records_that_rows_have() -> None:
    asked = await ask(
        f'{{ membersByIds(ids: ["{A}", "{B}"]) {{ invoices(first: 2) {{ edges {{ node {{ id total issuedAt plan {{ name }}'
        " lines { id text amount } } } pageInfo { hasNextPage } totalCount } lastInvoice { id } projects { name } } }"
    )
    first, second = asked.data["membersByIds"]
    assert first["invoices"] == {
        "edges": [
            {"node": {"id": number, "total": f"{number}.50", "issuedAt": "2026-03-01T12:00:00+00:00",
             "plan": {"name": f"plan {plan}"},
             "lines": [{"id": f"{number}:{line}", "text": f"{number}/{line}", "amount": "0.5"} for line in (1, 2)]}}
            for number, plan in (("1", 1), ("2", 2))
        ],
        "pageInfo": {"hasNextPage": True},
        "totalCount": 3,
    }  # fmt: skip
    assert (first["lastInvoice"], first["projects"]) == ({"id": "3"}, [{"name": "c"}])
    assert second["invoices"]["edges"][0]["node"]["plan"] is None
    assert (second["invoices"]["totalCount"], second["invoices"]["pageInfo"]["hasNextPage"]) == (1, False)
    assert (second["lastInvoice"], second["projects"]) == ({"id": "4"}, [])
    sections = ["Member.invoices", "Member.invoices.count", "Member.last_invoice", "Member.projects", "Member.record"]
    assert asked.loads == [
        ("Member", [A, B], sections),
        ("Invoice", [1, 2, 4], ["Invoice.lines"]),
        ("Plan", [1, 2, 9], ["Plan.record"]),
    ]


async def test_links_of_sections_and_of_records_to_one_type_are_loaded_at_one_level() -> None:
    asked = await ask(
        f'{{ member(id: "{A}") {{ recentEvents {{ kind project {{ name }} }} other: recentEvents {{ project {{ id }} }} }} }}'
    )
    assert asked.data["member"]["recentEvents"] == [
        {"kind": "a", "project": {"name": "c"}},
        {"kind": "b", "project": None},
        {"kind": "c", "project": None},
    ]
    assert asked.data["member"]["other"][0] == {"project": {"id": C}}
    assert [load[:2] for load in asked.loads] == [("Member", [A]), ("Project", [C, LOST])]


async def test_links_lead_in_circles_to_any_depth() -> None:
    asked = await ask('{ invoice(id: "1") { member { lastInvoice { member { lastInvoice { plan { id } } } } } } }')
    assert asked.data["invoice"]["member"]["lastInvoice"]["member"]["lastInvoice"]["plan"] == {"id": "1"}
    assert [name for name, _, _ in asked.loads] == ["Invoice", "Member", "Member", "Plan"]


async def test_several_links_of_one_row_are_each_in_their_place() -> None:
    asked = await ask('{ invoice(id: "2") { member { email } plan { name } total } }')
    assert asked.data["invoice"] == {"member": {"email": "a@x"}, "plan": {"name": "plan 2"}, "total": "2.50"}


async def test_an_object_without_a_link_or_with_a_lost_one_has_null() -> None:
    assert (await ask('{ invoice(id: "5") { member { id } plan { id } } }')).data == {
        "invoice": {"member": None, "plan": {"id": "1"}}
    }


async def test_a_failed_section_is_null_in_its_place_and_the_rest_answers() -> None:
    asked = await ask(
        f'{{ member(id: "{A}") {{ email activity {{ actions }} recentEvents {{ project {{ name }} }} }} }}',
        {"Member.activity": StoreUnavailable("web", "gone"), "Project.record": StoreUnavailable("crm", "gone")},
    )
    assert asked.result.data["member"] == {
        "email": "a@x",
        "activity": None,
        "recentEvents": [{"project": None}, {"project": None}, {"project": None}],
    }
    paths = sorted(str(error.path) for error in asked.result.errors)
    assert paths == [
        "['member', 'activity']",
        "['member', 'recentEvents', 0, 'project']",
        "['member', 'recentEvents', 2, 'project']",
    ]
    assert all(isinstance(error.original_error, StoreError) for error in asked.result.errors)


async def test_a_failed_count_takes_its_page_with_it_alone() -> None:
    asked = await ask(
        f'{{ member(id: "{A}") {{ email invoices {{ totalCount }} }} }}',
        {"Member.invoices.count": StoreUnavailable("crm", "gone")},
    )
    assert asked.result.data == {"member": {"email": "a@x", "invoices": None}}


async def test_pages_go_on_by_their_cursors_to_the_end() -> None:
    query = """query($after: String) { members(first: 1, after: $after) {
        edges { cursor node { id } } nodes { id } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }"""
    seen, after = [], None
    for _ in range(3):
        page = (await ask(query, after=after)).data["members"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        assert page["nodes"] == [edge["node"] for edge in page["edges"]]
        assert page["totalCount"] == 2
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
        assert after == page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [A, B]


async def test_a_page_of_objects_asks_nothing_again_that_its_rows_have() -> None:
    asked = await ask("{ members { nodes { id email activity { actions } } } }")
    assert asked.data["members"]["nodes"][0] == {"id": A, "email": "a@x", "activity": {"actions": str(2**40)}}
    assert asked.loads == [("Query.members", [()], ["Query.members"]), ("Member", [A, B], ["Member.activity"])]


async def test_an_empty_page_has_no_cursors() -> None:
    asked = await ask(
        "{ members { nodes { activity { actions } } pageInfo { hasNextPage startCursor endCursor } } }",
        {"Query.members": lambda _key, _request: []},
    )
    information = {"hasNextPage": False, "startCursor": None, "endCursor": None}
    assert asked.data == {"members": {"nodes": [], "pageInfo": information}}
    assert len(asked.loads) == 1


async def test_a_unique_column_leads_to_the_object_and_all_that_is_asked_of_it() -> None:
    asked = await ask('{ memberByEmail(email: "a@x") { id role activity { actions } } }')
    assert asked.data["memberByEmail"] == {"id": A, "role": "OWNER", "activity": {"actions": str(2**40)}}
    assert asked.loads == [
        ("Query.member_by_email", ["a@x"], ["Query.member_by_email"]),
        ("Member", [A], ["Member.activity"]),
    ]
    assert (await ask('{ memberByEmail(email: "z") { id activity { actions } } }')).data == {"memberByEmail": None}


async def test_nodes_of_any_type_come_in_the_order_asked() -> None:
    asked = await ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Member { email } ... on InvoiceLine { text } } }",
        ids=[f"Plan:{1}", f"Member:{A}", "InvoiceLine:4:2", "Member", "Nothing:1", "Member:x", f"Member:{LOST}"],
    )
    assert asked.data["nodes"] == [
        {"__typename": "Plan", "id": "1"},
        {"__typename": "Member", "id": A, "email": "a@x"},
        {"__typename": "InvoiceLine", "id": "4:2", "text": "4/2"},
        None,
        None,
        None,
        None,
    ]


async def test_a_node_of_a_type_that_may_not_be_read_is_an_error_in_its_place() -> None:
    asked = await ask(f'{{ nodes(ids: ["Plan:1", "Member:{A}"]) {{ id }} }}', scopes=frozenset(["billing:read"]))
    assert asked.result.data == {"nodes": [{"id": "1"}, None]}
    (error,) = asked.result.errors
    assert (error.path, error.extensions) == (["nodes", 1], {"code": "FORBIDDEN"})
    assert [name for name, _, _ in asked.loads] == ["Plan"]


async def test_the_tenants_own_object_has_the_tenants_key() -> None:
    asked = await ask("{ workspace { id name } }")
    tenant = "00000000-0000-0000-0000-000000000001"
    assert asked.data == {"workspace": {"id": tenant, "name": "w"}}
    assert asked.loads == [("Workspace", [tenant], ["Workspace.record"])]


async def test_what_may_not_be_read_is_not_loaded() -> None:
    query = f'{{ member(id: "{A}") {{ role email lastInvoice {{ id }} activity {{ actions }} }} }}'
    asked = await ask(query, scopes=frozenset(["member:read"]))
    assert asked.result.data == {"member": {"role": "OWNER", "email": None, "lastInvoice": None, "activity": None}}
    assert {error.path[-1] for error in asked.result.errors} == {"email", "lastInvoice", "activity"}
    ((request,),) = asked.objects.requests
    assert set(request.columns or ()) == {"role"}


@pytest.mark.parametrize(
    ("arguments", "scope"),
    [
        ('filter: {emailPrefix: "a"}', "pii:read"),
        ("filter: {hasEmail: true}", "pii:read"),
        ("orderBy: {field: EMAIL}", "pii:read"),
    ],
)
async def test_conditions_and_orders_need_the_scopes_of_their_columns(arguments: str, scope: str) -> None:
    query = f"{{ members({arguments}) {{ nodes {{ id }} }} }}"
    (error,) = (await ask(query, scopes=TYPES.parts.field_scopes - {scope})).result.errors
    assert scope in error.message
    assert error.extensions == {"code": "FORBIDDEN"}
    assert (await ask(query)).data["members"]["nodes"]


async def test_groups_hand_their_period_down_and_aliases_have_their_own_arguments() -> None:
    asked = await ask(
        f'{{ member(id: "{A}") {{ a: usage(period: {{from: "2026-03-01"}}) {{ activity(slowMs: 5) {{ slowShare }} }}'
        " b: usage { x: activity { slowShare } y: activity(slowMs: 9) { slowShare } } } }"
    )
    member = asked.data["member"]
    assert member["a"]["activity"] == {"slowShare": 5.0}
    assert member["b"] == {"x": {"slowShare": 500.0}, "y": {"slowShare": 9.0}}
    (requests,) = asked.objects.requests
    periods = sorted(
        str(each.period and each.period.start) for each in requests if each.section.name.endswith("activity")
    )
    assert periods == ["2026-03-01", "None", "None"]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("invoices(first: 201) { totalCount }", "invoices: first must be from 0 to 200, and is 201."),
        ("invoices(first: -1) { totalCount }", "invoices: first must be from 0 to 200, and is -1."),
        ('invoices(after: "x") { totalCount }', "after: 'x' is not a cursor of this list in this order"),
        ("activity(slowMs: 0) { actions }", "slowMs: must be from 1 to 60,000, and is 0."),
        ('usage { byMonth(timeZone: "Mars/Base") { month } }', "timeZone: 'Mars/Base' is no time zone"),
        ('invoices(filter: {issuedFrom: "2026-01-01T00:00:00"}) { totalCount }', "Write it with an offset"),
        (
            'usage(period: {from: "2026-03-02", to: "2026-03-01"}) { activity { actions } }',
            "A period must not end before it begins",
        ),
    ],
)
async def test_arguments_that_cannot_be_are_the_callers_error(field: str, message: str) -> None:
    asked = await ask(f'{{ member(id: "{A}") {{ {field} }} }}')
    assert asked.loads == []
    assert message in asked.result.errors[0].message


async def test_a_cursor_of_another_list_or_order_is_none_of_this_one() -> None:
    page = "{ members { pageInfo { endCursor } } }"
    cursor = (await ask(page)).data["members"]["pageInfo"]["endCursor"]
    for field in (
        f'members(after: "{cursor}", orderBy: {{field: EMAIL}}) {{ totalCount }}',
        f'member(id: "{A}") {{ invoices(after: "{cursor}") {{ totalCount }} }}',
        f'members(after: "{cursor[:-1]}") {{ totalCount }}',
    ):
        (error,) = (await ask(f"{{ {field} }}")).result.errors
        assert "is not a cursor of this list in this order" in error.message
    same = f'{{ members(after: "{cursor}", orderBy: {{field: JOINED_ON, direction: ASC}}) {{ totalCount }} }}'
    assert (await ask(same)).data == {"members": {"totalCount": 2}}


async def test_an_order_that_runs_the_other_way_changes_the_side_of_nulls() -> None:
    terms = {}
    for direction in ("ASC", "DESC"):
        asked = await ask(f"{{ members(orderBy: {{field: EMAIL, direction: {direction}}}) {{ totalCount }} }}")
        (request,) = [each for each in asked.objects.requests[0] if each.is_list]
        terms[direction] = [(term.is_descending, term.nulls_first) for term in request.order]
    assert terms["ASC"][0] == (False, True)
    assert terms["DESC"][0] == (True, False)
    assert [descending for descending, _ in terms["DESC"]] == [True, True]


async def test_conditions_are_canonical_and_hashable() -> None:
    asked = await ask('{ members(filter: {role: [OWNER, GUEST], tag: "x", hasEmail: null}) { totalCount } }')
    filters = {dict(each.filters)["role"] for each in asked.objects.requests[0]}
    assert filters == {("OWNER", "GUEST")}
    asked = await ask(
        f'{{ member(id: "{A}") {{ invoices(filter: {{total: {{from: 1.50}}, issuedFrom: "2026-01-01T01:00:00+01:00"}})'
        " { totalCount } } }"
    )
    (values,) = {each.filters for each in asked.objects.requests[0] if each.filters}
    assert dict(values) == {"total": ("1.50", None), "issued_from": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}


async def test_fragments_skip_include_and_variables_ask_the_same() -> None:
    plain = f'member(id: "{A}") {{ usage(period: {{from: "2026-03-01"}}) {{ activity {{ actions }} }} }}'
    ways: list[tuple[str, dict[str, Any]]] = [
        (f"{{ {plain} }}", {}),
        (f"{{ ...Q }} fragment Q on Query {{ {plain} }}", {}),
        ("query($p: Period) { " + plain.replace('{from: "2026-03-01"}', "$p") + " }", {"p": {"from": "2026-03-01"}}),
        ("query($d: Date) { " + plain.replace('"2026-03-01"', "$d") + " }", {"d": "2026-03-01"}),
        ("{ " + plain.replace("actions", "actions @include(if: true) spent @skip(if: true)") + " }", {}),
        (f'{{ node(id: "Member:{A}") {{ ... on Member {{ usage(period: {{from: "2026-03-01"}}) {{ activity {{ actions }} }} }} }} }}', {}),
    ]  # fmt: skip
    asked = [await ask(query, **variables) for query, variables in ways]
    assert [str(2**40) in str(each.data) for each in asked] == [True] * len(ways)
    assert len({each.objects.requests[0] for each in asked}) == 1
    assert {request.columns for each in asked for request in each.objects.requests[0]} == {
        frozenset(["id"]),
        frozenset(["actions"]),
    }


async def test_a_row_that_only_tells_of_another_page_leads_nowhere() -> None:
    asked = await ask("{ members(first: 1) { nodes { id invoices(first: 1) { nodes { id plan { name } } } } } }")
    (member,) = asked.data["members"]["nodes"]
    assert member == {"id": A, "invoices": {"nodes": [{"id": "1", "plan": {"name": "plan 1"}}]}}
    assert [(space, keys) for space, keys, _ in asked.loads] == [
        ("Query.members", [()]),
        ("Member", [A]),
        ("Plan", [1]),
    ]


@pytest.mark.parametrize("text", ["a\0", "a\ud800"])
async def test_a_text_that_no_database_holds_is_no_value_of_a_condition(text: str) -> None:
    asked = await ask(
        "query($filter: MemberFilter) { members(filter: $filter) { totalCount } }", filter={"emailPrefix": text}
    )
    (error,) = asked.result.errors
    assert error.message.startswith("filter.emailPrefix: no database holds a text with NUL")
    assert asked.loads == []


async def test_a_look_up_by_a_text_that_no_database_holds_finds_nothing_and_costs_the_others_nothing() -> None:
    asked = await ask('{ a: memberByEmail(email: "a@x") { id } b: memberByEmail(email: "a\\u0000") { id } }')
    assert asked.data == {"a": {"id": A}, "b": None}
    assert [keys for _, keys, _ in asked.loads] == [["a@x"]]
