"""Arguments of whole queries: what they become in requests, and what is wrong with them."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.resolvers.loaded_members import TYPES, A, ask


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
