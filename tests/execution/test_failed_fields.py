"""Fields that a store failed for many objects: one error each, no more work than for a whole answer, and the event loop
let go in between."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from graphql import GraphQLError

from gateway.execution.error_locations import ErrorLocations
from gateway.execution.executor import ColumnExecutor
from gateway.execution.json_chunks import encode
from loaders.model.databases import Kind
from loaders.objects.object_loader import LoadKey
from loaders.objects.object_record import ObjectRecord, Values
from loaders.objects.section_error import SectionError
from loaders.stores.errors import ColumnUnavailable, StoreError, StoreUnavailable
from resolvers.request_context import RequestContext
from tests.asking import SCHEMA
from tests.execution.canned import CannedLoaders, CannedObjects
from tests.fleet.served import ALL_SCOPES
from tests.queries import DASHBOARD

COUNT = 500
IDS = [f"N{number}" for number in range(COUNT)]
MAX_CHUNK = 64
"""Objects that are completed at most before other tasks get the event loop."""


class _CountedLocations(ErrorLocations):
    """Counts the errors that are built."""

    built: ClassVar[int] = 0

    def located_error(self, *arguments: Any) -> GraphQLError:
        type(self).built += 1
        return super().located_error(*arguments)


class _Executor(ColumnExecutor):
    """Counts the errors that are built, and the tries by column."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._error_locations = _CountedLocations()


@dataclass(slots=True)
class _Failing:
    """Made-up objects; the sections of one store fail, for all objects or for those of some places."""

    kind: Kind
    lost: frozenset[int] = frozenset()

    async def load(self, key: LoadKey) -> list[ObjectRecord]:
        records = await CannedObjects("seed", 0.0).load(key)
        values: dict[Any, Values | StoreError] = records[0].values
        for request in list(values):
            if request.section.database.kind is self.kind:
                error = StoreUnavailable("canned", "gone")
                lost = SectionError(request.section.name, error)
                column: Any = values[request]
                values[request] = (
                    [lost if place in self.lost else value for place, value in enumerate(column)]
                    if self.lost
                    else error
                )
        return records


@dataclass(frozen=True, slots=True)
class _Outcome:
    data: Any
    errors: dict[tuple[Any, ...], int]
    built: int
    turns: int
    left: int


async def answer(source: Any, query: str, *, scopes: frozenset[str] = ALL_SCOPES) -> _Outcome:
    """Return an answer, the errors built for it, and how often the event loop went round while it was completed."""
    context = RequestContext(CannedLoaders(source), scopes, True)
    turns, is_over = 0, False

    async def count() -> None:
        nonlocal turns
        while not is_over:
            await asyncio.sleep(0)
            turns += 1

    before, SCHEMA.execution_context_class = SCHEMA.execution_context_class, _Executor
    _CountedLocations.built, left = 0, ColumnExecutor.left_to_graphql_core.total()
    counting = asyncio.create_task(count())
    try:
        result: Any = await SCHEMA.execute(query, variable_values={"ids": IDS}, context_value=context)
    finally:
        SCHEMA.execution_context_class, is_over = before, True
        await counting
    data = json.loads(b"".join(encode(result.data)))
    errors: dict[tuple[Any, ...], int] = {
        tuple(error.path): (error.extensions or {}).get("affected", 0) for error in result.errors or ()
    }
    left = ColumnExecutor.left_to_graphql_core.total() - left
    return _Outcome(data, errors, _CountedLocations.built, turns, left)


async def test_a_store_that_is_away_costs_an_error_a_field() -> None:
    outcome = await answer(_Failing(Kind.CLICKHOUSE), DASHBOARD)
    analysis = ("aircraftByIds", 0, "analysis")
    sections = [(*analysis, name) for name in ("punctuality", "utilization", "cancellations")]
    assert outcome.errors == dict.fromkeys([("aircraftByIds", 0, "operator"), *sections], COUNT)
    assert outcome.built == 4
    assert outcome.left == 0, "all was completed by columns"
    assert outcome.turns >= COUNT / MAX_CHUNK
    assert {json.dumps(each["analysis"]) for each in outcome.data["aircraftByIds"]} == {
        '{"punctuality": null, "utilization": null, "cancellations": null}'
    }


