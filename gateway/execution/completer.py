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
from gateway.execution.completion import FAILED
from gateway.execution.leaf_types import leaf_type
from loaders.stores.errors import StoreError
from resolvers.batching import BATCH, FEW_OBJECTS, Batch, ColumnField
from resolvers.places import is_deferred, is_streamed
from resolvers.scopes import RequiresScope, missing_scope

if TYPE_CHECKING:
    from graphql import GraphQLSchema
    from graphql.execution.collect_fields import CollectedFields, FieldDetailsList
    from graphql.execution.values import VariableValues

    from gateway.execution.completion import Completion

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
            return partial(_non_null, partial(_without_errors, details, self._value(declared.of_type, details)))
        return partial(_nullable, partial(_without_errors, details, self._value(declared, details)))

    def _value(self, declared: GraphQLOutputType, details: FieldDetailsList) -> Complete:
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
        columns = [(key, self._column(declared, field, groups[key])) for key, field in fields.items()]
        by_column = partial(_objects, _type_check(declared), columns, assemble(tuple(fields)))
        if leaves is not None and declared.is_type_of is None and any(leaf.type is not None for leaf in leaves):
            return partial(_rows, complete_rows(leaves, declared.name), by_column)
        return by_column

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
        resolve, complete = self._batch(field, details), self.complete(field.type, details)
        if self._definition(field).metadata.get(FEW_OBJECTS):
            complete = partial(_each_once, complete)
        failed = FAILED if isinstance(field.type, GraphQLNonNull) else None
        return partial(_fields, resolve, complete, details, failed)

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


def _non_null(complete: Complete, values: Sequence[Any], run: Completion) -> Completed:
    completed = complete(values, run)
    if None in completed:
        raise FallbackValue("null")
    return completed


def _nullable(complete: Complete, values: Sequence[Any], run: Completion) -> Completed:
    """Complete values, with null in the place of those that failed."""
    count = len(run.failures)
    completed = complete(values, run)
    if len(run.failures) == count:
        return completed
    return [None if value is FAILED else value for value in completed]


def _without_errors(details: FieldDetailsList, complete: Complete, values: Sequence[Any], run: Completion) -> Completed:
    """Complete values; those that are errors of stores have failed."""
    count = len(run.failures)
    try:
        return complete(values, run)
    except FallbackValue:
        wrong: dict[int, list[int]] = {}
        for place, value in enumerate(values):
            if isinstance(value, StoreError):
                wrong.setdefault(id(value), []).append(place)
        if not wrong:
            raise
    del run.failures[count:]
    for places in wrong.values():
        run.fail(values[places[0]], details, places)
    noted = len(run.failures)
    good = [place for place, value in enumerate(values) if not isinstance(value, StoreError)]
    result: Completed = [FAILED] * len(values)
    completed = complete([values[place] for place in good], run)
    run.move(noted, good)
    for place, value in zip(good, completed, strict=True):
        result[place] = value
    return result


def _each_once(complete: Complete, values: Sequence[Any], run: Completion) -> Completed:
    """Complete each distinct object once, if most of them occur several times."""
    distinct = dict(zip(map(id, values), values, strict=True))
    if 2 * len(distinct) > len(values):
        return complete(values, run)
    count = len(run.failures)
    result = complete(list(distinct.values()), run)
    if len(run.failures) > count:
        _count_each(run, count, list(distinct), values)
    completed = dict(zip(distinct, result, strict=True))
    return list(map(completed.__getitem__, map(id, values)))


