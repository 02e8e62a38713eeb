"""Locate the errors of one execution, the fields of the document once each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLError

if TYPE_CHECKING:
    from graphql.execution.collect_fields import FieldDetailsList


class ErrorLocations:
    """The locations of fields whose errors have been located.

    graphql-core looks through the document's lines for each error: milliseconds for one of many lines, again for each
    of thousands of objects whose field is denied or failed.
    """

    def __init__(self) -> None:
        self._located: dict[int, tuple[FieldDetailsList, GraphQLError]] = {}

    def located_error(self, cause: Exception, field: FieldDetailsList, path: list[str | int]) -> GraphQLError:
        """Return the error as graphql-core would locate it; errors of GraphQL's own are left to it."""
        if isinstance(cause, GraphQLError):
            return cause
        _, known = self._located.get(id(field), (field, None))
        if known is None:
            known = GraphQLError("", [details.node for details in field])
            self._located[id(field)] = field, known  # the field is kept, so that its id stays its own
        error = GraphQLError(str(getattr(cause, "message", cause)), path=path, original_error=cause)
        return at_place_of(known, error)


def at_place_of(known: GraphQLError, error: GraphQLError) -> GraphQLError:
    """Return the error with the nodes and locations of one that has been located."""
    error.nodes, error.source, error.positions = known.nodes, known.source, known.positions
    error.locations = known.locations
    return error
