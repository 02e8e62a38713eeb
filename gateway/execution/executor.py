"""graphql-core's executor, with lists and objects completed by columns where that is certain to come out the same.

graphql-core resolves the root fields. When it comes to complete a list or an object, this class first tries the plan of
that selection: all or nothing. What the plan does not cover, and any value that it does not expect, leaves the whole
subtree to graphql-core, which finds and reports the errors. Plans read what is already loaded and have no side effects,
so that trying costs time only.

These methods of graphql-core's executor are not public: the version is pinned, and a test tells when they change.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from graphql import GraphQLError, GraphQLObjectType, get_named_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution.error_locations import ErrorLocations
from gateway.execution.pieces import Pieces
from gateway.execution.plan import Unsupported, plan
from gateway.execution.rows import Complete, Unclean
from gateway.execution.variables import texts, with_texts
from resolvers.fleet import AircraftConnection
from resolvers.operations import memory
from resolvers.places import is_streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Iterable, Sequence

    from graphql import DocumentNode, GraphQLList, GraphQLOutputType, GraphQLResolveInfo, GraphQLSchema
    from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
    from graphql.execution.incremental.incremental_executor import DeliveryGroup, DeliveryGroupMap
    from graphql.execution.incremental.work_queue import WorkResult
    from graphql.pyutils import AwaitableOrValue, Path

_NOT_DONE = object()
_DEFINITION = "strawberry-definition"

_FIRST_PIECE = 4
"""Items of a list's first piece; the next ones are sized by how long it took."""
_MOST_IN_PIECE = 64
"""Items of any piece: the next ones may be much larger than those that its size is learned from."""
_WHOLE = 16
"""Items of a list that is completed whole."""
IN_PIECES = (AircraftConnection,)
"""Types that are left to graphql-core, so that the lists that they hold are completed in pieces."""
_PIECE_S = 0.002
"""How long a piece may hold the event loop. Without pieces, a large answer would hold up all others for seconds."""


def _encoded(completed: Any) -> bytes | None:
    """A list's items as JSON, without its brackets; None where there is a text that is not Unicode."""
    try:
        return orjson.dumps(completed)[1:-1]
    except TypeError:
        return None


def _next_size(size: int, took_s: float) -> int:
    """At most four times and at least half as many, at least one."""
    fitting = int(size * _PIECE_S / max(took_s, 1e-6))
    return max(1, min(max(fitting, size // 2), size * 4, _MOST_IN_PIECE))


class ColumnExecutor(StrawberryGraphQLCoreExecutionContext):
    """One execution of one operation.

    Where the context says `encode_in_pieces`, large lists come out as Pieces and dates as they are (see pieces.encode).
    `left_to_graphql_core` counts, for the life of the process, how often a subtree was left to graphql-core, and why.
    """

    left_to_graphql_core: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # None where the context is not the gateway's: then lists are completed whole.
        self._encode: bool | None = getattr(self.context_value, "encode_in_pieces", None)
        self.encodes = bool(self._encode)
        self.scopes: frozenset[str] = getattr(self.context_value, "scopes", frozenset())
        self._error_locations = ErrorLocations()
        self._plans: dict[tuple[GraphQLOutputType, int], tuple[FieldDetailsList, Complete | Unsupported]] = {}

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
        """As graphql-core builds it, without a look at each of thousands of ids."""
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
        """The list by columns, or as graphql-core completes it; one that is streamed is its."""
        if is_streamed(field_details_list):
            return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)
        if self._encode is not None and type(result) is list and len(result) > _WHOLE:
            return self._complete_pieces(return_type, field_details_list, info, path, result, position_context)
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
        """As graphql-core does, without looking for the same place of the document again for each object."""
        error = self._error_locations.located_error(raw_error, field_details_list, path)
        super().handle_field_error(error, return_type, field_details_list, path)

    def get_stream_usage(self, field_details_list: FieldDetailsList, path: Path) -> Any:
        """As graphql-core's; a count that cannot be is the caller's fault."""
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
        """The object by columns of one, or as graphql-core completes it; one that holds a list of aircraft is its."""
        if self._encode is not None and getattr(return_type.extensions.get(_DEFINITION), "origin", None) in IN_PIECES:
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
        """The deferred fields of an object, when their values are there: then they are completed by columns, too."""
        group = (delivery_groups, parent_type, source_value, path, grouped_field_set, delivery_group_map)
        deferred = getattr(self.context_value, "deferred", None)
        loading = deferred.loading(source_value) if deferred is not None else None
        return super().execute_execution_group(*group) if loading is None else self._execute_after(loading, *group)

    async def _execute_after(self, loading: Awaitable[None], *group: Any) -> Any:
        await loading
        executed = super().execute_execution_group(*group)
        return await executed if self.is_awaitable(executed) else executed

    async def _complete_pieces(
        self,
        declared: GraphQLList[GraphQLOutputType],
        details: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: list[Any],
        position_context: Any,
    ) -> Any:
        """The list, completed piece by piece, with the event loop let go in between.

        A piece is as large as takes about _PIECE_S. Where it may be encoded its dictionaries are gone at once: a large
        answer is held as bytes. The whole list is graphql-core's where one piece is not clean, or cannot be encoded.
        """
        pieces: list[Any] = []
        at, size = 0, _FIRST_PIECE
        while at < len(items):
            started = time.perf_counter()
            piece = self._by_columns(declared, details, path, items[at : at + size])
            if self._encode and piece is not _NOT_DONE:
                piece = _encoded(piece)
            if piece is _NOT_DONE or piece is None:
                left = super().complete_list_value(declared, details, info, path, items, position_context)
                return await left if self.is_awaitable(left) else left
            pieces.append(piece)
            at += size
            size = _next_size(size, time.perf_counter() - started)
            await asyncio.sleep(0)
        if self._encode:
            return Pieces(pieces)
        return [item for piece in pieces for item in piece]

    def _by_columns(self, declared: GraphQLOutputType, details: FieldDetailsList, path: Path, value: Any) -> Any:
        manager = self.middleware_manager
        if (manager is not None and manager.middlewares) or not self.error_propagation:
            return _NOT_DONE
        if not isinstance(get_named_type(declared), GraphQLObjectType):
            return _NOT_DONE  # leaves cost no more here than by columns; abstract types are looked at value by value
        complete = self._plan(declared, details, path)
        if isinstance(complete, Unsupported):
            self.left_to_graphql_core[f"selection: {complete}"] += 1
            return _NOT_DONE
        try:
            return complete([value], self.context_value)[0]
        except Unclean as reason:
            self.left_to_graphql_core[f"value: {reason}"] += 1
            return _NOT_DONE

    def _plan(self, declared: GraphQLOutputType, details: FieldDetailsList, path: Path) -> Complete | Unsupported:
        """The selection's plan, made once an execution, or once an operation where it is that of a root field."""
        known = None
        if path.prev is None:
            known = memory(self.operation, self.fragment_definitions, self.variable_values.coerced)
        if known is not None:
            root = (declared, path.key, self.encodes, self.scopes)
            if root not in known:
                known[root] = self._planned(declared, details)
            complete: Complete | Unsupported = known[root]
            return complete
        key = (declared, id(details))  # the list is kept with its plan, so that its id stays its own
        if key not in self._plans:
            self._plans[key] = (details, self._planned(declared, details))
        return self._plans[key][1]

    def _planned(self, declared: GraphQLOutputType, details: FieldDetailsList) -> Complete | Unsupported:
        try:
            return plan(self, declared, details)
        except Unsupported as reason:
            return Unsupported(*reason.args)  # the one that was raised holds its frames, and so the request
