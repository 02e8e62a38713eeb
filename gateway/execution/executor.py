"""graphql-core's executor, with lists and objects completed by columns where that is certain to come out the same.

graphql-core resolves the root fields. When it comes to complete a list or an object, this class first tries the plan of
that selection: all or nothing. What the plan does not cover, and any value that it does not expect, leaves the whole
subtree to graphql-core, which finds and reports the errors. Plans read what is already loaded and have no side effects,
so that trying costs time only.

These methods of graphql-core's executor are not public: the version is pinned, and a test tells when they change.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from graphql import GraphQLObjectType, get_named_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution.plan import Unsupported, plan
from gateway.execution.rows import Complete, Unclean

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from graphql import GraphQLList, GraphQLOutputType, GraphQLResolveInfo
    from graphql.execution.collect_fields import FieldDetailsList
    from graphql.pyutils import Path

_NOT_DONE = object()


class ColumnExecutor(StrawberryGraphQLCoreExecutionContext):
    """One execution of one operation.

    `left_to_graphql_core` counts, for the life of the process, how often a subtree was left to graphql-core, and why.
    """

    left_to_graphql_core: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans: dict[tuple[GraphQLOutputType, int], tuple[FieldDetailsList, Complete | None]] = {}

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: AsyncIterable[Any] | Iterable[Any],
        position_context: Any,
    ) -> Any:
        """The list by columns, or as graphql-core completes it."""
        completed = self._by_columns(return_type, field_details_list, result, position_context)
        if completed is not _NOT_DONE:
            return completed
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """The object by columns of one, or as graphql-core completes it."""
        completed = self._by_columns(return_type, field_details_list, result, position_context)
        if completed is not _NOT_DONE:
            return completed
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    def _by_columns(
        self, declared: GraphQLOutputType, details: FieldDetailsList, value: Any, position_context: Any
    ) -> Any:
        manager = self.middleware_manager
        if (manager is not None and manager.middlewares) or position_context is not None or not self.error_propagation:
            return _NOT_DONE
        complete = self._plan(declared, details)
        if complete is None:
            return _NOT_DONE
        try:
            return complete([value])[0]
        except Unclean as reason:
            self.left_to_graphql_core[f"value: {reason}"] += 1
            return _NOT_DONE

    def _plan(self, declared: GraphQLOutputType, details: FieldDetailsList) -> Complete | None:
        """The selection's plan, made once; None where there is none."""
        key = (declared, id(details))  # the list is kept with its plan, so that its id stays its own
        if key not in self._plans:
            self._plans[key] = (details, self._planned(declared, details))
        return self._plans[key][1]

    def _planned(self, declared: GraphQLOutputType, details: FieldDetailsList) -> Complete | None:
        if not isinstance(get_named_type(declared), GraphQLObjectType):
            return None  # leaves cost no more here than by columns; abstract types are looked at value by value
        try:
            return plan(self, declared, details)
        except Unsupported as reason:
            self.left_to_graphql_core[f"selection: {reason}"] += 1
            return None
