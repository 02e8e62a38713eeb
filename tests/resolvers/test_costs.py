"""What operations cost, told without any store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values

from gateway.execution.variables import coerced
from loaders.statements.section_request import section_request
from resolvers.cost_estimate import CostEstimate, combine_costs, estimate_cost
from resolvers.operations import operation_cache
from resolvers.query_types import ModelTypes
from resolvers.section_arguments import list_identity
from tests.queries import DASHBOARD, TRENDS, everything
from tests.resolvers.schemas import CURSORS, named

FLEET, FLEET_TYPES = named("deploy.fleet.model")
ANALYTICS, ANALYTICS_TYPES = named("deploy.analytics.model")
FLEET_SCOPES = frozenset({"register:read", "analysis:read"})
IDS = [f"N{number}" for number in range(500)]
MEMBERS = [f"00000000-0000-0000-0000-{number:012}" for number in range(500)]


def _parsed(query: str) -> tuple[Any, OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    document = parse(query)
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    fragments = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
    return document, operation, {each.name.value: each for each in fragments}


def of_fleet(query: str, ids: int = 1, scopes: frozenset[str] = FLEET_SCOPES, **variables: Any) -> CostEstimate:
    document, operation, fragments = _parsed(query)
    value = {"ids": IDS[:ids]} if "$ids" in query else {}
    values = coerced(FLEET, document, operation, {**value, **variables})
    assert isinstance(values, VariableValues)
    return estimate_cost(FLEET_TYPES, FLEET, operation, fragments, values, scopes)


def of_members(selected: str, ids: int = 1, scopes: frozenset[str] | None = None) -> CostEstimate:
    return cost(f"query($ids: [ID!]!) {{ membersByIds(ids: $ids) {{ {selected} }} }}", scopes, ids=MEMBERS[:ids])


def cost(query: str, scopes: frozenset[str] | None = None, **variables: Any) -> CostEstimate:
    """The cost of a query of the analytics sample."""
    return estimated(ANALYTICS, ANALYTICS_TYPES, query, scopes, **variables)


def estimated(
    schema: Any, types: ModelTypes, query: str, scopes: frozenset[str] | None = None, **variables: Any
) -> CostEstimate:
    """The cost of a query on a schema."""
    _, operation, fragments = _parsed(query)
    values = get_variable_values(schema, operation.variable_definitions or (), variables)
    assert isinstance(values, VariableValues)
    return estimate_cost(types, schema, operation, fragments, values, scopes or types.parts.field_scopes)


def of_aircraft(selected: str) -> str:
    return f"query($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ {selected} }} }}"


@pytest.mark.parametrize(
    ("query", "points"),
    [
        (DASHBOARD, [712, 1_002, 3_666]),
        (TRENDS, [1_199, 1_708, 6_386]),
        (everything(FLEET), [23_898, 42_252, 210_810]),
    ],
    ids=["dashboard", "trends", "everything"],
)
def test_documents_of_dashboards_cost_what_they_did(query: str, points: list[int]) -> None:
    assert [of_fleet(query, ids).points for ids in (1, 50, 500)] == points


SHAPES = [
    "{ __typename }",
    '{ airport(code: "JFK") { name } }',
    '{ a: airport(code: "JFK") { name } b: airport(code: "EWR") { name } airline(code: "UA") { id } }',
    '{ aircraft(tailNumber: "N14228") { id } }',
    '{ nodes(ids: ["Airport:JFK", "Airline:UA", "Aircraft:N14228"]) { id } }',
    '{ node(id: "Aircraft:N1") { id ... on Aircraft { analysis { streaks { longestLate } } } } }',
    "{ __schema { queryType { name } types { name fields { name } } } }",
    of_aircraft("tailNumber operator { name } homeBase { id name latitude }"),
    of_aircraft("a: operator { name } b: operator { code } registration { model } revisions(first: 3) { reason }"),
    of_aircraft("analysis { airportsServed { airport { name } } carriers { airline { code } } farthestDestination { code } }"),
    of_aircraft("analysis { flightLog(first: 100) { edges { cursor node { date carrier } } pageInfo { hasNextPage } } }"),
    of_aircraft('a: analysis(period: {from: "2013-03-01", to: "2013-03-07"}) { daily { date } routes { origin } }'),
    of_aircraft(" ".join(f'a{n}: analysis(period: {{from: "2013-01-{n:02}"}}) {{ daily {{ date }} }}' for n in range(1, 9))),
    of_aircraft("id ... @defer { analysis { routes { origin } carriers { airline { name } } } operator { name } }"),
    of_aircraft("analysis { daily { date ... @defer { flights } } monthly @stream(initialCount: 2) { month } }"),
    of_aircraft("analysis { modelBenchmark { aircraft } peers { count } routeBenchmark { origin } fleetRank { rank } }"),
    "query($ids: [ID!]!) { a: aircraftByIds(ids: $ids) { id } b: aircraftByIds(ids: $ids) { analysis { trend { months } } }"
    ' c: aircraft(tailNumber: "N0") { operator { name } } }',
    of_aircraft("...A") + " fragment A on Aircraft { analysis { ...B ...B } } fragment B on Analysis { speed { flights } }",
]  # fmt: skip


POINTS = [
    [80, 80, 80],
    [121, 121, 121],
    [177, 177, 177],
    [121, 121, 121],
    [177, 177, 177],
    [807, 807, 807],
    [481, 481, 481],
    [646, 766, 1869],
    [632, 772, 2057],
    [1640, 2382, 9199],
    [804, 4922, 42741],
    [1046, 1415, 4809],
    [4264, 16590, 129791],
    [1533, 2434, 10704],
    [2720, 85580, 846541],
    [3859, 4766, 13099],
    [1100, 1393, 4086],
    [595, 721, 1883],
]
"""For 1, 50 and 500 objects, of each of the shapes."""


@pytest.mark.parametrize(("query", "points"), list(zip(SHAPES, POINTS, strict=True)))
def test_shapes_of_requests_have_their_points(query: str, points: list[int]) -> None:
    assert [of_fleet(query, ids).points for ids in (1, 50, 500)] == points


@pytest.mark.parametrize(
    ("selected", "statements"),
    [
        ("id", 1),
        ("email role label", 1),
        ("email invoices { totalCount }", 3),
        ("lastInvoice { id total note }", 2),
        ("lastInvoice { plan { name } }", 3),
        ("lastInvoice { member { lastInvoice { id } } }", 4),
        ("invoices { nodes { lines { amount } plan { name } member { email } } }", 5),
        ("recentEvents { project { name } } projects { name }", 4),
        ("recentEvents { project { name } } usage { byProject { project { budget } } }", 3),
        ("activityRank { rank }", 3),
        ("a: activity { actions } b: activity(slowMs: 9) { actions } usage { activity { spent } }", 2),
        ("activity { actions } usage(period: {from: \"2026-01-01\"}) { activity { actions } }", 4),  # the tenant's zone
    ],
)  # fmt: skip
def test_waves_are_the_levels_of_the_tree(selected: str, statements: int) -> None:
    assert [of_members(selected, ids).statements for ids in (1, 300)] == [statements, statements]


def test_lists_in_lists_are_priced_by_the_product_of_their_bounds() -> None:
    def rows(first: int, lines: int, ids: int) -> int:
        return of_members(f"invoices(first: {first}) {{ nodes {{ lines(first: {lines}) {{ amount }} }} }}", ids).rows

    assert rows(20, 50, 1) == 1 + 20 + 20 * 50
    assert rows(200, 200, 10) == 10 * (1 + 200 + 200 * 200)


def test_what_lies_below_lists_costs_for_each_place() -> None:
    few, many = (
        of_members(f"invoices(first: {first}) {{ nodes {{ lines(first: 10) {{ amount text }} }} }}", 50)
        for first in (10, 100)
    )
    assert many.bytes > 9 * few.bytes
    assert many.points > 5 * few.points


def test_lists_that_lead_back_to_themselves_cost_more_with_every_level() -> None:
    def nested(depth: int) -> str:
        return "id" if depth == 0 else f"invoices(first: 20) {{ nodes {{ member {{ {nested(depth - 1)} }} }} }}"

    points = [of_members(nested(depth)).points for depth in range(5)]
    assert points[4] > 100_000
    assert all(10 * points[depth] < points[depth + 1] for depth in (2, 3))


def test_pages_are_priced_by_their_first() -> None:
    ten, thousand = (
        cost(f"{{ members(first: {first}) {{ nodes {{ activity {{ actions }} }} }} }}") for first in (10, 1_000)
    )
    assert (ten.statements, thousand.statements) == (2, 2)
    assert (ten.objects(), thousand.objects()) == (10, 1_000)
    assert (ten.rows, thousand.rows) == (20, 2_000)
    assert thousand.points - ten.points == pytest.approx(990 * (0.5 + 1 + 7 * 0.2 + 2 * 0.4 + 0.1), rel=0.2)


def test_a_unique_column_takes_a_wave_before_that_of_the_object() -> None:
    query = "query($e: String!) { memberByEmail(email: $e) { FIELDS } }"
    assert cost(query.replace("FIELDS", "id email"), e="a@x").statements == 1
    assert cost(query.replace("FIELDS", "id activity { actions }"), e="a@x").statements == 2


def test_root_fields_of_one_type_share_their_statements() -> None:
    item = cost(f'{{ member(id: "{MEMBERS[0]}") {{ activity {{ actions }} }} }}')
    query = f"""{{ a: member(id: "{MEMBERS[0]}") {{ activity {{ actions }} }} b: member(id: "{MEMBERS[1]}") {{ role }}
      node(id: "Member:{MEMBERS[2]}") {{ ... on Member {{ activity {{ actions }} }} }} }}"""
    three = cost(query)
    assert (item.statements, three.statements, three.objects()) == (2, 2, 3)


def test_operations_that_are_executed_together_share_their_statements() -> None:
    item = of_members("activity { actions }", 50)
    ten = combine_costs([item] * 10)
    assert (ten.statements, ten.rows, ten.bytes) == (item.statements, 10 * item.rows, 10 * item.bytes)
    assert combine_costs([item]) is item


def test_arguments_that_cannot_be_cost_nothing_and_are_told() -> None:
    estimate = of_members("invoices(first: 201) { totalCount }", 50)
    assert (estimate.statements, estimate.points, len(estimate.errors)) == (0, 80, 1)
    assert "invoices: first must be from 0 to 200, and is 201." in str(estimate.errors[0])
    for conditions in ("orderBy: {field: EMAIL}", 'filter: {email: "x"}'):
        estimate = cost(f"{{ members({conditions}) {{ totalCount }} }}", frozenset(["member:read"]))
        assert estimate.statements == 0
        assert "pii:read" in str(estimate.errors[0])


def test_what_may_not_be_read_is_not_loaded_and_an_error_in_each_place() -> None:
    all_of_it = of_members("role activity { actions }", 50)
    denied = of_members("role activity { actions }", 50, frozenset(["member:read"]))
    assert (all_of_it.statements, denied.statements) == (2, 1)
    assert denied.points > 50 * 5


def test_an_operation_is_read_once() -> None:
    query = "query($ids: [ID!]!) { membersByIds(ids: $ids) { email activity { actions } invoices { totalCount } } }"
    _, operation, fragments = _parsed(query)
    scopes = ANALYTICS_TYPES.parts.field_scopes

    def reading(ids: int) -> int:
        values = get_variable_values(ANALYTICS, operation.variable_definitions or (), {"ids": MEMBERS[:ids]})
        assert isinstance(values, VariableValues)
        return estimate_cost(ANALYTICS_TYPES, ANALYTICS, operation, fragments, values, scopes).fields_read

    assert (reading(1), reading(2), reading(500)) == (6, 1, 1)


def _of_tenants(query: str) -> tuple[Callable[[str], CostEstimate], Callable[[], int]]:
    """Return the estimate of one operation by tenant, and the number of entries in its cache."""
    _, operation, fragments = _parsed(query)
    scopes = ANALYTICS_TYPES.parts.field_scopes

    def estimate(tenant: str) -> CostEstimate:
        values = VariableValues({}, {})
        return estimate_cost(ANALYTICS_TYPES, ANALYTICS, operation, fragments, values, scopes, tenant)

    return estimate, lambda: len(operation_cache(operation, fragments, {}, scopes) or ())


def test_an_operation_is_read_once_for_all_tenants() -> None:
    estimate, entries = _of_tenants(f'{{ member(id: "{MEMBERS[0]}") {{ email invoices {{ totalCount }} }} }}')
    assert [estimate(f"tenant {number}").fields_read for number in range(50)] == [4] + [1] * 49
    assert entries() == 1


def test_what_was_read_of_a_tenants_cursor_is_for_no_other_tenant() -> None:
    request = section_request(ANALYTICS_TYPES.parts.model.bound_sections["Member.invoices"])
    cursor = CURSORS.seal((dt.datetime(2026, 3, 1, tzinfo=dt.UTC), 1), list_identity(request), "a")
    estimate, entries = _of_tenants(
        f'{{ member(id: "{MEMBERS[0]}") {{ invoices(after: "{cursor}") {{ nodes {{ id }} }} }} }}'
    )
    errors = {tenant: [str(error) for error in estimate(tenant).errors] for tenant in ("a", "b")}
    assert errors["a"] == []
    assert "is not a cursor of this list" in errors["b"][0]
    assert (estimate("a").fields_read, len(estimate("b").errors), entries()) == (1, 1, 1)
