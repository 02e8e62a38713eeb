"""Types of objects: their ids, own columns, links, lists, sections and groups, and the interface that all share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import strawberry

from loaders.model.names import column_names
from loaders.model.shapes import ValueKind
from loaders.objects.object_record import ObjectRecord, has_errors, read_values, values_of
from loaders.objects.section_error import SectionError
from resolvers.computed_values import computed_batch
from resolvers.fields import FieldColumns, FieldLink, FieldText, batch_field
from resolvers.function_fields import function_field
from resolvers.schema_parts import SECTION_WORDS, SchemaParts, place_of
from resolvers.section_types import group_field, section_field
from resolvers.type_registry import make_type, optional

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import ObjectType
    from loaders.statements.section_request import SectionRequest

ID, NODE_ID = "id", "nodeId"
SEPARATOR = ":"
"""Stands between the name of the type and the key in an id that `node` takes."""


class NodeRecord(ObjectRecord):
    """An object where its type is not known from the field: each object type has a class of its own."""

    __slots__ = ()


def parse_node_id(node_id: str) -> tuple[str, str] | None:
    """Return the type's name and the key's text; None where the id has no type. The key may have colons of its own."""
    type_name, separator, key = node_id.partition(SEPARATOR)
    return (type_name, key) if separator else None


def node_interface(parts: SchemaParts) -> Any:
    """Return the interface of all object types."""
    texts = [
        FieldText(ID, "The key within the type."),
        FieldText(NODE_ID, "The id that `node` and `nodes` take: type and key."),
    ]

    def make() -> Any:
        fields = [batch_field(text, strawberry.ID, _of_each_type) for text in texts]
        return make_type("Node", fields, description="Anything that `node` can look up.", is_interface=True)

    return parts.registry.once("Node", make)


def _of_each_type(_parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Sequence[Any]:
    raise NotImplementedError("Each type has its own field.")


def object_type(parts: SchemaParts, kind: ObjectType) -> Any:
    """Return the type of objects of a kind."""
    node_interface(parts)
    own_class = type(f"{kind.name}Record", (NodeRecord,), {"__slots__": ()})

    def make() -> Any:
        fields = [*_ids(kind), *_fields(parts, kind)]
        return make_type(
            kind.name,
            fields,
            description=kind.description,
            base=parts.registry["Node"],
            is_type_of=_OfClass(own_class),
            node_class=own_class,
        )

    return parts.registry.once(kind.name, make)


def _ids(kind: ObjectType) -> Iterator[StrawberryField]:
    write_all = kind.key.write_all
    asked = FieldColumns(())

    def ids(parents: Sequence[ObjectRecord], _arguments: Mapping[str, Any], _context: Any) -> Sequence[str]:
        return write_all([parent.key for parent in parents])

    def node_ids(parents: Sequence[ObjectRecord], _arguments: Mapping[str, Any], _context: Any) -> Sequence[str]:
        return [f"{kind.name}{SEPARATOR}{text}" for text in write_all([parent.key for parent in parents])]

    yield batch_field(FieldText(ID, "The key."), strawberry.ID, ids, asked=asked)
    description = f"The id that `node` and `nodes` take: {kind.name}: and the key."
    yield batch_field(FieldText(NODE_ID, description), strawberry.ID, node_ids, asked=asked)


def _fields(parts: SchemaParts, kind: ObjectType) -> Iterator[StrawberryField]:
    for field in kind.fields:
        name = field.word_name or "column"
        if field.shape is None or not field.option("shown", True) or field.name == ID:
            continue
        if field.shape.kind is ValueKind.GROUP:
            yield group_field(parts, field, kind.name)
        elif name in SECTION_WORDS or field.has_sql_link:
            yield section_field(parts, field, parts.model.bound_sections[f"{kind.name}.{field.name}"])
        elif name == "one":
            yield _link(parts, kind, field)
        elif name == "resolver":
            yield function_field(parts, kind, field)
        elif name == "computed":
            yield _computed(parts, kind, field)
        elif name in ("column", "key"):
            yield _own_column(parts, kind, field)


def _own_column(parts: SchemaParts, kind: ObjectType, field: DeclaredField) -> StrawberryField:
    if field.shape is None:
        raise TypeError(field.subject)
    record = parts.record(kind.name)
    place = place_of(record.section, field.name)
    batch = partial(_column, record, place)
    names = column_names(field.column_text)
    if len(names) == 1 and names[0] in kind.key.columns:
        batch = partial(_key_column, record, place, kind.key.columns.index(names[0]), len(kind.key.columns))
    return batch_field(
        FieldText.of(field),
        parts.leaf(field.shape),
        batch,
        asked=FieldColumns((field.name,)),
        scopes=kind.field_scopes[field.name],
    )


def _column(
    record: SectionRequest, place: int, parents: Sequence[ObjectRecord], _arguments: Mapping[str, Any], _context: Any
) -> Sequence[Any]:
    return read_values(values_of(parents, record), lambda rows: [row[place] for row in rows])


def _key_column(
    record: SectionRequest,
    place: int,
    part: int,
    width: int,
    parents: Sequence[ObjectRecord],
    arguments: Mapping[str, Any],
    context: Any,
) -> Sequence[Any]:
    """Return a column that holds a part of the key, which is known where the record could not be loaded."""
    try:
        values = _column(record, place, parents, arguments, context)
    except SectionError as error:
        values = [error] * len(parents)
    if not has_errors(values):
        return values
    keys = [parent.key if width == 1 else parent.key[part] for parent in parents]
    return [key if isinstance(value, SectionError) else value for key, value in zip(keys, values, strict=True)]


def _link(parts: SchemaParts, kind: ObjectType, field: DeclaredField) -> StrawberryField:
    target = field.shape.type.__name__ if field.shape is not None else ""
    record = parts.record(kind.name)
    place = place_of(record.section, field.name)
    return batch_field(
        FieldText.of(field, parts.model.objects[target].description),
        optional(parts.registry.named(target)),
        partial(_column, record, place),
        asked=FieldLink(field.name),
        scopes=parts.object_scopes(target) | kind.field_scopes[field.name],
    )


def _computed(parts: SchemaParts, kind: ObjectType, field: DeclaredField) -> StrawberryField:
    if field.shape is None:
        raise TypeError(field.subject)
    record = parts.record(kind.name)
    columns = {each.name: each for each in kind.fields}
    places = {column.name: place for place, column in enumerate(record.section.columns)}
    batch, names = computed_batch(field, columns, lambda parents: values_of(parents, record), places)
    return batch_field(
        FieldText.of(field),
        parts.leaf(field.shape),
        batch,
        asked=FieldColumns(names),
        scopes=kind.field_scopes[field.name],
    )


class _OfClass:
    """Tells by its class alone whether a value may be an object of one type."""

    by_class = True
    """Tells the executor to ask about one value of each class."""

    def __init__(self, own_class: type) -> None:
        self._own_class = own_class

    def __call__(self, value: Any, _info: object) -> bool:
        return type(value) is ObjectRecord or type(value) is self._own_class
