"""What a query asks of aircraft, read from its selection set: every way to write it down gives the same requests."""

from typing import Any

import pytest

from tests.asking import ask
from tests.conftest import Stores

_PLAIN = 'aircraft(tailNumber: "N14228") { analysis(period: {from: "2013-03-01"}) { punctuality { flights } } }'


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ " + _PLAIN + " }", {}),
        ("{ " + _PLAIN.replace("aircraft(", "renamed: aircraft(") + " }", {}),
        ("query($p: Period) { " + _PLAIN.replace('{from: "2013-03-01"}', "$p") + " }", {"p": {"from": "2013-03-01"}}),
        ("query($d: Date) { " + _PLAIN.replace('"2013-03-01"', "$d") + " }", {"d": "2013-03-01"}),
        ('query($d: Date = "2013-03-01") { ' + _PLAIN.replace('"2013-03-01"', "$d") + " }", {}),
        ("{ " + _PLAIN.replace("flights", "flights @include(if: true)") + " }", {}),
        ("{ ... on Query { " + _PLAIN + " } }", {}),
        ("{ ...Q } fragment Q on Query { " + _PLAIN + " }", {}),
        ("{ ...Q } fragment Q on Query { ...R } fragment R on Query { " + _PLAIN.replace("flights", "...P") + " }"
         " fragment P on Punctuality { flights }", {}),
        ('{ node(id: "Aircraft:N14228") { ...N } } fragment N on Node { ... on Aircraft'
         ' { analysis(period: {from: "2013-03-01"}) { punctuality { flights } } } }', {}),
        ('{ nodes(ids: ["Aircraft:N14228"]) { id ... on Aircraft'
         ' { analysis(period: {from: "2013-03-01"}) { x: punctuality { flights } } } } }', {}),
    ],
)  # fmt: skip
async def test_every_way_to_write_it_asks_the_same(
    sample_stores: Stores, query: str, variables: dict[str, Any]
) -> None:
    answer = await ask(*sample_stores, query, variables)
    assert answer.errors == []
    (flights,) = [one for one in answer.recorder.sent if one.store == "clickhouse"]
    assert "punctuality__flights" in flights.sql
    assert "period_start" in str(flights.arguments)
    assert "89" in str(answer.data)  # the flights from March on


async def test_skip_and_include_follow_the_variables_of_each_request(sample_stores: Stores) -> None:
    query = """query($with: Boolean!) { aircraft(tailNumber: "N14228") {
      id ... @include(if: $with) { operator { code } } analysis @skip(if: $with) { punctuality { flights } }
    } }"""
    with_operator = await ask(*sample_stores, query, {"with": True})
    without = await ask(*sample_stores, query, {"with": False})
    assert with_operator.data["aircraft"] == {"id": "N14228", "operator": {"code": "UA"}}
    assert without.data["aircraft"] == {"id": "N14228", "analysis": {"punctuality": {"flights": 111}}}
    assert (with_operator.statements, without.statements) == (3, 2)


async def test_links_are_followed_only_where_they_are_selected(sample_stores: Stores) -> None:
    query = '{ aircraft(tailNumber: "N14228") { analysis { carriers { code } airportsServed { code departures } } } }'
    answer = await ask(*sample_stores, query)
    assert answer.errors == []
    assert answer.statements == 2


async def test_aliases_on_the_way_to_the_aircraft_keep_their_own_arguments(sample_stores: Stores) -> None:
    query = """{ fleet(first: 1) {
      a: nodes { analysis { monthly(first: 1) { month } } }
      b: nodes { analysis { monthly(first: 2) { month } } }
      edges { c: node { analysis { monthly(first: 3) { month } } } d: node { analysis { punctuality { flights } } } }
    } }"""
    answer = await ask(*sample_stores, query)
    assert answer.errors == []
    fleet, (edge,) = answer.data["fleet"], answer.data["fleet"]["edges"]
    months = [len(one["analysis"]["monthly"]) for one in (*fleet["a"], *fleet["b"], edge["c"])]
    assert months == [1, 2, 3]
    assert edge["d"]["analysis"]["punctuality"]["flights"] > 0


async def test_typename_alone_needs_no_section(sample_stores: Stores) -> None:
    query = '{ aircraft(tailNumber: "N14228") { __typename analysis { __typename } } }'
    answer = await ask(*sample_stores, query)
    assert answer.data["aircraft"] == {"__typename": "Aircraft", "analysis": {"__typename": "Analysis"}}
    assert answer.statements == 1