async def test_objects_that_a_non_null_field_takes_along_cost_one_error_too() -> None:
    query = """query($ids: [ID!]!) { aircraftByIds(ids: $ids) {
        revisions { revision } analysis { punctuality { flights } } } }"""
    outcome = await answer(_Failing(Kind.POSTGRES), query)
    assert outcome.data == {"aircraftByIds": [None] * COUNT}
    assert outcome.errors == {("aircraftByIds", 0, "revisions"): COUNT}
    assert (outcome.built, outcome.left) == (1, 0)


@pytest.mark.parametrize("lost", [[0], [3, 4, 70, 499]])
async def test_objects_that_failed_alone_are_counted_from_the_first(lost: Sequence[int]) -> None:
    query = """query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id
        registration { model } analysis { punctuality { flights } } } }"""
    outcome = await answer(_Failing(Kind.POSTGRES, frozenset(lost)), query)
    assert outcome.errors[("aircraftByIds", lost[0], "registration")] == len(lost)
    whole = await answer(_Failing(Kind.POSTGRES, frozenset({COUNT})), query)
    for place, each in enumerate(whole.data["aircraftByIds"]):
        expected = each | ({"registration": None} if place in lost else {})
        assert outcome.data["aircraftByIds"][place] == expected
    assert outcome.left == 0


async def test_what_graphql_core_completes_has_one_error_a_field_and_lets_go_of_the_loop() -> None:
    query = """query($ids: [ID!]!) { aircraftByIds(ids: $ids) {
        registration { model } analysis { punctuality { flights } } } }"""
    scopes = ALL_SCOPES - {"register:read"}  # a denied field leaves its objects to graphql-core
    outcome = await answer(_Failing(Kind.CLICKHOUSE), query, scopes=scopes)
    stores = {path: affected for path, affected in outcome.errors.items() if affected}
    assert stores == {("aircraftByIds", 0, "analysis", "punctuality"): COUNT}
    assert outcome.left >= COUNT / MAX_CHUNK
    assert outcome.turns >= COUNT / MAX_CHUNK
    denied = len(outcome.errors) - len(stores)
    assert denied == COUNT, "errors of other kinds stay as they are"
    assert outcome.built == COUNT + 1


@dataclass(slots=True)
class _Missing:
    """Made-up objects, of whose sections one column is missing: that of the first value of each row."""

    name: str

    async def load(self, key: LoadKey) -> list[ObjectRecord]:
        records = await CannedObjects("seed", 0.0).load(key)
        values: dict[Any, Values | StoreError] = records[0].values
        for request, column in list(values.items()):
            names = [each.name for each in request.section.columns]
            if self.name in names and isinstance(column, list):
                lost = SectionError(request.section.name, ColumnUnavailable("canned", "gone"))
                place = names.index(self.name)
                values[request] = [_without(value, place, lost) for value in column]
        return records


def _without(value: Any, place: int, lost: SectionError) -> Any:
    if isinstance(value, list):
        return [_without(row, place, lost) for row in value]
    return value and (*value[:place], lost, *value[place + 1 :])


async def test_a_missing_column_costs_an_error_and_leaves_the_others_of_its_rows() -> None:
    query = """query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id
        analysis { punctuality { flights meanArrivalDelay } monthly(first: 3) { month meanArrivalDelay } } } }"""
    outcome = await answer(_Missing("mean_arrival_delay"), query)
    whole = await answer(CannedObjects("seed", 0.0), query)
    rows = [each["analysis"]["punctuality"] for each in whole.data["aircraftByIds"]]
    lists = [each["analysis"]["monthly"] for each in whole.data["aircraftByIds"]]
    assert [each["analysis"]["punctuality"] for each in outcome.data["aircraftByIds"]] == [
        row and row | {"meanArrivalDelay": None} for row in rows
    ]
    assert [each["analysis"]["monthly"] for each in outcome.data["aircraftByIds"]] == [
        [row | {"meanArrivalDelay": None} for row in rows] for rows in lists
    ]
    affected = {path[-2] if isinstance(path[-2], str) else path[-3]: count for path, count in outcome.errors.items()}
    assert affected == {"punctuality": sum(map(bool, rows)), "monthly": sum(map(len, lists))}
    assert (outcome.built, outcome.left) == (2, 0)
