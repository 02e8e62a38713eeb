"""Answers with one store away, field by field: what the other store answers is the truth, the rest null with one error
for each field; and objects exist that any store knows."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.execution.json_chunks import encode
from gateway.schema import GatewaySchema
from loaders.model.databases import Kind
from loaders.objects.request_loaders import RequestLoaders
from loaders.stores.errors import StoreError, StoreTimeout, StoreUnavailable
from resolvers.request_context import RequestContext
from tests.conftest import Stores
from tests.fleet.served import ALL_SCOPES, MODEL, SCHEMA
from tests.partial import Failing, check_partial
from tests.queries import everything

EVERYTHING = everything(SCHEMA._schema)
NULLABLE = re.sub(r"revisions \{[^}]*\}", "", EVERYTHING)
"""Without the only field of an aircraft that cannot be null."""
IN_ONE_GO, IN_CHUNKS = False, True


async def answer(
    postgres: Any, clickhouse: Any, query: str, *, in_chunks: bool = IN_CHUNKS, **variables: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """Return data and errors of a query to the fleet, as a client reads them."""
    stores = {Kind.POSTGRES: postgres, Kind.CLICKHOUSE: clickhouse}
    loaders = RequestLoaders.over(MODEL, {database: stores[database.kind] for database in MODEL.databases})
    return await answer_over(SCHEMA, loaders, query, in_chunks=in_chunks, **variables)


async def answer_over(
    schema: GatewaySchema, loaders: RequestLoaders, query: str, *, in_chunks: bool, **variables: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """Return data and errors of a query over these loaders."""
    context = RequestContext(loaders, ALL_SCOPES | schema.field_scopes, in_chunks)
    result: Any = await schema.execute(query, variable_values=variables, context_value=context)
    await context.release()
    errors = [dict(error.formatted) for error in result.errors or ()]
    data, errors = json.loads(b"".join(encode([result.data, errors])))
    return data, errors


@pytest.fixture
def ids(busiest: Sequence[str]) -> list[str]:
    """Aircraft that fly, one that nothing is known of, and an aircraft again."""
    return [*busiest[:30], "nothing", busiest[3]]


@pytest.mark.parametrize("in_chunks", [IN_ONE_GO, IN_CHUNKS])
@pytest.mark.parametrize("kind", [StoreUnavailable, StoreTimeout])
async def test_without_clickhouse_the_rest_is_the_truth(
    sample_stores: Stores, ids: list[str], kind: type[StoreError], *, in_chunks: bool
) -> None:
    whole, none = await answer(*sample_stores, EVERYTHING, ids=ids)
    assert none == []
    data, errors = await answer(sample_stores.postgres, Failing(kind), EVERYTHING, in_chunks=in_chunks, ids=ids)
    code = "STORE_TIMEOUT" if kind is StoreTimeout else "STORE_UNAVAILABLE"
    failed = check_partial(data, errors, whole, code=code)
    assert (
        failed["aircraftByIds", "analysis", "punctuality"].items()
        >= {
            "section": "Aircraft.analysis.punctuality",
            "store": "clickhouse",
            "affected": 31,
        }.items()
    )
    assert all(each["store"] == "clickhouse" for each in failed.values())
    assert data["aircraftByIds"][30] is None
    assert "internal" not in json.dumps(errors)


@pytest.mark.parametrize("in_chunks", [IN_ONE_GO, IN_CHUNKS])
async def test_without_postgresql_what_flies_exists_and_the_rest_is_the_truth(
    sample_stores: Stores, ids: list[str], *, in_chunks: bool
) -> None:
    whole, _ = await answer(*sample_stores, NULLABLE, ids=ids)
    data, errors = await answer(Failing(), sample_stores.clickhouse, NULLABLE, in_chunks=in_chunks, ids=ids)
    failed = check_partial(data, errors, whole)
    existence = failed["aircraftByIds",]
    assert (existence["section"], existence["affected"]) == ("Aircraft.record", 1)
    assert next(error["path"] for error in errors if len(error["path"]) == 2) == ["aircraftByIds", 30]
    assert failed["aircraftByIds", "registration"]["affected"] == 31
    assert failed["aircraftByIds", "operator"]["section"] == "Airline.record"
    assert [each["tailNumber"] for each in data["aircraftByIds"] if each] == [each for each in ids if each != "nothing"]
    assert all(each["store"] == "postgresql" for each in failed.values())


async def test_where_only_its_own_record_is_asked_an_object_is_an_error_in_its_place(sample_stores: Stores) -> None:
    query = """query($ids: [ID!]!) {
      aircraftByIds(ids: $ids) { id } nodes(ids: ["Aircraft:N14228", "Airline:UA", "no node"]) { id }
      aircraft(tailNumber: "N14228") { id } node(id: "Airline:UA") { id }
    }"""
    data, errors = await answer(Failing(), sample_stores.clickhouse, query, ids=["N14228", "N725MQ"])
    assert data == {"aircraftByIds": [None, None], "nodes": [None] * 3, "aircraft": None, "node": None}
    failed = {tuple(error["path"]): error["extensions"] for error in errors}
    assert {path: each["affected"] for path, each in failed.items()} == {
        ("aircraftByIds", 0): 2,
        ("nodes", 0): 1,
        ("nodes", 1): 1,
        ("aircraft",): 1,
        ("node",): 1,
    }


async def test_a_field_that_cannot_be_null_takes_its_object_along(sample_stores: Stores, ids: list[str]) -> None:
    query = """query($ids: [ID!]!) { aircraftByIds(ids: $ids) {
      id revisions { revision } analysis { punctuality { flights } } registration { model } } }"""
    data, errors = await answer(Failing(), sample_stores.clickhouse, query, ids=ids)
    assert data == {"aircraftByIds": [None] * 32}
    affected = {tuple(error["path"]): error["extensions"]["affected"] for error in errors}
    assert affected == {("aircraftByIds", 0, "revisions"): 31, ("aircraftByIds", 30): 1}


async def test_a_made_up_row_of_zeros_proves_nothing(sample_stores: Stores) -> None:
    query = 'query { aircraftByIds(ids: ["nothing", "N14228"]) { id analysis { cancellations { cancelled } } } }'
    data, errors = await answer(Failing(), sample_stores.clickhouse, query)
    assert data["aircraftByIds"][0] is None
    (error,) = errors[:1]
    assert error["path"][:2] == ["aircraftByIds", 0]


async def test_a_page_whose_list_failed_is_one_error(sample_stores: Stores) -> None:
    query = '{ fleet(first: 3) { edges { node { id } } } airline(code: "UA") { name } }'
    data, errors = await answer(Failing(), sample_stores.clickhouse, query)
    assert data is None  # the page cannot be null
    sections = {tuple(error["path"]): error["extensions"]["section"] for error in errors}
    assert sections == {("fleet",): "Query.fleet", ("airline",): "Airline.record"}


async def test_sections_of_a_pages_objects_fail_with_one_error_each(sample_stores: Stores) -> None:
    query = """{ fleet(first: 40) { totalCount edges { node { id analysis { punctuality { flights } } } }
      nodes { operator { name } } } }"""
    whole, _ = await answer(*sample_stores, query)
    data, errors = await answer(sample_stores.postgres, Failing(), query)
    failed = check_partial(data, errors, whole)
    assert {names: each["affected"] for names, each in failed.items()} == {
        ("fleet", "edges", "node", "analysis", "punctuality"): 40,
        ("fleet", "nodes", "operator"): 40,
    }
