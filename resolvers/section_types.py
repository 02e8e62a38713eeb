"""Types of sections and groups, and the fields of objects and groups that answer sections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from loaders.model.shapes import Cardinality, ValueKind
from loaders.objects.object_record import ObjectRecord, read_values, values_of
from loaders.statements.section_request import Period
from resolvers.computed_values import computed_batch
from resolvers.connections import Read, connection_reader, object_connection, section_connection
from resolvers.deferred_loading import when_loaded
from resolvers.fields import (
    FieldColumns,
    FieldGroup,
    FieldLink,
    FieldSection,
    FieldText,
    batch_field,
    column_field,
)
from resolvers.input_types import PERIOD
from resolvers.schema_parts import SECTION_WORDS, SchemaParts
from resolvers.section_arguments import period_of
from resolvers.type_registry import list_of, make_type, optional

if TYPE_CHECKING:
    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from loaders.model.bound_sections import BoundSection
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import FieldsType, SectionType
    from loaders.statements.section_request import SectionRequest

GroupSource = tuple[ObjectRecord, Period | None, str]
"""The value of a group: the object, the period, and the path of the group, such as `Customer.usage`."""


def section_type(parts: SchemaParts, section: SectionType) -> Any:
    """Return the type of a section, or of a row of a list of it."""
    names = parts.list_names.get(section.name)
    prefix = f"A row of {', '.join(names)}. " if names else ""

    def make() -> Any:
        fields = list(_columns(parts, section))
        return make_type(section.name, fields, description=prefix + section.description)

    return parts.registry.once(section.name, make)


def _columns(parts: SchemaParts, section: SectionType) -> Iterator[StrawberryField]:
    """Yield the fields of a section. Each column has a place in the row, shown or not."""
    columns = [each for each in section.fields if each.word is not None and each.word.name != "computed"]
    places = {each.name: place for place, each in enumerate(columns)}
    for field in section.fields:
        if field.shape is None or not field.option("shown", True):
            continue
        if field.is_computed:
            batch, names = computed_batch(field, {each.name: each for each in columns}, lambda rows: rows, places)
            yield batch_field(FieldText.of(field), parts.leaf(field.shape), batch, asked=FieldColumns(names))
        elif field.shape.kind is ValueKind.OBJECT:
            yield _link(parts, field, places[field.name])
        else:
            asked = FieldColumns((field.name,))
            yield column_field(FieldText.of(field), parts.leaf(field.shape), places[field.name], asked=asked)


def _link(parts: SchemaParts, field: DeclaredField, place: int) -> StrawberryField:
    target = field.shape.type.__name__ if field.shape is not None else ""
    text = FieldText.of(field, parts.model.objects[target].description)
    declared = optional(parts.registry.named(target))
    scopes = parts.object_scopes(target)

    def batch(parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Sequence[Any]:
        return [parent[place] for parent in parents]

    return batch_field(text, declared, batch, asked=FieldLink(field.name), scopes=scopes)


def group_type(parts: SchemaParts, group: FieldsType, path: str) -> Any:
    """Return the type of a group. Its fields find their sections by the path that they are resolved from."""

    def make() -> Any:
        fields = [
            section_field(parts, field, parts.model.bound_sections[f"{path}.{field.name}"], in_group=True)
            for field in group.fields
        ]
        return make_type(group.name, fields, description=group.description)

    return parts.registry.once(group.name, make)


def group_field(parts: SchemaParts, field: DeclaredField, owner: str) -> StrawberryField:
    """Return the field of an object that answers a group; its period is handed down."""
    if field.shape is None:
        raise TypeError(field.subject)
    group, path = parts.model.groups[field.shape.type.__name__], f"{owner}.{field.name}"

    def batch(parents: Sequence[ObjectRecord], arguments: Mapping[str, Any], _context: Any) -> Sequence[GroupSource]:
        period = period_of(arguments.get(PERIOD))
        return [(parent, period, path) for parent in parents]

    return batch_field(
        FieldText.of(field, group.description),
        group_type(parts, group, path),
        batch,
        asked=FieldGroup(field.name),
        arguments=[_period(parts)] if field.option("period") else [],
        scopes=[field.option("scope")] if field.option("scope") else [],
    )


def _period(parts: SchemaParts) -> StrawberryArgument:
    return parts.inputs.period("Narrows the answer to these dates.")


def section_field(
    parts: SchemaParts, field: DeclaredField, section: BoundSection, *, in_group: bool = False
) -> StrawberryField:
    """Return a field that answers a bound section: of an object, or of a group.

    It is nullable unless its author requires it, so that where its statement fails the rest of the object answers.
    """
    if field.shape is None or field.word is None or field.word.name not in (*SECTION_WORDS, "one"):
        raise TypeError(field.subject)
    declared, read, description = _answer(parts, field, section)
    arguments = parts.inputs.list_arguments(field, section) if _has_list(field) else parts.inputs.sql_arguments(section)
    if field.option("period") and not in_group:
        arguments.append(_period(parts))
    return batch_field(
        FieldText.of(field, description),
        optional(declared, nullable=not field.option("required")),
        partial(_in_group, parts, field.name, read) if in_group else partial(_of_object, parts, section, read),
        asked=FieldSection(field.name, is_link=field.word.name == "one"),
        arguments=arguments,
        scopes=_scopes(parts, field, section, in_group=in_group),
    )


def _scopes(parts: SchemaParts, field: DeclaredField, section: BoundSection, *, in_group: bool) -> frozenset[str]:
    """Return what a field needs: for its section, for the objects that it leads to, less what its group needs."""
    target = (section.target or section.columns[0].target) if _is_object(field) else ""
    own = section.scopes | (parts.object_scopes(target) if target else frozenset())
    return own - parts.group_scopes(field.owner.__name__) if in_group else own


def _is_object(field: DeclaredField) -> bool:
    return field.shape is not None and field.shape.kind is ValueKind.OBJECT


def _has_list(field: DeclaredField) -> bool:
    return field.shape is not None and field.shape.cardinality is not Cardinality.ONE


def _answer(parts: SchemaParts, field: DeclaredField, section: BoundSection) -> tuple[Any, Read, str]:
    """Return the type of a field, how its values are read from the section's, and its description."""
    shape = field.shape
    if shape is None:
        raise TypeError(field.subject)
    name = shape.type.__name__
    if shape.kind is ValueKind.SECTION:
        declared = section_type(parts, parts.model.sections[name])
        description = parts.model.sections[name].description
        if shape.cardinality is Cardinality.PAGE:
            return (
                section_connection(parts, parts.model.sections[name], declared),
                connection_reader(parts, section),
                description,
            )
    else:
        declared, description = parts.registry.named(name), parts.model.objects[name].description
        if shape.cardinality is Cardinality.PAGE:
            return object_connection(parts, parts.model.objects[name]), connection_reader(parts, section), description
    if shape.cardinality is Cardinality.LIST:
        return list_of(declared), _same, description
    return declared, _FIRST_VALUES.get(field.word_name, _same), description


