"""Through a connection (Relay), page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from warnings import warn

from fuseway_client.errors import GatewayError
from fuseway_client.operations import Operation, Result

_MAX_EMPTY_PAGES = 1_000
"""Pages without a node in a row: a filter may leave that many behind, and a connection that has more does not end."""


def max_items_of(max_items: int | None, most: int | None) -> int:
    """Return the bound of `pages`, by its name or, with a warning, its old one. Raises TypeError without one bound."""
    if most is not None:
        warn("pages(most=…) is deprecated: write max_items=.", DeprecationWarning, stacklevel=3)
    bounds = [bound for bound in (max_items, most) if bound is not None]
    if len(bounds) != 1:
        raise TypeError("pages() needs max_items=, the largest number of items that it yields.")
    return bounds[0]


class Paging:
    """The position in a connection: the next operation to execute, and the nodes of its result."""

    def __init__(
        self,
        document: str,
        path: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        *,
        max_items: int,
        page_size: int,
    ) -> None:
        if max_items < 0 or page_size < 1:
            message = f"max_items must be at least 0 and page_size at least 1; they are {max_items} and {page_size}."
            raise ValueError(message)
        self._document = document
        self._path = path
        self._variables = dict(variables or {})
        self._operation_name = operation_name
        self._left = max_items
        self._page_size = page_size
        self._more = max_items > 0
        self._cursors = {self._variables.get("after")}  # all that pages were asked for after
        self._empty = 0

    def next(self) -> Operation | None:
        """Return the operation that asks for the next page; None where all, or as many as wanted, have been had."""
        if not self._more:
            return None
        self._variables["first"] = min(self._page_size, self._left)
        return Operation(self._document, dict(self._variables), self._operation_name)

    def take(self, result: Result) -> list[Any]:
        """Return the nodes of the page that was asked for, which may be none though others follow.

        Raises GraphQLErrors where the result has errors, GatewayError where the pages would not end.
        """
        result.raise_for_errors()
        connection = _at(result.data, self._path)
        if connection is None:
            self._more = False
            return []
        nodes, has_next, cursor = _page(connection)
        nodes = nodes[: self._left]
        self._left -= len(nodes)
        self._empty = 0 if nodes else self._empty + 1
        self._more = has_next and self._left > 0
        if self._more:
            self._go_on(cursor)
        return nodes

    def _go_on(self, cursor: str | None) -> None:
        """Ask for the next page after this cursor, unless it is one of pages that never end."""
        if cursor is None or cursor in self._cursors:
            raise GatewayError(f"The pages of {self._path} do not end: another follows a cursor that has been had.")
        if self._empty > _MAX_EMPTY_PAGES:
            raise GatewayError(f"The pages of {self._path} do not end: {self._empty:,} in a row had no node.")
        self._cursors.add(cursor)
        self._variables["after"] = cursor


def _at(data: Any, path: str) -> Any:
    """Return the value at the path; None where it, or something on the way to it, is null."""
    for name in path.split("."):
        if data is None:
            return None
        if not isinstance(data, dict) or name not in data:
            raise ValueError(f"The result has nothing at {path}.")
        data = data[name]
    return data


def _page(connection: Any) -> tuple[list[Any], bool, str | None]:
    """Nodes, whether another page follows, and the cursor that it follows. A list that is null has none."""
    try:
        nodes = connection["nodes"] if "nodes" in connection else [edge["node"] for edge in connection["edges"] or ()]
        return nodes or [], connection["pageInfo"]["hasNextPage"], connection["pageInfo"]["endCursor"]
    except (KeyError, TypeError) as error:
        raise ValueError(
            "At the path, the document must select nodes or edges { node }, and pageInfo { hasNextPage endCursor }."
        ) from error
