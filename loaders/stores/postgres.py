"""PostgreSQL: a bounded pool of connections for loaders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson

from loaders.deadline import longest_left, time_limit
from loaders.metrics import StoreMetrics, database_label
from loaders.request_tracker import record_statement
from loaders.stores.circuit_breaker import Outage
from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.poolers import NO_POOLER, Pooler
from loaders.stores.postgres_errors import connecting, translated
from loaders.stores.postgres_hosts import connect_to_first
from loaders.stores.postgres_pool import APPLICATION_NAME, CANCEL_TIMEOUT_S, END_PREPARED, PostgresPool
from loaders.stores.postgres_session import PostgresSession
from loaders.stores.protocols import TypedColumns
from loaders.stores.slow_statements import SlowStatements
from loaders.stores.store_guard import StoreGuard
from loaders.stores.urls.postgres import POSTGRES, driver_arguments
from loaders.stores.urls.store_url import StoreURL, parse_url
from loaders.tracing import current_statement

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

    from loaders.stores.postgres_pool import Proxy
    from loaders.tracing import Span

STORE = POSTGRES.store

# The server cancels a statement at its timeout; the driver gives up this much later, for the server that cannot answer.
_ANSWER_GRACE_S = 1.0


class Postgres:
    """A pool of connections. Safe to use from many tasks at once; `rows` is one statement and one round trip.

    Raises StoreUnavailable without a connection, StoreTimeout where none became free or the answer was late, and
    StatementFailed where the server refused the statement.
    """

    def __init__(
        self,
        url: StoreURL,
        pooler: Pooler,
        limits: Mapping[str, str],
        *,
        session_url: StoreURL,
        max_size: int,
        acquire_timeout_s: float,
        statement_timeout_s: float,
        variable: str,
        database: str,
        slow_statement_s: float = 0.0,
    ) -> None:
        self._session_url = session_url
        self._pooler = pooler
        self._limits = limits
        self._acquire_timeout_s = acquire_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self._answer_timeout_s = statement_timeout_s + _ANSWER_GRACE_S
        self.metrics = StoreMetrics(STORE, database or database_label(variable))
        self.max_connections = max_size
        self._pool = PostgresPool(
            url,
            pooler,
            limits,
            max_size=max_size,
            answer_timeout_s=statement_timeout_s + _ANSWER_GRACE_S,
            metrics=self.metrics,
        )
        self._guard = StoreGuard(
            self.metrics, f"PostgreSQL at {url.address}", probe=self._pool.probe, drop=self._pool.drop
        )
        self._slow = SlowStatements(STORE, url.database or "", slow_statement_s)
        self.variables = variable or "DATABASE_URL", _direct_variable(variable)
        """The settings that hold the URL, and the one past any pooler, for messages."""

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        min_size: int,
        max_size: int,
        acquire_timeout_s: float,
        statement_timeout_s: float,
        pooler: Pooler = NO_POOLER,
        direct_url: str = "",
        variable: str = "",
        session_settings: Mapping[str, str] = MappingProxyType({}),
        must_answer: bool = True,
        slow_statement_s: float = 0.0,
        database: str = "",
    ) -> Postgres:
        """Open `min_size` connections. A server that cannot be reached raises StoreUnavailable, with its address.

        `pooler` says what hands out the connections at `url`. Sessions go to `direct_url` where there is one.
        `variable` is the setting that holds the URL, for messages. `session_settings` hold for the pool's connections.
        Without `must_answer`, a server that is away is used as soon as it is back. Statements that take
        `slow_statement_s` are logged; 0 logs none. `database` is what metrics call it, where `variable` does not say
        it.
        """
        limits = {
            "statement_timeout": _milliseconds(statement_timeout_s),
            "jit": "off",  # it costs more to compile these statements than to run them
            **session_settings,
        }
        parts = parse_url(POSTGRES, url, variable)
        postgres = cls(
            parts,
            pooler,
            limits,
            session_url=parse_url(POSTGRES, direct_url, _direct_variable(variable)) if direct_url else parts,
            max_size=max_size,
            acquire_timeout_s=acquire_timeout_s,
            statement_timeout_s=statement_timeout_s,
            variable=variable,
            slow_statement_s=slow_statement_s,
            database=database,
        )
        try:
            await postgres._pool.open(min_size)
        except StoreUnavailable as error:
            if must_answer:
                raise
            await postgres._pool.open(0)
            postgres._guard.open(error)
        return postgres

    @property
    def outage(self) -> Outage | None:
        """Why the server is away; None while it is not."""
        return self._guard.outage

    @property
    def connections(self) -> tuple[int, int | None]:
        """How many connections execute a statement, and how many are open without one."""
        return self._pool.size

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement; its rows in the statement's order, `[]` where none. Times are aware, in UTC."""
        span = self._statement_span()
        with self._slow.watched(sql, arguments):
            async with self._connection() as connection:
                if span is None:
                    rows = await connection.fetch(sql, *arguments)
                else:
                    statement = await self._prepared(connection, sql, span)
                    rows = await statement.fetch(*arguments)
            self.metrics.rows.value += len(rows)
            await record_statement(STORE, len(rows), rows)
        return rows

    async def typed_columns(self, sql: str, *arguments: object) -> TypedColumns:
        """Run one statement; its columns and their types, which are known without a row too."""
        span = self._statement_span()
        with self._slow.watched(sql, arguments):
            async with self._connection() as connection:
                statement = await self._prepared(connection, sql, span)
                rows = await statement.fetch(*arguments)
                described = _described(statement)
            self.metrics.rows.value += len(rows)
            await record_statement(STORE, len(rows), rows)
        return replace(described, columns=list(zip(*rows, strict=True))) if rows else described

    async def describe(self, sql: str) -> TypedColumns:
        """Prepare one statement without running it; its columns and their types."""
        async with self._connection() as connection:
            described = _described(await connection.prepare(sql, name=""))
            await connection.execute(END_PREPARED)
        return described

    async def explain(self, sql: str, *arguments: object) -> Any:
        """Return the plan of one statement, which is not run, as JSON says it, with the names of all columns.

        The position of an error is that in the statement.
        """
        prefix = "explain (verbose, format json) "
        try:
            async with self._connection() as connection:
                statement = await connection.prepare(prefix + sql, name="")
                written = await statement.fetchval(*arguments)
        except StatementFailed as error:
            if error.position is not None:
                error.position -= len(prefix)
            raise
        return orjson.loads(written)[0]["Plan"]

    async def execute(self, sql: str, *arguments: object) -> str:
        """Run one statement for its effect. Returns the server's tag, such as `INSERT 0 1`."""
        async with self._connection() as connection:
            return await connection.execute(sql, *arguments)

    @asynccontextmanager
    async def session(self, *, lost_after_s: float | None = None) -> AsyncIterator[PostgresSession]:
        """A connection beside the pool, without a statement timeout; what it set or locked ends with it.

        With `lost_after_s`, opening or an answer that takes longer raises a StoreError. The connection may be a
        pooler's unless an Echo has shown otherwise: until then, only a transaction is safe, and no lock or setting that
        outlasts it.
        """
        arguments = driver_arguments(self._session_url)
        settings = {"application_name": APPLICATION_NAME} | arguments["server_settings"]
        settings["application_name"] += "-session"
        timeout_s = arguments["timeout"] if lost_after_s is None else min(arguments["timeout"], lost_after_s)
        with connecting(self._session_url, timeout_s):
            _, connection = await connect_to_first(
                self._session_url,
                timeout=timeout_s,
                command_timeout=lost_after_s,
                statement_cache_size=0,  # a name may be taken on a pooler's connection, and nothing here is repeated
                server_settings=settings,
            )
        try:
            yield PostgresSession(connection)
        except StoreTimeout:
            connection.terminate()  # closing would wait as long again
            raise
        finally:
            with suppress(TimeoutError):  # a server that does not answer: the driver has dropped the connection
                await connection.close(timeout=CANCEL_TIMEOUT_S)

    async def ping(self) -> None:
        """Return when the server answers a statement; raises like `rows`."""
        await self.rows("select 1")

    async def check(self) -> None:
        """Return if the server answers a statement on a new connection, or has answered one within the last second.

        Raises StoreUnavailable otherwise, after a second at most.
        """
        await self._guard.check()

    async def close(self) -> None:
        """Wait some seconds for the running statements, then close every connection."""
        await self._guard.close()
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Proxy]:
        async with self._guard.statement():
            with translated():
                async with (
                    self._pool.connection(self._acquire_timeout_s) as connection,
                    time_limit(self._answer_timeout_s),
                ):
                    with self.metrics.timed():
                        if begin := self._begin():
                            await connection.execute(begin)
                        yield connection
                        if begin:
                            await connection.execute("commit")

    def _statement_span(self) -> Span | None:
        """Return the span of the statement that is sent, which says where to; None where it is not traced."""
        span = current_statement()
        if span is not None:
            self._pool.describe(span)
        return span

    async def _prepared(self, connection: Proxy, sql: str, span: Span | None) -> PreparedStatement[Any]:
        """Prepare a statement without a name, so that a pooler has nothing to forget, with its trace in a comment.

        The driver keeps statements by their text, and would keep one for each trace.
        """
        if span is not None:
            sql = f"{sql}\n/*traceparent='{span.traceparent}'*/"
        return await connection.prepare(sql, name="")

    def _begin(self) -> str:
        """Return what a pooler needs before each statement, with the time that is left for it.

        Elsewhere nothing is sent before a statement: it would cost a round trip to tell the server of a deadline, at
        which the statement is cancelled anyway.
        """
        left_s = longest_left(self._statement_timeout_s)
        if left_s >= self._statement_timeout_s:
            return self._pooler.begin(self._limits)
        return self._pooler.begin({**self._limits, "statement_timeout": _milliseconds(left_s)})


def _described(statement: PreparedStatement[Any]) -> TypedColumns:
    attributes = statement.get_attributes()
    types = tuple(attribute.type.name for attribute in attributes)
    return TypedColumns(tuple(attribute.name for attribute in attributes), types, [()] * len(attributes))


def _direct_variable(variable: str) -> str:
    """Return the setting of the URL past any pooler, by the one that holds the URL."""
    return f"{(variable or 'DATABASE_URL').removesuffix('_URL')}_DIRECT_URL"


def _milliseconds(seconds: float) -> str:
    """Return the value of PostgreSQL's setting for that many seconds, which is never 0: this would be no limit."""
    return str(max(1, round(seconds * 1000)))
