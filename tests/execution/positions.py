"""A schema in which one value of any kind can stand at any position among clean ones."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry.annotation import StrawberryAnnotation

from loaders.model.scalars import JSON, BigInt
from resolvers.batching import BATCH, ColumnField
from tests.execution.engines import QuietSchema
from tests.execution.values import EXACT, Mood, near_values, odd_values

PYTHON: Mapping[str, Any] = {
    "Int": int,
    "Float": float,
    "String": str,
    "ID": strawberry.ID,
    "Boolean": bool,
    "Date": date,
    "DateTime": datetime,
    "BigInt": BigInt,
    "Decimal": Decimal,
    "UUID": UUID,
    "Base64": bytes,
    "JSON": JSON,
    "Mood": Mood,
}

POSITIONS: Mapping[str, str] = {
    "alone in a row": "row { value }",
    "first of a row": "row { value before after }",
    "middle of a row": "row { before value after }",
    "last of a row": "row { before after value }",
    "twice in a row": "row { value __typename again: value }",
    "row in first place": "rows(index: 0) { before value }",
    "row in the middle": "rows(index: 1) { value after }",
    "row in last place": "rows(index: 2) { value }",
    "row with a link": "rows(index: 1) { value link }",
    "row without null": "rowsNotNull(index: 1) { before value }",
    "array in a row": "row { listed before }",
    "array of nullable items in a row": "row { after maybe }",
    "array in rows": "rows(index: 1) { listed value maybe }",
    "row of an object": "holder { row { value before } }",
    "rows of an object": "holder { rows { before value } value: __typename }",
    "attribute": "holder { value }",
    "attribute of objects": "holders(index: 1) { __typename value }",
    "batch": "holder { batched }",
    "batch of objects": "holders(index: 2) { batched value: batched }",
    "list": "holder { values }",
    "list of lists": "holders(index: 0) { grid }",
    "in place of a row": "places(index: 1) { before value }",
    "in place of an object": "things(index: 1) { holder { __typename } }",
    "in place of an object with rows": "things(index: 1) { holder { row { before } } }",
    "in place of a list": "things(index: 1) { rows { before } }",
    "in place of a list of lists": "things(index: 1) { grid }",
}


@dataclass(slots=True)
class Holding:
    """What an object is resolved from."""

    value: Any
    clean: Any


@dataclass(slots=True)
class Standing:
    """An object whose fields are all the value itself."""

    holder: Any
    rows: Any
    grid: Any


def list_of(of: Any) -> Any:
    """The list type of a type that is made at run time."""
    return list[of]


def cases(scalar: str) -> list[Any]:
    """All values that a position is tried with; new ones each time, since some can be used once."""
    return [*EXACT[scalar], *near_values(scalar), *odd_values()]


def column(name: str, place: int, answer: Any, **options: Any) -> ColumnField:
    """A leaf of a row."""
    made = ColumnField(python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(answer), **options)
    made.place = place
    return made


def batched(answer: Any, item: Callable[[Any], Any]) -> Any:
    """A field whose resolver and batch are the same function."""

    def batch(parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Sequence[Any]:
        return [item(parent) for parent in parents]

    def resolve(root: Any) -> Any:
        return batch([root], {}, None)[0]

    return strawberry.field(resolver=resolve, graphql_type=answer, metadata={BATCH: batch})


def object_type(name: str, annotations: Mapping[str, Any], **fields: Any) -> Any:
    """A type of these fields: annotated ones are attributes."""
    return strawberry.type(type(name, (), {**fields, "__annotations__": dict(annotations)}))


def positions_schema(scalar: str, *, nullable: bool) -> strawberry.Schema:
    """A schema of its own in which the value's type is this scalar."""
    answer = PYTHON[scalar] | None if nullable else PYTHON[scalar]
    clean = EXACT[scalar][0]
    row = object_type(
        "Row",
        {},
        before=column("before", 0, int),
        value=column("value", 1, answer),
        after=column("after", 2, str),
        listed=column("listed", 3, list_of(answer)),
        maybe=column("maybe", 3, list_of(answer | None) | None),
        link=batched(int, len),
    )
    holder = object_type(
        "Holder",
        {"value": answer},
        batched=batched(answer, lambda item: item.value),
        values=batched(list_of(answer), lambda item: [item.clean, item.value, item.clean]),
        grid=batched(list_of(list_of(answer) | None), lambda item: [[], [item.clean, item.value], None]),
        row=batched(row | None, lambda item: _as_row(item.value)),
        rows=batched(list_of(row | None), lambda item: [_as_row(item.clean), None, _as_row(item.value)]),
    )
    grid = list_of(list_of(answer)) | None
    thing = object_type("Thing", {"holder": holder | None, "rows": list_of(row) | None, "grid": grid})
    return QuietSchema(query=_query(scalar, clean, row, holder, thing))


def _as_row(value: Any) -> Any:
    return (1, value, "z", [value, value])


def _query(scalar: str, clean: Any, row: Any, holder: Any, thing: Any) -> Any:
    def among(wrap: Callable[[Any], Any]) -> Callable[..., Any]:
        def resolve(root: Any, index: int = 0) -> Any:
            values = [clean, clean, clean]
            values[index] = root.value
            return [wrap(value) for value in values]

        return resolve

    def resolve_place(root: Any, index: int) -> Any:
        return [root.value if item == index else _as_row(clean) for item in range(3)]

    def standing(value: Any) -> Standing:
        if value is clean:
            return Standing(Holding(clean, clean), [_as_row(clean)], [[clean]])
        return Standing(value, value, value)

    case = object_type(
        "Case",
        {},
        row=_field(lambda root: _as_row(root.value), row | None),
        rows=_field(among(_as_row), list_of(row | None) | None),
        rows_not_null=_field(among(_as_row), list_of(row) | None),
        places=_field(resolve_place, list_of(row | None) | None),
        holder=_field(lambda root: Holding(root.value, clean), holder | None),
        holders=_field(among(lambda value: Holding(value, clean)), list_of(holder) | None),
        things=_field(among(standing), list_of(thing | None) | None),
    )

    def resolve_cases(exact: bool = False) -> Any:
        return [Holding(value, clean) for value in (EXACT[scalar] if exact else cases(scalar))]

    return object_type("Query", {}, cases=strawberry.field(resolver=resolve_cases, graphql_type=list_of(case)))


def _field(item: Callable[..., Any], answer: Any) -> Any:
    """A field without a batch, so that what is above it is graphql-core's, and each case is on its own."""

    def resolve(root: Any) -> Any:
        return item(root)

    def resolve_at(root: Any, index: int = 0) -> Any:
        return item(root, index)

    takes_place = "index" in inspect.signature(item).parameters
    return strawberry.field(resolver=resolve_at if takes_place else resolve, graphql_type=answer)
