"""Notes the statements that a database is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fuseway.testing.results import Statement
from loaders.stores.protocols import Columns, Row, TypedColumns


class RecordingStore:
    """A client of a database that notes each statement before it sends it."""

    def __init__(self, store: Any, name: str, sent: list[Statement]) -> None:
        self._store = store
        self._name = name
        self._sent = sent

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        """Send a statement to PostgreSQL."""
        self._note(sql)
        rows: Sequence[Row] = await self._store.rows(sql, *arguments)
        return rows

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """Send a statement to ClickHouse."""
        self._note(sql)
        columns: Columns = await self._store.columns(sql, parameters)
        return columns

    async def typed_columns(self, sql: str, *arguments: Any) -> TypedColumns:
        """Send a statement to either, for columns with their types."""
        self._note(sql)
        columns: TypedColumns = await self._store.typed_columns(sql, *arguments)
        return columns

    def _note(self, sql: str) -> None:
        self._sent.append(Statement(self._name, sql))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
