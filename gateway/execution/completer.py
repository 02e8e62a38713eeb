"""Compile a selection into a function that completes values column by column.

A completer is compiled once per operation, and run for any values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Protocol

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
)
from graphql.execution.values import get_argument_values
from graphql.pyutils.undefined import UndefinedType
from strawberry.types.field import StrawberryField

from gateway.execution.codegen import (
    Complete,
    Completed,
    FallbackValue,
    Leaf,
    assemble,
    complete_leaf,
    complete_rows,
)
from gateway.execution.leaf_types import leaf_type
from resolvers.batching import BATCH, FEW_OBJECTS, Batch, ColumnField
from resolvers.places import is_deferred, is_streamed
from resolvers.scopes import RequiresScope, missing_scope

if TYPE_CHECKING:
    from graphql import GraphQLSchema
    from graphql.execution.collect_fields import CollectedFields, FieldDetailsList
    from graphql.execution.values import VariableValues

_Resolve = Callable[[Sequence[Any], Any], Sequence[Any]]
"""A function of (parents, context) that returns one value for each parent."""
_TYPENAME = "__typename"


class Execution(Protocol):
    """The properties of an execution that its completers depend on."""

    schema: GraphQLSchema
    scopes: frozenset[str]
    encodes: bool
    variable_values: VariableValues

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: FieldDetailsList, /
    ) -> CollectedFields: ...


class FallbackSelection(Exception):  # noqa: N818 (not an error: the selection is graphql-core's)
    """A selection that graphql-core must complete. The argument says why."""


def compile_completer(execution: Execution, declared: GraphQLOutputType, details: FieldDetailsList) -> Complete:
    """Return a function that completes values of this type with this selection. Raises FallbackSelection."""
    return _Compiler(execution).complete(declared, details)


class _Compiler:
    """Composes the completer of a selection, from the leaves up."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    def complete(self, declared: GraphQLOutputType, details: FieldDetailsList) -> Complete:
        if isinstance(declared, GraphQLNonNull):
            return partial(_non_null, self.complete(declared.of_type, details))
        if isinstance(declared, GraphQLList):
            return partial(_lists, self.complete(declared.of_type, details))
        if isinstance(declared, GraphQLObjectType):
            return self._object(declared, details)
        leaf = leaf_type(declared, encoded=self._execution.encodes)
        if leaf is not None:
            return complete_leaf(leaf)
        raise FallbackSelection(f"type {declared}")

    def _object(self, declared: GraphQLObjectType, details: FieldDetailsList) -> Complete:
        groups = self._execution.collect_subfields(declared, details).grouped_field_set
        if any(is_deferred(group, details) for group in groups.values()):
            raise FallbackSelection("@defer")
        if any(map(is_streamed, groups.values())):
            raise FallbackSelection("@stream")
        fields = {key: self._field(declared, group) for key, group in groups.items()}
        leaves = self._leaves(fields)
        if leaves is not None and declared.is_type_of is None and any(leaf.type is not None for leaf in leaves):
            return complete_rows(leaves, declared.name)
        columns = [self._column(declared, field, groups[key]) for key, field in fields.items()]
        return partial(_objects, _type_check(declared), columns, assemble(tuple(fields)))

    def _field(self, parent: GraphQLObjectType, details: FieldDetailsList) -> GraphQLField:
        name = details[0].node.name.value
        field = self._execution.schema.get_field(parent, name)
        if field is None:
            raise FallbackSelection(f"unknown field {name}")
        return field

    def _leaves(self, fields: Mapping[str, GraphQLField]) -> tuple[Leaf, ...] | None:
        """Return the fields as leaves of a row, or None if one of them is not a leaf of a row."""
        leaves = []
        for key, field in fields.items():
            if field is self._typename_field():
                leaves.append(Leaf(key, -1, None, nullable=False))
                continue
            definition = self._definition(field)
            leaf = self._leaf(key, definition.place, field.type) if isinstance(definition, ColumnField) else None
            if leaf is None:
                return None
            leaves.append(leaf)
        return tuple(leaves)

    def _leaf(self, key: str, place: int, declared: GraphQLOutputType) -> Leaf | None:
        """Return the leaf, or list of leaves, that a column of a row is; None for any other type."""
        inner, nullable = _without_non_null(declared)
        is_list, items_nullable = isinstance(inner, GraphQLList), False
        if isinstance(inner, GraphQLList):
            inner, items_nullable = _without_non_null(inner.of_type)
        known = leaf_type(inner, encoded=self._execution.encodes)
        return None if known is None else Leaf(key, place, known, nullable, is_list, items_nullable)

    def _typename_field(self) -> GraphQLField | None:
        query = self._execution.schema.query_type
        return self._execution.schema.get_field(query, _TYPENAME) if query else None

    def _column(self, parent: GraphQLObjectType, field: GraphQLField, details: FieldDetailsList) -> Complete:
        if field is self._typename_field():
            return partial(_repeat, parent.name)
        resolve = partial(_resolved, self._batch(field, details))
        complete = self.complete(field.type, details)
        if self._definition(field).metadata.get(FEW_OBJECTS):
            complete = partial(_each_once, complete)
        return lambda sources, context: complete(resolve(sources, context), context)

    def _batch(self, field: GraphQLField, details: FieldDetailsList) -> _Resolve:
        definition = self._definition(field)
        if isinstance(definition, ColumnField):
            return partial(_places, definition.place)
        batch: Batch | None = definition.metadata.get(BATCH)
        if batch is not None:
            return partial(_call, batch, self._arguments(field, details))
        if definition.is_basic_field and type(definition).get_result is StrawberryField.get_result:
            return partial(_attributes, definition.default_resolver, definition.python_name)
        raise FallbackSelection(f"resolver of {definition.name}")

    def _definition(self, field: GraphQLField) -> StrawberryField:
        definition = field.extensions.get("strawberry-definition")
        if not isinstance(definition, StrawberryField):
            raise FallbackSelection("a field that is not Strawberry's")
        if missing_scope(field, self._execution.scopes):
            raise FallbackSelection("a scope")  # an error for each of its paths
        if not all(isinstance(extension, RequiresScope) for extension in definition.extensions):
            raise FallbackSelection(f"field extensions of {definition.name}")  # permissions, which must run
        return definition

    def _arguments(self, field: GraphQLField, details: FieldDetailsList) -> dict[str, Any]:
        node = details[0].node
        try:
            return get_argument_values(
                field, node, self._execution.variable_values, details[0].fragment_variable_values
            )
        except Exception as error:
            raise FallbackSelection("arguments") from error