def _same(_objects: Sequence[ObjectRecord], _request: SectionRequest, values: Sequence[Any]) -> Sequence[Any]:
    return values


def _first_rows(_objects: Sequence[ObjectRecord], _request: SectionRequest, values: Sequence[Any]) -> Sequence[Any]:
    """Return the first row of each list, or None."""
    return _when_loaded(values, lambda lists: [rows[0] if rows else None for rows in lists])


def _first_columns(_objects: Sequence[ObjectRecord], _request: SectionRequest, values: Sequence[Any]) -> Sequence[Any]:
    """Return the first column of each row, which is a link."""
    return _when_loaded(values, lambda rows: [None if row is None else row[0] for row in rows])


def _when_loaded(values: Sequence[Any], read: Callable[[Sequence[Any]], Sequence[Any]]) -> Sequence[Any]:
    return when_loaded(values, lambda some: read_values(some, read))


_FIRST_VALUES: Mapping[str, Read] = {"first": _first_rows, "one": _first_columns}


def _of_object(
    parts: SchemaParts,
    section: BoundSection,
    read: Read,
    parents: Sequence[ObjectRecord],
    arguments: Mapping[str, Any],
    context: Any,
) -> Sequence[Any]:
    period = period_of(arguments.get(PERIOD))
    request = parts.arguments.request(section, arguments, period, context.scopes, context.tenant)
    return read(parents, request, values_of(parents, request))


def _in_group(
    parts: SchemaParts,
    name: str,
    read: Read,
    parents: Sequence[GroupSource],
    arguments: Mapping[str, Any],
    context: Any,
) -> Sequence[Any]:
    """Return the section of each parent. Parents of one field have the period and the path of the field above."""
    if not parents:
        return []
    _, period, path = parents[0]
    section = parts.model.bound_sections[f"{path}.{name}"]
    request = parts.arguments.request(section, arguments, period, context.scopes, context.tenant)
    objects = [record for record, _, _ in parents]
    return read(objects, request, values_of(objects, request))
