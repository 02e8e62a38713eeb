"""The fleet's pages: order, filters, cursors; checked against all rows read at once."""

from typing import Any

import pytest

from tests.asking import ask
from tests.conftest import Stores

_PAGE = """query Page($first: Int, $after: String, $filter: FleetFilter, $orderBy: FleetOrder) {
  fleet(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    edges { cursor node { id registration { seats year manufacturer model } } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}"""
_ALL = "select tail_number, revised_at, seats, year, manufacturer, model from aircraft"


async def _pages(stores: Stores, size: int, **variables: Any) -> list[str]:
    """The ids of all pages together; every page is checked for its shape."""
    ids: list[str] = []
    after, more = None, True
    while more:
        answer = await ask(*stores, _PAGE, {"first": size, "after": after, **variables})
        assert answer.errors == []
        fleet = answer.data["fleet"]
        page = [edge["node"]["id"] for edge in fleet["edges"]]
        assert [node["id"] for node in fleet["nodes"]] == page
        assert fleet["pageInfo"]["hasPreviousPage"] == (after is not None)
        assert fleet["pageInfo"]["startCursor"] == (fleet["edges"][0]["cursor"] if page else None)
        ids += page
        after, more = fleet["pageInfo"]["endCursor"], fleet["pageInfo"]["hasNextPage"]
    assert fleet["totalCount"] == len(ids)
    return ids


def _key(row: Any, field: str) -> tuple[Any, str]:
    missing = {"REVISED_AT": "", "SEATS": -1, "YEAR": -1}
    if field == "TAIL_NUMBER":
        return ("", row["tail_number"])
    value = row[field.lower()]
    value = value.isoformat() if field == "REVISED_AT" and value is not None else value
    return (missing[field] if value is None else value, row["tail_number"])


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["TAIL_NUMBER", "REVISED_AT", "SEATS", "YEAR"])
async def test_pages_run_through_the_whole_fleet_in_order(sample_stores: Stores, field: str, direction: str) -> None:
    rows = await sample_stores.postgres.rows(_ALL)
    expected = [row["tail_number"] for row in sorted(rows, key=lambda row: _key(row, field))]
    if direction == "DESC":
        expected.reverse()
    ids = await _pages(sample_stores, 1_000, orderBy={"field": field, "direction": direction})
    assert ids == expected
    assert len(ids) == 4_043


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({"registered": True}, lambda row: row["manufacturer"] is not None),
        ({"registered": False}, lambda row: row["manufacturer"] is None),
        ({"manufacturer": "AIRBUS"}, lambda row: row["manufacturer"] == "AIRBUS"),
        ({"model": "A320-232", "seats": {"from": 200}}, lambda row: row["model"] == "A320-232" and row["seats"] >= 200),
        ({"seats": {"to": 10}}, lambda row: row["seats"] is not None and row["seats"] <= 10),
        ({"year": {"from": 2012, "to": 2013}}, lambda row: row["year"] in (2012, 2013)),
        ({"tailNumberPrefix": "N14"}, lambda row: row["tail_number"].startswith("N14")),
        ({"manufacturer": "'; drop table aircraft; --"}, lambda _row: False),
        ({"seats": None, "model": None, "registered": None}, lambda _row: True),
    ],
)
async def test_a_filter_keeps_what_it_says(sample_stores: Stores, conditions: dict[str, Any], holds: Any) -> None:
    rows = await sample_stores.postgres.rows(_ALL)
    expected = sorted(row["tail_number"] for row in rows if holds(row))
    assert await _pages(sample_stores, 999, filter=conditions) == expected


async def test_a_page_of_none_is_empty_and_says_that_more_follow(sample_stores: Stores) -> None:
    answer = await ask(*sample_stores, "{ fleet(first: 0) { edges { cursor } pageInfo { hasNextPage endCursor } } }")
    assert answer.data["fleet"] == {"edges": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}


@pytest.mark.parametrize("first", [-1, 1_001])
async def test_a_page_out_of_bounds_is_refused(sample_stores: Stores, first: int) -> None:
    answer = await ask(*sample_stores, _PAGE, {"first": first})
    assert answer.errors == [f"fleet: first must be from 0 to 1,000, and is {first:,}."]
    assert answer.statements == 0


async def test_a_cursor_of_another_order_is_refused(sample_stores: Stores) -> None:
    page = await ask(*sample_stores, _PAGE, {"first": 1, "orderBy": {"field": "SEATS"}})
    cursor = page.data["fleet"]["pageInfo"]["endCursor"]
    answer = await ask(*sample_stores, _PAGE, {"after": cursor, "orderBy": {"field": "YEAR"}})
    assert answer.errors == [
        f"after: {cursor[:40]!r} is not a cursor of this list in this order: take one from the list's answers."
    ]


@pytest.mark.parametrize("cursor", ["nonsense", "WyJUQUlMX05VTUJFUiIsMSwiTjEiXQ", "", "é", "=" * 5_000])
async def test_a_cursor_that_is_none_is_refused(sample_stores: Stores, cursor: str) -> None:
    answer = await ask(*sample_stores, _PAGE, {"after": cursor})
    assert answer.errors == [
        f"after: {cursor[:40]!r} is not a cursor of this list in this order: take one from the list's answers."
    ]
    assert answer.statements == 0


@pytest.mark.parametrize("name", ["model", "tailNumberPrefix"])
async def test_a_filter_that_cannot_be_searched_for_is_refused(sample_stores: Stores, name: str) -> None:
    answer = await ask(*sample_stores, _PAGE, {"filter": {name: "\0"}})
    (message,) = answer.errors
    assert message.startswith(f"filter.{name}: no database holds a text with NUL")
    assert answer.statements == 0
