"""Airports, airlines and nodes."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInterfaceType

from deploy.fleet.set_up import create_tables
from tests.asking import SCHEMA, ask
from tests.conftest import NewDatabase, Stores
from tests.fleet.served import MODEL


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


MALFORMED = [
    "",
    ":",
    "N14228",
    "Aircraft",
    "aircraft:N14228",
    "AIRCRAFT:N14228",
    " Aircraft:N14228",
    "Aircraft :N14228",
    "Plane:N14228",
    "Query:x",
    "Node:N14228",
    "Aircraft\0:N14228",
    "\ud800",
    "\ud800:N14228",
    "A" * 100_000,
]
"""Ids that name no type."""
UNSTORABLE = [
    "Aircraft:",
    "Aircraft:\0",
    "Aircraft:N14228\0",
    "Aircraft:\ud800",
    "Airport:\ud800",
    "Airline:\0",
    "Aircraft:" + "N" * 100_000,
    "Airport:" + ":" * 100_000,
]
"""Ids whose key no store could have."""
UNKNOWN = [
    "Aircraft:n14228",
    "Aircraft: N14228",
    "Aircraft:N14228 ",
    "Aircraft::N14228",
    "Airport:N14228",
    "Airline:JFK",
]


@pytest.mark.parametrize("node_id", MALFORMED)
async def test_a_node_id_that_names_no_type_is_null_and_sends_no_statement(sample_stores: Stores, node_id: str) -> None:
    answer = await ask(*sample_stores, "query($id: ID!) { node(id: $id) { id nodeId } }", {"id": node_id})
    assert (answer.data, answer.errors, answer.statements) == ({"node": None}, [], 0)


async def test_node_ids_that_name_nothing_are_null_in_their_places(sample_stores: Stores) -> None:
    good = ["Aircraft:N14228", "Airport:JFK", "Airline:UA"]
    bad = [*MALFORMED, *UNSTORABLE, *UNKNOWN]
    ids = [*good, *bad, *good]
    query = """query($ids: [ID!]!, $bad: ID!) {
      node(id: $bad) { nodeId } nodes(ids: $ids) { nodeId } airline(code: "UA") { nodeId }
    }"""
    answer = await ask(*sample_stores, query, {"ids": ids, "bad": bad[0]})
    assert answer.errors == []
    result = [{"nodeId": item} for item in good]
    assert answer.data == {
        "node": None,
        "nodes": [*result, *[None] * len(bad), *result],
        "airline": {"nodeId": "Airline:UA"},
    }


async def test_a_bad_argument_of_one_field_leaves_its_neighbours(sample_stores: Stores) -> None:
    query = """query($bad: ID!, $ids: [ID!]!, $cursor: String) {
      aircraft(tailNumber: $bad) { id } aircraftByIds(ids: $ids) { id }
      airport(code: $bad) { id } airline(code: $bad) { id }
      page: aircraft(tailNumber: "N14228") { analysis { flightLog(after: $cursor) { edges { cursor } } } }
      good: airline(code: "UA") { id }
    }"""
    ids = ["N14228", "", "\0", "\ud800", "N" * 100_000, "N14228"]
    answer = await ask(*sample_stores, query, {"bad": "\ud800", "ids": ids, "cursor": "\ud800"})
    assert answer.paths == [["page"]]
    assert answer.data == {
        "aircraft": None,
        "aircraftByIds": [{"id": "N14228"}, None, None, None, None, {"id": "N14228"}],
        "airport": None,
        "airline": None,
        "page": None,
        "good": {"id": "UA"},
    }


async def test_the_node_id_of_every_object_finds_it_again(sample_stores: Stores) -> None:
    query = """{
      aircraft(tailNumber: "N14228") { nodeId operator { nodeId } homeBase { nodeId }
        analysis { carriers { airline { nodeId } } } }
      fleet(first: 2) { nodes { nodeId } }
    }"""
    result = await ask(*sample_stores, query)
    assert result.errors == []
    ids = list(_node_ids(result.data))
    assert len(ids) >= 6
    answer = await ask(
        *sample_stores, "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id nodeId } }", {"ids": ids}
    )
    assert [node["nodeId"] for node in answer.data["nodes"]] == ids
    assert [f"{node['__typename']}:{node['id']}" for node in answer.data["nodes"]] == ids


def _node_ids(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for name, value in data.items():
            yield from [value] if name == "nodeId" else _node_ids(value)
    for value in data if isinstance(data, list) else []:
        yield from _node_ids(value)


async def test_any_key_comes_back_from_its_node_id(new_database: NewDatabase) -> None:
    keys = ["A:1", "::", ":", "N 1:é", "a:b:c:d", "Aircraft:N1", "%3A\\\"'", "0", "💺:1"]
    async with new_database() as new:
        await create_tables(*new.stores)
        await new.stores.postgres.execute("insert into aircraft (tail_number) select unnest($1::text[])", keys)
        result = await ask(*new.stores, "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id nodeId } }", {"ids": keys})
        aircraft = result.data["aircraftByIds"]
        assert aircraft == [{"id": key, "nodeId": f"Aircraft:{key}"} for key in keys]
        ids = [item["nodeId"] for item in aircraft]
        query = "query($id: ID!, $ids: [ID!]!) { node(id: $id) { id nodeId } nodes(ids: $ids) { id nodeId } }"
        again = await ask(*new.stores, query, {"id": ids[0], "ids": ids})
        assert again.data == {"node": aircraft[0], "nodes": aircraft}


def test_every_type_of_the_interface_has_its_ids() -> None:
    core = SCHEMA._schema
    interface = core.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert sorted(item.name for item in core.get_possible_types(interface)) == sorted(MODEL.objects)
