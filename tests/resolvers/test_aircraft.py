"""Aircraft and what hangs on them: unknown ids, links, revisions, failures."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from loaders.stores.errors import StoreUnavailable
from loaders.stores.protocols import Columns, Row, TypedColumns
from tests.asking import ask
from tests.conftest import Stores


async def test_unknown_ids_are_null_in_their_place(sample_stores: Stores) -> None:
    query = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { tailNumber operator { code } } }"
    ids = ["nothing", "N14228", "", "N14228\0", "Ñ", "N725MQ", "\ud800"]
    answer = await ask(*sample_stores, query, {"ids": ids})
    assert answer.errors == []
    assert [item and item["tailNumber"] for item in answer.data["aircraftByIds"]] == [
        None, "N14228", None, None, None, "N725MQ", None
    ]  # fmt: skip


async def test_no_ids_are_no_aircraft_and_no_statement(sample_stores: Stores) -> None:
    answer = await ask(*sample_stores, "{ aircraftByIds(ids: []) { id analysis { punctuality { flights } } } }")
    assert answer.data == {"aircraftByIds": []}
    assert answer.statements == 0


async def test_an_aircraft_that_the_register_lacks_answers(sample_stores: Stores) -> None:
    query = """{ aircraft(tailNumber: "N725MQ") {
      registration { model } revisions { revision } operator { name } homeBase { name }
      analysis { age { years } peers { count } modelBenchmark { flights } seatRank { rank } manufacturerShare { share }
        registration { model } punctuality { flights } }
    } }"""
    answer = await ask(*sample_stores, query)
    assert answer.errors == []
    assert answer.data["aircraft"] == {
        "registration": None,
        "revisions": [],
        "operator": {"name": "Envoy Air"},
        "homeBase": {"name": "La Guardia"},
        "analysis": {
            "age": None,
            "peers": None,
            "modelBenchmark": None,
            "seatRank": None,
            "manufacturerShare": None,
            "registration": None,
            "punctuality": {"flights": 575},
        },
    }


async def test_the_register_answers_its_latest_revision_and_its_history(sample_stores: Stores) -> None:
    query = """{ aircraft(tailNumber: "N102UW") {
      registration { manufacturer model year seats engines engineType type revision }
      revisions { revision manufacturer recordedAt recordedBy reason }
      first: revisions(first: 1) { revision }
    } }"""
    answer = await ask(*sample_stores, query)
    assert answer.errors == []
    aircraft = answer.data["aircraft"]
    assert aircraft["registration"] == {
        "manufacturer": "AIRBUS",
        "model": "A320-214",
        "year": 1998,
        "seats": 182,
        "engines": 2,
        "engineType": "Turbo-fan",
        "type": "Fixed wing multi engine",
        "revision": 2,
    }
    assert [(item["revision"], item["manufacturer"]) for item in aircraft["revisions"]] == [
        (2, "AIRBUS"),
        (1, "AIRBUS INDUSTRIE"),
    ]
    assert aircraft["revisions"][1]["recordedAt"] == "2013-12-30T00:00:00+00:00"
    assert aircraft["first"] == [{"revision": 2}]


async def test_links_lead_to_records_and_to_null_where_the_register_lacks_the_code(sample_stores: Stores) -> None:
    query = """{ aircraft(tailNumber: "N804JB") { analysis {
      airportsServed { code airport { code name } } carriers { code airline { name } }
      farthestDestination { code airport { name } distanceMiles }
    } } }"""
    answer = await ask(*sample_stores, query)
    assert answer.errors == []
    analysis = answer.data["aircraft"]["analysis"]
    airports = {item["code"]: item["airport"] for item in analysis["airportsServed"]}
    assert airports["JFK"] == {"code": "JFK", "name": "John F Kennedy Intl"}
    assert airports["SJU"] is None  # San Juan is not in the file of airports
    assert analysis["carriers"] == [{"code": "B6", "airline": {"name": "JetBlue Airways"}}]
    assert answer.statements == 5  # objects and lists of flights, known, airports, airlines


async def test_a_log_is_paged_to_its_end_without_gaps_or_repeats(sample_stores: Stores) -> None:
    query = """query($after: String) { aircraft(tailNumber: "N14228") { analysis { flightLog(first: 40, after: $after) {
      edges { cursor node { scheduledDeparture flightNumber } } pageInfo { hasNextPage hasPreviousPage endCursor }
    } } } }"""
    seen: list[str] = []
    after, more = None, True
    while more:
        answer = await ask(*sample_stores, query, {"after": after})
        assert answer.errors == []
        log = answer.data["aircraft"]["analysis"]["flightLog"]
        assert log["pageInfo"]["hasPreviousPage"] == (after is not None)
        seen += [edge["node"]["scheduledDeparture"] for edge in log["edges"]]
        after, more = log["pageInfo"]["endCursor"], log["pageInfo"]["hasNextPage"]
    assert len(seen) == 111
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    "cursor", ["", "x", "bm90IGpzb24", "WzFd", "W10", "WyJhIiwiYiIsMSwiYyJd", "WzEsImEiLDk5OTk5OSwiYiJd"]
)
async def test_a_cursor_of_another_list_is_refused_in_a_sentence(sample_stores: Stores, cursor: str) -> None:
    query = """query($after: String) { aircraft(tailNumber: "N14228") { analysis {
      flightLog(after: $after) { edges { cursor } }
    } } }"""
    answer = await ask(*sample_stores, query, {"after": cursor})
    assert answer.errors == [
        f"after: {cursor!r} is not a cursor of this list in this order: take one from the list's answers."
    ]
    assert answer.statements == 0


async def test_arguments_out_of_bounds_are_refused_before_anything_is_asked(sample_stores: Stores) -> None:
    query = 'query($n: Int) { aircraft(tailNumber: "N14228") { analysis { monthly(first: $n) { month } } } }'
    answer = await ask(*sample_stores, query, {"n": -1})
    assert answer.errors == ["monthly: first must be from 0 to 1,000, and is -1."]
    assert answer.statements == 0


class Away:
    """A store that cannot be reached."""

    async def rows(self, _sql: str, *_arguments: object) -> Sequence[Row]:
        raise StoreUnavailable("postgresql", "PostgreSQL at db.internal:5432 cannot be reached")

    async def columns(self, _sql: str, _parameters: Mapping[str, Any]) -> Columns:
        raise StoreUnavailable("clickhouse", "ClickHouse at ch.internal:8123 cannot be reached")

    async def typed_columns(self, _sql: str, *_arguments: Any) -> TypedColumns:
        raise StoreUnavailable("clickhouse", "ClickHouse at ch.internal:8123 cannot be reached")

    async def describe(self, _sql: str, *_arguments: Any, reads_little: bool = False) -> TypedColumns:  # noqa: ARG002
        raise StoreUnavailable("clickhouse", "ClickHouse at ch.internal:8123 cannot be reached")

    async def explain(self, _sql: str, *_arguments: Any) -> Any:
        raise StoreUnavailable("postgresql", "PostgreSQL at db.internal:5432 cannot be reached")


_BOTH = """{ aircraft(tailNumber: "N14228") {
  id registration { model } operator { name }
  analysis { punctuality { flights } monthly { flights } flightLog { edges { cursor } } age { years } }
} }"""


async def test_without_clickhouse_the_registers_fields_answer_and_nothing_leaks(sample_stores: Stores) -> None:
    answer = await ask(sample_stores.postgres, Away(), _BOTH)
    assert answer.data["aircraft"] == {
        "id": "N14228",
        "registration": {"model": "737-824"},
        "operator": None,
        "analysis": {"punctuality": None, "monthly": None, "flightLog": None, "age": {"years": 14}},
    }
    assert set(answer.errors) == {"The data of this field is not available at the moment. Try again later."}
    analysis = ["aircraft", "analysis"]
    sections = [[*analysis, name] for name in ("punctuality", "monthly", "flightLog")]
    assert sorted(answer.paths, key=str) == sorted([["aircraft", "operator"], *sections], key=str)


async def test_without_postgresql_an_aircraft_that_flies_is_known(sample_stores: Stores) -> None:
    answer = await ask(Away(), sample_stores.clickhouse, _BOTH)
    whole = await ask(*sample_stores, _BOTH)
    analysis = whole.data["aircraft"]["analysis"] | {"age": None}
    expected = {"id": "N14228", "registration": None, "operator": None, "analysis": analysis}
    assert answer.data == {"aircraft": expected}
    assert sorted(path[-1] for path in answer.paths) == ["age", "operator", "registration"]
