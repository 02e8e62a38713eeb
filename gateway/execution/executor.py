"""graphql-core's executor, which completes lists and objects by columns where the result is certain to be the same.

graphql-core resolves the root fields. Before it completes a list or an object, this class tries the completer of that
selection, all or nothing; of a large list, chunk by chunk. A selection that cannot be compiled, and any unexpected
value, leaves the subtree to graphql-core, which finds and reports the errors. Completers read what is already loaded
and have no side effects, so that a failed attempt costs time only.

Fields that a store failed are completed here too: they are null, with one error for each field (see field_errors).

The overridden methods are not public in graphql-core: its version is pinned, and a test fails when they change.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import Counter
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from graphql import GraphQLError, GraphQLObjectType, get_named_type, is_non_null_type
from graphql.pyutils import Path
from graphql.type.definition import GraphQLResolveInfoHelpers
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution.codegen import Complete, FallbackValue
from gateway.execution.completer import FallbackSelection, compile_completer
from gateway.execution.completion import Completion
from gateway.execution.error_locations import ErrorLocations
from gateway.execution.field_errors import FieldErrors
from gateway.execution.json_chunks import JSONChunks, encode
from gateway.execution.variables import texts, with_texts
from gateway.observability.gateway_metrics import BY_COLUMNS, record_fallback
from loaders.stores.errors import StoreError
from resolvers.connections import holds_objects
from resolvers.operations import operation_cache
from resolvers.places import is_streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Iterable, Sequence

    from graphql import DocumentNode, GraphQLList, GraphQLOutputType, GraphQLResolveInfo, GraphQLSchema
    from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
    from graphql.execution.incremental.incremental_executor import DeliveryGroup, DeliveryGroupMap
    from graphql.execution.incremental.work_queue import WorkResult
    from graphql.pyutils import AwaitableOrValue

    from gateway.execution.completion import FieldFailure

_NOT_DONE = object()
_DEFINITION = "strawberry-definition"

_FIRST_CHUNK = 4
"""Items of a list's first chunk. The size of each later chunk follows from the time that the previous one took."""
_MAX_CHUNK = 64
"""Maximum items of a chunk: later items may be much larger than those that its size was derived from."""
_MAX_WHOLE = 16
"""Maximum items of a list that is completed in one go."""
_CHUNK_S = 0.002
"""Time that a chunk should take. Without chunks, a large result would block the event loop for seconds."""


def _encoded(completed: Any) -> bytes | None:
    """Return a list's items as JSON without brackets, or None if one of its texts is not valid Unicode."""
    try:
        return orjson.dumps(completed)[1:-1]
    except TypeError:
        return None


class _ChunkPath(Path):
    """The path of a list, of which some items are completed apart: `start` is the index of the first one."""

    start: int

    @classmethod
    def of(cls, path: Path, start: int) -> _ChunkPath:
        """Return the path of the list for the items from an index on."""
        chunk = cls(*path)
        chunk.start = start
        return chunk

    def add_key(self, key: str | int, typename: str | None = None) -> Path:
        """Return the path of an item, given its index in the chunk."""
        return Path(Path(*self), self.start + int(key), typename)


