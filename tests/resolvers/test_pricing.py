"""The price of named shapes, told without any store: exact, so that a change of a weight shows what it changes."""

import math
from typing import Any

import pytest

from gateway.execution.variables import coerced
from gateway.schema import build_schema
from resolvers.pricing import CostEstimate, combine_costs, estimate_cost
from resolvers.scopes import ALL_SCOPES
from tests.queries import DASHBOARD, TRENDS, everything

SCHEMA = build_schema()
CORE: Any = SCHEMA._schema
IDS = [f"N{number}" for number in range(500)]
AIRPORT = "{ id code name latitude longitude altitudeFeet utcOffsetHours timeZone }"


def priced(query: str, ids: int = 1, scopes: frozenset[str] = ALL_SCOPES, **variables: object) -> CostEstimate:
    """The price of a query; its $ids, if any, are so many different ones."""
    document = SCHEMA.documents.get(query)
    assert document.node is not None
    assert not document.errors
    operation, _ = document.operation(None)
    given = {"ids": IDS[:ids]} if "$ids" in query else {}
    values = coerced(CORE, document.node, operation, given | variables)
    assert not isinstance(values, list)
    return estimate_cost(CORE, operation, document.fragments, values, scopes)


def of_aircraft(selected: str, ids: int = 1, scopes: frozenset[str] = ALL_SCOPES) -> CostEstimate:
    return priced(f"query($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ {selected} }} }}", ids, scopes)


@pytest.mark.parametrize(
    ("query", "points"),
    [
        (DASHBOARD, [712, 1_002, 3_666]),
        (TRENDS, [1_199, 1_708, 6_386]),
        (everything(CORE), [23_898, 42_252, 210_810]),
    ],
    ids=["dashboard", "trends", "everything"],
)
def test_the_documents_of_dashboards(query: str, points: list[int]) -> None:
    assert [priced(query, ids).points for ids in (1, 50, 500)] == points


def test_what_dashboards_ask_of_as_many_ids_as_a_field_takes_is_far_below_the_default_limits() -> None:
    for query in (DASHBOARD, TRENDS):
        whole = priced(query, 500)
        assert whole.points < 10_000
        assert whole.statements < 5


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ __typename }", 80),
        ('{ airport(code: "JFK") { name } }', 121),
        ('{ aircraft(tailNumber: "N14228") { id } }', 121),
        ("{ fleet(first: 100) { nodes { id } } }", 242),
        ("{ fleet(first: 100) { totalCount nodes { id } } }", 269),
        ('{ nodes(ids: ["Airport:JFK", "Airline:UA", "Aircraft:N14228"]) { id } }', 177),
        ("{ __schema { queryType { name } } }", 98),
        ('{ __type(name: "Analysis") { fields { name } } }', 135),
    ],
)
def test_small_operations(query: str, points: int) -> None:
    assert priced(query).points == points


@pytest.mark.parametrize("ids", [1, 50])
def test_each_further_period_costs_what_the_first_one_did(ids: int) -> None:
    def of_periods(count: int, section: str) -> CostEstimate:
        periods = (f'a{at}: analysis(period: {{from: "2013-01-{at + 1:02}"}}) {{ {section} }}' for at in range(count))
        return of_aircraft(" ".join(periods), ids)

    for section in ("routeBenchmark { origin }", "punctuality { flights }", "daily { date }"):
        one, two, fifteen = (of_periods(count, section) for count in (1, 2, 15))
        assert (one.statements, two.statements, fifteen.statements) == (2, 3, 16)
        assert fifteen.points - one.points == pytest.approx(14 * (two.points - one.points), abs=14)
        assert two.points - one.points > 0.7 * (one.points - of_aircraft("id", ids).points)


