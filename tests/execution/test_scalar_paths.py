"""Every scalar on every way through the executor: by columns alone, and byte by byte what graphql-core answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution.executor import ColumnExecutor
from gateway.execution.json_chunks import encode
from loaders.model.canonical import ScalarError
from tests.execution.engines import Context, QuietSchema, Reference
from tests.execution.positions import PYTHON, batched, column, list_of, object_type
from tests.execution.values import EXACT

pytestmark = pytest.mark.slow

PATHS: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "leaf of a record": ("leaf", ("leaf",)),
    "attribute": ("attribute", ("attribute",)),
    "array of a record": ("array", ("array", 1)),
    "array of nullable items": ("maybe", ("maybe", 1)),
    "array that may be null": ("missing maybe", ("maybe", 1)),
    "section": ("section { value }", ("section", "value")),
    "array in a section": ("section { array maybe }", ("section", "array", 1)),
    "section beside a link": ("section { value self { value } }", ("section", "value")),
    "list": ("list { value array maybe }", ("list", 1, "value")),
    "list of not null": ("strict { strict }", ("strict", 1)),
    "connection": ("page { edges { cursor node { value } } }", ("page", "edges", 1, "node", "value")),
    "link": ("link { leaf link { array } }", ("link", "leaf")),
}
"""By path, a selection of an object, and where the value stands below it: the innermost place that a null of it fills."""

ITEMS = 40
"""More than are completed at once."""


@dataclass(slots=True)
class Held:
    """What an object is resolved from."""

    attribute: Any
    clean: Any


def _both(held: Held) -> list[Any]:
    return [held.clean, held.attribute]


def _row(value: Any) -> tuple[Any, ...]:
    return (value, [value, value], [None, value, value], value)


def _rows(held: Held) -> list[Any]:
    return [_row(held.clean), _row(held.attribute), None, (None, None, None, held.clean)]


def _section_type(answer: Any) -> Any:
    items = list_of(answer | None) | None
    own = {"value": column("value", 0, answer | None), "array": column("array", 1, list_of(answer | None) | None)}
    return object_type(
        "Section",
        {},
        **own,
        maybe=column("maybe", 2, items),
        strict=column("strict", 3, answer),
        self=batched(object_type("Inner", {}, value=column("value", 0, answer | None)) | None, lambda entry: entry),
    )


def _link_type(answer: Any) -> Any:
    items = list_of(answer | None) | None
    return object_type(
        "Link",
        {},
        leaf=batched(answer | None, lambda entry: entry.attribute),
        array=batched(items, _both),
        link=batched(object_type("Last", {}, array=batched(items, _both)) | None, lambda entry: entry),
    )


def _item_type(answer: Any) -> Any:
    items = list_of(answer | None) | None
    section = _section_type(answer)
    edge = object_type("Edge", {"cursor": str, "node": section | None})
    page = object_type("Page", {"edges": list_of(edge)})
    return object_type(
        "Item",
        {"attribute": answer | None},
        leaf=batched(answer | None, lambda entry: entry.attribute),
        array=batched(items, _both),
        maybe=batched(items, lambda entry: [None, entry.attribute]),
        missing=batched(items, lambda _one: None),
        section=batched(section | None, lambda entry: _row(entry.attribute)),
        list=batched(list_of(section | None), _rows),
        strict=batched(list_of(section | None), lambda entry: _rows(entry)[:2]),
        page=batched(page, lambda entry: _Page([_Edge("c", row) for row in _rows(entry)[:2]])),
        link=batched(_link_type(answer) | None, lambda entry: entry),
    )


@dataclass(slots=True)
class _Edge:
    cursor: str
    node: Any


@dataclass(slots=True)
class _Page:
    edges: list[_Edge]


def _schema(scalar: str, values: Sequence[Any]) -> strawberry.Schema:
    item = _item_type(PYTHON[scalar])
    clean = EXACT[scalar][0]

    def resolve() -> Any:
        return [Held(value, clean) for value in values]

    items = strawberry.field(resolver=resolve, graphql_type=list_of(item | None))
    return QuietSchema(query=object_type("Query", {}, items=items))


async def _answer(
    schema: strawberry.Schema, engine: type[StrawberryGraphQLCoreExecutionContext], query: str, in_chunks: bool | None
) -> tuple[bytes, list[Any]]:
    schema.execution_context_class = engine
    result = await schema.execute(query, context_value=Context(0, in_chunks))
    return b"".join(encode(result.data)), [(error.path, error.message) for error in result.errors or []]


def _is_written_by_orjson(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scalar", sorted(EXACT))
async def test_a_scalar_goes_by_columns_and_comes_out_to_the_byte(scalar: str, path: str) -> None:
    written = [value for value in EXACT[scalar] if _is_written_by_orjson(value)]  # so that nothing is left to another
    values = [written[place % len(written)] for place in range(ITEMS)]
    schema = _schema(scalar, values)
    query = f"{{ items {{ __typename {PATHS[path][0]} }} }}"
    expected = await _answer(schema, Reference, query, None)
    assert expected[1] == []
    ColumnExecutor.left_to_graphql_core.clear()
    for in_chunks in (None, False, True):
        assert await _answer(schema, ColumnExecutor, query, in_chunks) == expected
    assert not ColumnExecutor.left_to_graphql_core


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scalar", sorted(EXACT))
async def test_one_wrong_value_among_clean_ones_is_an_error_in_its_place_alone(scalar: str, path: str) -> None:
    clean = EXACT[scalar][0]
    selection, below = PATHS[path]
    query = f"{{ items {{ {selection} }} }}"
    for wrong in (ScalarError("It is wrong."), object()):
        values = [clean] * ITEMS
        values[ITEMS // 2] = wrong
        schema = _schema(scalar, values)
        expected = await _answer(schema, Reference, query, None)
        assert ["items", ITEMS // 2, *below] in [error[0][: len(below) + 2] for error in expected[1]]
        assert all(error[0][:2] == ["items", ITEMS // 2] for error in expected[1])
        for in_chunks in (None, False, True):
            data, errors = await _answer(schema, ColumnExecutor, query, in_chunks)
            assert data == expected[0]
            assert sorted(errors) == sorted(expected[1])