def _next_size(size: int, took_s: float) -> int:
    """Return the next chunk's size: at least one, and between half and four times the last one."""
    fitting = int(size * _CHUNK_S / max(took_s, 1e-6))
    return max(1, min(max(fitting, size // 2), size * 4, _MAX_CHUNK))


class ColumnExecutor(StrawberryGraphQLCoreExecutionContext):
    """The execution of one operation.

    Where the context says `encode_in_chunks`, large lists come out as JSONChunks and dates as they are (see
    json_chunks.encode). `left_to_graphql_core` counts, for the life of the process, how often a subtree was left to
    graphql-core, and why.
    """

    left_to_graphql_core: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # graphql-core binds them to this object, which would then stay until the garbage collector comes.
        weak = weakref.proxy(self)
        self.async_helpers = GraphQLResolveInfoHelpers(
            gather=MethodType(type(self).gather_async_work, weak), track=MethodType(type(self).track_async_work, weak)
        )
        # None if the context is not the gateway's: then lists are completed in one go.
        self._encode: bool | None = getattr(self.context_value, "encode_in_chunks", None)
        self.encodes = bool(self._encode)
        self.scopes: frozenset[str] = getattr(self.context_value, "scopes", frozenset())
        self.collected_errors: FieldErrors = FieldErrors()
        self._error_locations = ErrorLocations()
        self._completers: dict[
            tuple[GraphQLOutputType, int], tuple[FieldDetailsList, Complete | FallbackSelection]
        ] = {}

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Build the execution as graphql-core does, without checking each of thousands of ids."""
        values = raw_variable_values or {}
        long = texts(schema, document, operation_name, values)
        short = values | {name: [] for name in long}
        built = super().build(schema, document, root_value, context_value, short, operation_name, *args, **kwargs)
        if long and isinstance(built, cls):
            built.variable_values = with_texts(built.variable_values, long)
        return built

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: AsyncIterable[Any] | Iterable[Any],
        position_context: Any,
    ) -> Any:
        """Complete a list by columns if possible. Streamed lists are left to graphql-core."""
        if is_streamed(field_details_list):
            return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)
        if self._encode is not None and type(result) is list and len(result) > _MAX_WHOLE:
            return self._complete_chunks(return_type, field_details_list, info, path, result, position_context)
        completed = self._by_columns(return_type, field_details_list, path, result)
        if completed is not _NOT_DONE:
            return completed
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def handle_field_error(
        self,
        raw_error: Exception,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        path: Path,
    ) -> None:
        """Report an error as graphql-core does, but locate each field of the document only once.

        Of one that a store failed for many objects only one error is built: see FieldErrors.
        """
        if isinstance(raw_error, StoreError):
            raw_error = raw_error.with_traceback(None)  # its frames hold what the request has loaded
            is_null = not (self.error_propagation and is_non_null_type(return_type))
            if is_null and self.collected_errors.add_further(raw_error, path):
                return
        error = self._error_locations.located_error(raw_error, field_details_list, path.as_list())
        super().handle_field_error(error, return_type, field_details_list, path)

    def create_sub_executor(self, *args: Any) -> Any:
        """Return an executor for a part that comes later, with errors of its own."""
        executor = super().create_sub_executor(*args)
        executor.collected_errors = FieldErrors()
        return executor

    def get_stream_usage(self, field_details_list: FieldDetailsList, path: Path) -> Any:
        """Return the use of @stream. Raises GraphQLError, where graphql-core raises ValueError, for a negative
        count."""
        try:
            return super().get_stream_usage(field_details_list, path)
        except ValueError as error:
            raise GraphQLError(str(error), field_details_list[0].node) from None

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete an object by columns if possible. Pages of objects are left to graphql-core."""
        origin = getattr(return_type.extensions.get(_DEFINITION), "origin", None)
        if self._encode is not None and holds_objects(origin):
            return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)
        completed = self._by_columns(return_type, field_details_list, path, result)
        if completed is not _NOT_DONE:
            return completed
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    def execute_execution_group(
        self,
        delivery_groups: Sequence[DeliveryGroup],
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        delivery_group_map: DeliveryGroupMap,
    ) -> AwaitableOrValue[WorkResult]:
        """Execute the deferred fields of an object once their values are loaded, so that columns can complete them."""
        group = (delivery_groups, parent_type, source_value, path, grouped_field_set, delivery_group_map)
        deferred = getattr(self.context_value, "deferred", None)
        loading = deferred.loading(source_value) if deferred is not None else None
        return super().execute_execution_group(*group) if loading is None else self._execute_after(loading, *group)

    async def _execute_after(self, loading: Awaitable[None], *group: Any) -> Any:
        await loading
        executed = super().execute_execution_group(*group)
        return await executed if self.is_awaitable(executed) else executed

    async def _complete_chunks(
        self,
        declared: GraphQLList[GraphQLOutputType],
        details: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: list[Any],
        position_context: Any,
    ) -> Any:
        """Complete a list in chunks that take about _CHUNK_S each, and yield to the event loop in between.

        Each chunk is encoded at once if the context allows it, so that a large result is held as bytes. A chunk that
        has an unexpected value, or cannot be encoded, is completed by graphql-core.
        """
        chunks: list[Any] = []
        index, size = 0, _FIRST_CHUNK
        while index < len(items):
            started = time.perf_counter()
            some = items[index : index + size]
            chunk = self._by_columns(declared, details, path, some, index)
            if chunk is _NOT_DONE:
                chunk = await self._left_chunk(declared, details, info, path, some, index, position_context)
            chunks.append(chunk)
            index += size
            size = _next_size(size, time.perf_counter() - started)
            await asyncio.sleep(0)
        if self._encode:
            return JSONChunks(chunks)
        return [item for chunk in chunks for item in chunk]

    async def _left_chunk(
        self,
        declared: GraphQLList[GraphQLOutputType],
        details: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: list[Any],
        start: int,
        position_context: Any,
    ) -> Any:
        """Have graphql-core complete some items of a list, and encode them if the context allows it."""
        place = _ChunkPath.of(path, start)
        completed = self.complete_iterable_value(declared.of_type, details, info, place, items, position_context)
        if self.is_awaitable(completed):
            completed = await completed
        return b"".join(encode(completed))[1:-1] if self._encode else completed

    def _by_columns(
        self, declared: GraphQLOutputType, details: FieldDetailsList, path: Path, value: Any, start: int | None = None
    ) -> Any:
        """Return the completed value, or _NOT_DONE.

        `start` is the index of the first item of a list's chunk, which is encoded if the context allows it.
        """
        manager = self.middleware_manager
        if (manager is not None and manager.middlewares) or not self.error_propagation:
            return _NOT_DONE
        if not isinstance(get_named_type(declared), GraphQLObjectType):
            return _NOT_DONE  # columns save nothing for leaves; abstract types are resolved value by value
        complete = self._completer(declared, details, path)
        if isinstance(complete, FallbackSelection):
            self.left_to_graphql_core[f"selection: {complete}"] += 1
            record_fallback("selection", complete)
            return _NOT_DONE
        run = Completion(self.context_value)
        try:
            (completed,) = complete([value], run)
        except FallbackValue as reason:
            self.left_to_graphql_core[f"value: {reason}"] += 1
            record_fallback("value", reason)
            return _NOT_DONE
        if completed is None and value is not None:
            record_fallback("value", "failed non-null")
            return _NOT_DONE  # a non-null item or field failed, which graphql-core reports to the field above
        if start is not None and self._encode and (completed := _encoded(completed)) is None:
            record_fallback("value", "invalid Unicode")
            return _NOT_DONE
        BY_COLUMNS.value += 1
        for failure in run.failures:
            self._note_failure(failure, path, start or 0)
        return completed

    def _note_failure(self, failure: FieldFailure, path: Path, start: int) -> None:
        if self.collected_errors.has_nulled_position(path):
            return
        first, *rest = failure.path
        steps = [*path.as_list(), first + start if isinstance(first, int) else first, *rest]
        if not self.collected_errors.merge(failure.cause, steps, len(failure.places)):
            error = self._error_locations.located_error(failure.cause, failure.details, steps)
            self.collected_errors.append(error, failure.cause, len(failure.places))

    def _completer(
        self, declared: GraphQLOutputType, details: FieldDetailsList, path: Path
    ) -> Complete | FallbackSelection:
        """Return the selection's completer, compiled once per execution, or once per operation for a root field."""
        known = None
        if path.prev is None:
            variables = self.variable_values.coerced
            known = operation_cache(self.operation, self.fragment_definitions, variables, self.scopes)
        if known is not None:
            root = (declared, path.key, self.encodes)
            if root not in known:
                known[root] = self._compiled(declared, details)
            complete: Complete | FallbackSelection = known[root]
            return complete
        key = (declared, id(details))  # the list is kept with its completer, so that its id is not reused
        if key not in self._completers:
            self._completers[key] = (details, self._compiled(declared, details))
        return self._completers[key][1]

    def _compiled(self, declared: GraphQLOutputType, details: FieldDetailsList) -> Complete | FallbackSelection:
        try:
            return compile_completer(self, declared, details)
        except FallbackSelection as reason:
            return FallbackSelection(*reason.args)  # the raised one holds its frames, and so the request