@pytest.mark.parametrize(
    "link",
    [
        f"analysis {{ airportsServed {{ LINK: airport {AIRPORT} }} }}",
        "analysis { carriers { LINK: airline { id code name } } }",
        f"analysis {{ farthestDestination {{ LINK: airport {AIRPORT} }} }}",
        f"LINK: homeBase {AIRPORT}",
        "LINK: operator { name }",
        "LINK: registration { model }",
        "analysis { LINK: airportsServed { airport { name } } }",
        "analysis { LINK: daily { date } }",
        "analysis { LINK: flightLog { edges { node { date } } } }",
        "LINK: analysis { daily { date } }",
    ],
)
def test_what_is_aliased_costs_for_each_place_of_each_alias(link: str) -> None:
    """The statements are shared, so it costs less than asking again, and what completing it takes each time."""
    before, _, after = link.partition("LINK")
    name = after.lstrip(": ").partition(" ")[0]
    below = after.partition(name)[2]
    closing = " }" * (after.count("}") - after.count("{"))
    body = below.removesuffix(closing)

    def of_aliases(count: int) -> CostEstimate:
        return of_aircraft(before + " ".join(f"a{at:02}: {name} {body}" for at in range(count)) + closing, 500)

    one, two, many = (of_aliases(count) for count in (1, 2, 25))
    assert (one.statements, one.rows) == (many.statements, many.rows)
    each = two.points - one.points
    assert each > 0
    assert many.points - one.points == pytest.approx(24 * each, rel=0.1)
    assert many.bytes - one.bytes == 24 * (two.bytes - one.bytes)


def test_a_link_under_aliases_costs_what_its_places_take() -> None:
    one = of_aircraft(f"analysis {{ airportsServed {{ airport {AIRPORT} }} }}", 500)
    aliases = " ".join(f"a{at}: airport {AIRPORT}" for at in range(25))
    many = of_aircraft(f"analysis {{ airportsServed {{ {aliases} }} }}", 500)
    places = 24 * 500 * 20  # airports that aircraft in busy service fly to
    assert places * (0.05 + 8 * 0.007) < many.points - one.points < places * (0.05 + 8 * 0.007 + 250 * 0.0003)


def test_every_aircraft_that_is_loaded_together_is_asked_all_that_any_of_them_is() -> None:
    section = "analysis { routes { origin } streaks { longestLate } }"
    few = priced(
        f'query($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ id }} one: aircraft(tailNumber: "N0") {{ {section} }} }}',
        500,
    )
    all_of_them = of_aircraft(section, 500)
    assert few.points > 0.9 * all_of_them.points
    apart = of_aircraft("id", 500).points + of_aircraft(section, 1).points
    assert few.points > 3 * apart


def test_an_aircraft_that_is_asked_twice_is_loaded_once_and_answered_twice() -> None:
    query = "query($ids: [ID!]!) { a: aircraftByIds(ids: $ids) { FIELDS } b: aircraftByIds(ids: $ids) { FIELDS } }"
    section = "analysis { daily { date } }"
    once, twice = of_aircraft(section, 500), priced(query.replace("FIELDS", section), 500)
    assert (once.statements, 2 * once.bytes) == (twice.statements, twice.bytes)
    places = 500 * (200 * (0.05 + 0.007) + 3 * 0.05) + once.bytes * 0.0003
    assert twice.points - once.points == pytest.approx(places, rel=0.05)


def test_a_batch_shares_its_statements_and_costs_each_operation() -> None:
    one = priced(DASHBOARD, 50)
    ten = combine_costs([one] * 10)
    assert (ten.statements, ten.rows, ten.bytes) == (one.statements, 10 * one.rows, 10 * one.bytes)
    completing = sum(each.completing for each in one.root_fields)
    assert ten.points == pytest.approx(one.points + 9 * (20 + completing), abs=10)


