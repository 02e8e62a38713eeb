"""Airports, airlines and nodes."""

import pytest

from tests.asking import ask
from tests.conftest import Stores


async def test_places_answer_by_code_and_are_null_where_unknown(sample_stores: Stores) -> None:
    query = """{
      airport(code: "JFK") { id code name timeZone altitudeFeet utcOffsetHours }
      nowhere: airport(code: "ZZZ") { id }
      airline(code: "UA") { id code name }
      nobody: airline(code: "??") { id }
    }"""
    answer = await ask(*sample_stores, query)
    assert answer.errors == []
    assert answer.data == {
        "airport": {
            "id": "JFK",
            "code": "JFK",
            "name": "John F Kennedy Intl",
            "timeZone": "America/New_York",
            "altitudeFeet": 13,
            "utcOffsetHours": -5.0,
        },
        "nowhere": None,
        "airline": {"id": "UA", "code": "UA", "name": "United Air Lines Inc."},
        "nobody": None,
    }
    assert answer.statements == 2


async def test_nodes_of_all_kinds_answer_in_the_order_asked(sample_stores: Stores) -> None:
    query = """query($ids: [ID!]!) { nodes(ids: $ids) {
      __typename id ... on Airport { name } ... on Airline { name } ... on Aircraft { registration { model } }
    } }"""
    ids = ["Airline:UA", "Aircraft:N14228", "Airport:JFK", "Aircraft:none", "Airline:UA", "Airport:none"]
    answer = await ask(*sample_stores, query, {"ids": ids})
    assert answer.errors == []
    united = {"__typename": "Airline", "id": "UA", "name": "United Air Lines Inc."}
    assert answer.data["nodes"] == [
        united,
        {"__typename": "Aircraft", "id": "N14228", "registration": {"model": "737-824"}},
        {"__typename": "Airport", "id": "JFK", "name": "John F Kennedy Intl"},
        None,
        united,
        None,
    ]
    assert answer.statements == 3


@pytest.mark.parametrize("key", ["N14228", "", ":", "Plane:N14228", "Query:x"])
async def test_an_id_of_another_form_is_refused_in_a_sentence(sample_stores: Stores, key: str) -> None:
    answer = await ask(*sample_stores, "query($id: ID!) { node(id: $id) { id } }", {"id": key})
    assert answer.errors == [f"A node's id is Aircraft:, Airport: or Airline: and a key, and {key!r} is not."]
    assert answer.statements == 0