def _count_each(run: Completion, since: int, distinct: Sequence[int], values: Sequence[Any]) -> None:
    """Translate failures from distinct objects to all values: each is affected as often as it occurs."""
    places: dict[int, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault(id(value), []).append(place)
    for failure in run.failures[since:]:
        failure.places = sorted(place for each in failure.places for place in places[distinct[each]])


def _lists(complete: Complete, values: Sequence[Any], run: Completion) -> Completed:
    flat: list[Any] = []
    for value in values:
        if value is None:
            continue
        if type(value) is not list:
            raise FallbackValue("list")
        flat += value
    count = len(run.failures)
    completed = complete(flat, run)
    if len(run.failures) > count:
        if FAILED in completed:
            raise FallbackValue("failed item")  # graphql-core stops there
        _move_to_lists(run, count, values)
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


def _move_to_lists(run: Completion, since: int, values: Sequence[Any]) -> None:
    """Translate failures from the items of all lists to the lists."""
    origins = [(place, index) for place, value in enumerate(values) for index in range(len(value or ()))]
    for failure in run.failures[since:]:
        failure.path = (origins[failure.places[0]][1], *failure.path)
        failure.places = [origins[place][0] for place in failure.places]


def _rows(complete: Complete, by_column: Complete, values: Sequence[Any], run: Completion) -> Completed:
    """Complete rows of leaves; column by column where a store failed some of their columns."""
    try:
        return complete(values, run)
    except FallbackValue:
        if not any(type(row) is tuple and any(isinstance(item, StoreError) for item in row) for row in values):
            raise
    return by_column(values, run)


def _objects(
    check_types: Callable[[Sequence[Any]], None] | None,
    columns: Sequence[tuple[str, Complete]],
    put_together: Callable[..., list[dict[str, Any]]],
    values: Sequence[Any],
    run: Completion,
) -> Completed:
    sources = [value for value in values if value is not None]
    if any(map(_is_no_object, set(map(type, sources)))):
        raise FallbackValue("object")
    if check_types is not None:
        check_types(sources)
    count = len(run.failures)
    parts: list[Completed] = []
    for key, column in columns:
        parts.append(column(sources, run))
        if len(run.failures) > count:
            return _objects_that_failed(columns[len(parts) :], put_together, (key, parts, sources, values), run, count)
    completed: Completed = put_together(*parts) if columns else [{} for _ in sources]
    if len(completed) == len(values):
        return completed
    rest = iter(completed)
    return [None if value is None else next(rest) for value in values]


def _objects_that_failed(
    columns: Sequence[tuple[str, Complete]],
    put_together: Callable[..., list[dict[str, Any]]],
    begun: tuple[str, list[Completed], list[Any], Sequence[Any]],
    run: Completion,
    since: int,
) -> Completed:
    """Complete the rest of the columns, of those objects alone that have not failed.

    An object has failed where one of its non-null fields has; as in graphql-core, its later fields are not looked at.
    `begun` are the key of the last column, the columns so far, their objects, and the values that these are of.
    """
    key, parts, sources, values = begun
    origins = [place for place, value in enumerate(values) if value is not None]
    rest = iter(columns)
    while True:
        run.move(since, origins, key)
        if FAILED in parts[-1]:
            kept = [place for place, value in enumerate(parts[-1]) if value is not FAILED]
            sources, origins = [sources[place] for place in kept], [origins[place] for place in kept]
            parts = [[part[place] for place in kept] for part in parts]
        key, column = next(rest, ("", None))
        if column is None or not sources:
            break
        since = len(run.failures)
        parts.append(column(sources, run))
    result: Completed = [None if value is None else FAILED for value in values]
    for place, row in zip(origins, put_together(*parts) if sources else (), strict=True):
        result[place] = row
    return result


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


def _fields(
    resolve: _Resolve,
    complete: Complete,
    details: FieldDetailsList,
    failed: object,
    sources: Sequence[Any],
    run: Completion,
) -> Completed:
    """Resolve and complete one field of all sources. Each is `failed` where a store failed the field."""
    try:
        values = resolve(sources, run.context)
        is_whole = len(values) == len(sources)
    except StoreError as error:
        run.fail(error, details, range(len(sources)))
        return [failed] * len(sources)
    except Exception as error:
        raise FallbackValue("resolver") from error
    if not is_whole:
        raise FallbackValue("length")
    return complete(values, run)


def _call(batch: Batch, arguments: Mapping[str, Any], sources: Sequence[Any], context: Any) -> Sequence[Any]:
    return batch(sources, arguments, context)


def _attributes(get: Callable[[Any, str], Any], name: str, sources: Sequence[Any], _context: Any) -> list[Any]:
    return [get(source, name) for source in sources]


def _places(place: int, sources: Sequence[Any], _context: Any) -> list[Any]:
    return [source[place] for source in sources]


def _repeat(name: str, sources: Sequence[Any], _run: Completion) -> Completed:
    return [name] * len(sources)