def _type_check(declared: GraphQLObjectType) -> Callable[[Sequence[Any]], None] | None:
    check = declared.is_type_of
    if check is None:
        return None
    if inspect.iscoroutinefunction(check):
        raise FallbackSelection("async is_type_of")
    if getattr(check, "by_class", False):
        return lambda sources: _check_types(check, dict(zip(map(type, sources), sources, strict=True)).values())
    return partial(_check_types, check)


def _without_non_null(declared: GraphQLOutputType) -> tuple[GraphQLOutputType, bool]:
    """Return the type, and whether a value of it may be null."""
    return (declared.of_type, False) if isinstance(declared, GraphQLNonNull) else (declared, True)


def _non_null(complete: Complete, values: Sequence[Any], context: Any) -> Completed:
    completed = complete(values, context)
    if None in completed:
        raise FallbackValue("null")
    return completed


def _each_once(complete: Complete, values: Sequence[Any], context: Any) -> Completed:
    """Complete each distinct object once, if most of them occur several times."""
    distinct = dict(zip(map(id, values), values, strict=True))
    if 2 * len(distinct) > len(values):
        return complete(values, context)
    completed = dict(zip(distinct, complete(list(distinct.values()), context), strict=True))
    return list(map(completed.__getitem__, map(id, values)))


def _lists(complete: Complete, values: Sequence[Any], context: Any) -> Completed:
    flat: list[Any] = []
    for value in values:
        if value is None:
            continue
        if type(value) is not list:
            raise FallbackValue("list")
        flat += value
    completed = complete(flat, context)
    if len(values) == 1 and values[0] is not None:
        return [completed]
    lists: Completed = []
    index = 0
    for value in values:
        if value is None:
            lists.append(None)
            continue
        lists.append(completed[index : index + len(value)])
        index += len(value)
    return lists


def _objects(
    check_types: Callable[[Sequence[Any]], None] | None,
    columns: Sequence[Complete],
    put_together: Callable[..., list[dict[str, Any]]],
    values: Sequence[Any],
    context: Any,
) -> Completed:
    sources = [value for value in values if value is not None]
    if any(map(_is_no_object, set(map(type, sources)))):
        raise FallbackValue("object")
    if check_types is not None:
        check_types(sources)
    completed: Completed = (
        put_together(*(column(sources, context) for column in columns)) if columns else [{} for _ in sources]
    )
    if len(completed) == len(values):
        return completed
    rest = iter(completed)
    return [None if value is None else next(rest) for value in values]


@lru_cache(maxsize=1_024)
def _is_no_object(kind: type) -> bool:
    """Return whether a class's values are errors or awaitables, and so no objects to complete."""
    return issubclass(kind, Exception | UndefinedType | GeneratorType) or hasattr(kind, "__await__")


def _check_types(is_type_of: Callable[[Any, Any], Any], sources: Iterable[Any]) -> None:
    for source in sources:
        try:
            answer = is_type_of(source, None)
        except Exception as error:
            raise FallbackValue("is_type_of") from error
        if answer is not True:
            raise FallbackValue("is_type_of")


def _resolved(resolve: _Resolve, sources: Sequence[Any], context: Any) -> Sequence[Any]:
    try:
        values = resolve(sources, context)
        complete = len(values) == len(sources)
    except Exception as error:
        raise FallbackValue("resolver") from error
    if not complete:
        raise FallbackValue("length")
    return values


def _call(batch: Batch, arguments: Mapping[str, Any], sources: Sequence[Any], context: Any) -> Sequence[Any]:
    return batch(sources, arguments, context)


def _attributes(get: Callable[[Any, str], Any], name: str, sources: Sequence[Any], _context: Any) -> list[Any]:
    return [get(source, name) for source in sources]


def _places(place: int, sources: Sequence[Any], _context: Any) -> list[Any]:
    return [source[place] for source in sources]


def _repeat(name: str, sources: Sequence[Any], _context: Any) -> Completed:
    return [name] * len(sources)