@pytest.mark.parametrize(
    ("beside", "scopes"),
    [("operator { name }", {"analysis:read"}), ("... @defer { tailNumber }", ALL_SCOPES)],
    ids=["denied", "deferred"],
)
def test_what_is_beside_a_field_that_is_denied_or_deferred_is_completed_alone(beside: str, scopes: set[str]) -> None:
    """Of hundreds of aircraft, graphql-core completes each of their fields by itself."""
    fields = " ".join(f"a{at}: id" for at in range(20))
    plain, marked = (of_aircraft(text, 500, frozenset(scopes)) for text in (fields, f"{fields} {beside}"))
    assert marked.points - plain.points > 500 * 20 * 1.4


def test_a_row_with_a_deferred_field_is_completed_alone() -> None:
    plain = of_aircraft("analysis { daily { date flights } }", 50)
    marked = of_aircraft("analysis { daily { date ... @defer { flights } } }", 50)
    assert marked.points - plain.points > 50 * 200 * (3 * 1.4 + 3.5)


def test_a_short_period_has_few_rows() -> None:
    of_days = [
        of_aircraft(f'analysis(period: {{from: "2013-03-01", to: "2013-03-{day:02}"}}) {{ daily {{ date }} }}', 500)
        for day in (1, 7, 30)
    ]
    assert [one.rows for one in of_days] == [500 + 500 * days for days in (1, 7, 30)]
    assert (
        of_days[0].points
        < of_days[1].points
        < of_days[2].points
        < of_aircraft("analysis { daily { date } }", 500).points
    )


def test_as_many_rows_as_there_can_be_cost_no_less_where_more_are_asked_for() -> None:
    for section, most in (("byWeekday", 7), ("seasonality", 4), ("distanceProfile", 4)):
        prices = [
            of_aircraft(f"analysis {{ {section}(first: {first}) {{ __typename }} }}", 500) for first in (most, 1_000)
        ]
        assert prices[0].points == prices[1].points


def test_telling_the_price_costs_what_is_read_for_it() -> None:
    analyses = " ".join(f"a{at}: analysis(period: $p{at}) {{ punctuality {{ flights }} }}" for at in range(15))
    declared = ", ".join(f"$p{at}: Period" for at in range(15))
    query = f"query($ids: [ID!]!, {declared}) {{ aircraftByIds(ids: $ids) {{ {analyses} }} }}"

    def told(day: int) -> int:
        periods: dict[str, Any] = {f"p{at}": {"from": f"2013-{at % 12 + 1:02}-{day:02}"} for at in range(15)}
        return priced(query, 500, **periods).reading

    fields = 1 + 15 + 15 + 15
    assert told(1) == told(2) == 80 + math.ceil(1.2 * fields)
    assert told(1) == 82, "what is remembered is not read again: the root field alone"


def test_a_section_is_priced_with_all_of_its_columns_since_a_cache_loads_it_whole() -> None:
    few, all_of_them = (
        of_aircraft(f"analysis {{ punctuality {{ {fields} }} }}", 500).points
        for fields in (
            "flights",
            "flights meanArrivalDelay p50ArrivalDelay p95ArrivalDelay maxArrivalDelay onTimeShare",
        )
    )
    assert few < all_of_them < few + 500 * 6 * (0.007 + 40 * 0.0003)


def test_without_any_aircraft_nothing_is_loaded() -> None:
    none = of_aircraft("analysis { daily { date } streaks { longestLate } }", 0)
    assert (none.statements, none.rows, none.bytes) == (0, 0, 0)
    assert none.points < 110


def test_an_operation_that_is_refused_for_a_scope_costs_what_reading_it_takes() -> None:
    """A field that cannot be null and may not be read refuses the operation as a whole, wherever it is."""
    inside = of_aircraft("id analysis { punctuality { flights } }", 500, frozenset({"register:read"}))
    at_the_root = priced("{ fleet(first: 500) { nodes { id } } }", scopes=frozenset({"analysis:read"}))
    assert (inside.statements, at_the_root.statements) == (0, 0)
    assert inside.points == at_the_root.points == 80
    nullable = of_aircraft("id operator { name }", 500, frozenset({"analysis:read"}))
    assert nullable.points > 500 * 5
