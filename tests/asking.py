"""Asking the real schema over stores that count what is sent to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.model.databases import Database, Kind
from loaders.stores.protocols import Columns, Row, TypedAnalyticalStore, TypedColumns, TypedRelationalStore
from tests.fleet.served import SCHEMA, context_over

__all__ = ["SCHEMA", "Answer", "Recorder", "RecordingClickHouse", "RecordingPostgres", "Sent", "ask"]


@dataclass(frozen=True, slots=True)
class Sent:
    """One statement: where to, its text, its arguments."""

    store: str
    sql: str
    arguments: object


@dataclass(slots=True)
class Recorder:
    """Stands between loaders and stores, and notes every statement."""

    sent: list[Sent] = field(default_factory=list)

    def relational(self, store: TypedRelationalStore) -> "RecordingPostgres":
        return RecordingPostgres(store, self.sent)

    def analytical(self, store: TypedAnalyticalStore) -> "RecordingClickHouse":
        return RecordingClickHouse(store, self.sent)

    def databases(self, stores: Mapping[Database, Any]) -> dict[Database, Any]:
        """A model's stores, each with its statements noted."""
        record: dict[Kind, Any] = {Kind.POSTGRES: self.relational, Kind.CLICKHOUSE: self.analytical}
        return {database: record[database.kind](store) for database, store in stores.items()}

    def count(self, store: str) -> int:
        return sum(item.store == store for item in self.sent)


@dataclass(frozen=True, slots=True)
class RecordingPostgres:
    """PostgreSQL, with each statement noted."""

    store: TypedRelationalStore
    sent: list[Sent]

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        self.sent.append(Sent("postgresql", sql, arguments))
        return await self.store.rows(sql, *arguments)

    async def typed_columns(self, sql: str, *arguments: object) -> TypedColumns:
        self.sent.append(Sent("postgresql", sql, arguments))
        return await self.store.typed_columns(sql, *arguments)


@dataclass(frozen=True, slots=True)
class RecordingClickHouse:
    """ClickHouse, with each statement noted."""

    store: TypedAnalyticalStore
    sent: list[Sent]

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        self.sent.append(Sent("clickhouse", sql, dict(parameters)))
        return await self.store.columns(sql, parameters)

    async def typed_columns(self, sql: str, parameters: Mapping[str, object]) -> TypedColumns:
        self.sent.append(Sent("clickhouse", sql, dict(parameters)))
        return await self.store.typed_columns(sql, parameters)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and what was sent for it."""

    data: Any
    errors: list[str]
    paths: list[list[str | int]]
    recorder: Recorder

    @property
    def statements(self) -> int:
        return len(self.recorder.sent)


async def ask(
    postgres: TypedRelationalStore,
    clickhouse: TypedAnalyticalStore,
    query: str,
    variables: Mapping[str, Any] | None = None,
) -> Answer:
    """Execute a query with loaders of its own."""
    recorder = Recorder()
    context = context_over(recorder.relational(postgres), recorder.analytical(clickhouse))
    result = await SCHEMA.execute(query, variable_values=dict(variables or {}), context_value=context)
    errors = result.errors or []
    return Answer(result.data, [e.message for e in errors], [list(e.path or []) for e in errors], recorder)
