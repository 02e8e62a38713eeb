"""PostgreSQL: a bounded pool of connections for loaders."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any

import asyncpg

from loaders.concurrency import close_with_timeout
from loaders.request_tracker import record_statement
from loaders.stores.calendar_codecs import set_calendar_codecs
from loaders.stores.errors import StoreTimeout
from loaders.stores.poolers import NO_POOLER, Pooler
from loaders.stores.postgres_errors import connecting, translated
from loaders.stores.postgres_session import PostgresSession
from loaders.stores.protocols import TypedColumns
from loaders.stores.urls.postgres import POSTGRES, driver_arguments
from loaders.stores.urls.store_url import StoreURL, parse_url

STORE = POSTGRES.store
_APPLICATION_NAME = "fuseway"

# The server cancels a statement at its timeout; the driver gives up this much later, for the server that cannot answer.
_ANSWER_GRACE_S = 1.0

# How long the server may take to confirm that a statement was cancelled, before its connection is dropped instead.
_CANCEL_TIMEOUT_S = 1.0


class Postgres:
    """A pool of connections. Safe to use from many tasks at once; `rows` is one statement and one round trip.

    Raises StoreUnavailable without a connection, StoreTimeout where none became free or the answer was late, and
    StatementFailed where the server refused the statement.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        *,
        session_url: StoreURL,
        acquire_timeout_s: float,
        answer_timeout_s: float,
        begin: str = "",
        variable: str = "",
    ) -> None:
        self._pool = pool
        self._session_url = session_url
        self._acquire_timeout_s = acquire_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._begin = begin
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
    ) -> Postgres:
        """Open `min_size` connections. A server that cannot be reached raises StoreUnavailable, with its address.

        `pooler` says what hands out the connections at `url`. Sessions go to `direct_url` where there is one.
        `variable` is the setting that holds the URL, for messages. `session_settings` hold for the pool's connections.
        """
        limits = {
            "statement_timeout": str(round(statement_timeout_s * 1000)),
            "jit": "off",  # it costs more to compile these statements than to run them
            **session_settings,
        }
        parts = parse_url(POSTGRES, url, variable)
        session_parts = parse_url(POSTGRES, direct_url, _direct_variable(variable)) if direct_url else parts
        answer_timeout_s = statement_timeout_s + _ANSWER_GRACE_S
        pool = await _open_pool(parts, pooler, limits, min_size, max_size, answer_timeout_s)
        return cls(
            pool,
            session_url=session_parts,
            acquire_timeout_s=acquire_timeout_s,
            answer_timeout_s=answer_timeout_s,
            begin=pooler.begin(limits),
            variable=variable,
        )

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement; its rows in the statement's order, `[]` where none. Times are aware, in UTC."""
        async with self._connection() as connection:
            rows = await connection.fetch(sql, *arguments)
        await record_statement(STORE, len(rows), rows)
        return rows

    async def typed_columns(self, sql: str, *arguments: object) -> TypedColumns:
        """Run one statement; its columns and their types, which are known without a row too."""
        async with self._connection() as connection:
            statement = await connection.prepare(sql, name="")  # without a name, a pooler has nothing to forget
            rows = await statement.fetch(*arguments)
            attributes = statement.get_attributes()
        await record_statement(STORE, len(rows), rows)
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(attributes)
        types = tuple(attribute.type.name for attribute in attributes)
        return TypedColumns(tuple(attribute.name for attribute in attributes), types, columns)

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
        settings = {"application_name": _APPLICATION_NAME} | arguments.pop("server_settings")
        settings["application_name"] += "-session"
        if lost_after_s is not None:
            arguments["timeout"] = min(arguments["timeout"], lost_after_s)
        with connecting(self._session_url, arguments["timeout"]):
            connection = await asyncpg.connect(
                **arguments,
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
                await connection.close(timeout=_CANCEL_TIMEOUT_S)

    async def ping(self) -> None:
        """Return when the server answers a statement; raises like `rows`."""
        await self.rows("select 1")

    async def close(self) -> None:
        """Wait some seconds for the running statements, then close every connection."""
        await close_with_timeout(self._pool.close())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]:
        with translated():
            try:
                connection = await self._pool.acquire(timeout=self._acquire_timeout_s)
            except TimeoutError as error:
                message = f"No connection to {STORE} became free within {self._acquire_timeout_s:g} s."
                raise StoreTimeout(STORE, message) from error
            try:
                async with asyncio.timeout(self._answer_timeout_s):
                    if self._begin:
                        await connection.execute(self._begin)
                    yield connection
                    if self._begin:
                        await connection.execute("commit")
            except TimeoutError:
                connection.terminate()  # the server is silent: to cancel the statement would be to wait for it again
                raise
            finally:
                await self._release(connection)

    async def _release(self, connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record]) -> None:
        """Give a connection back, without a transaction, within seconds: one that does not answer is dropped."""
        try:
            with suppress(Exception):  # where the connection was dropped, there is nothing to roll back
                if connection.is_in_transaction():
                    await connection.execute("rollback", timeout=_CANCEL_TIMEOUT_S)
        finally:
            release = asyncio.ensure_future(self._pool.release(connection, timeout=_CANCEL_TIMEOUT_S))
            # It fails where the connection was dropped, and the pool opens another one. Whoever waits may be cancelled
            # meanwhile, and the failure would be reported as one that nobody has seen.
            release.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait([release])


class _Connection(asyncpg.Connection):
    """A connection whose statements have names of their own.

    The driver counts them from 1 in each process. On a connection that a pooler hands to another process in between,
    that process's statement of the same name would run in place of this one's, with an answer that nobody notices.
    """

    _names = secrets.token_hex(4)

    def _get_unique_id(self, prefix: str) -> str:
        name: str = super()._get_unique_id(prefix)  # type: ignore[misc]
        return f"{name}{self._names}"


async def _open_pool(
    url: StoreURL,
    pooler: Pooler,
    limits: Mapping[str, str],
    min_size: int,
    max_size: int,
    answer_timeout_s: float,
) -> asyncpg.Pool[asyncpg.Record]:
    """Open the connections of a pool. `limits` are settings that hold for each of them, whatever hands it out."""
    arguments = driver_arguments(url)
    settings = {"application_name": _APPLICATION_NAME} | arguments.pop("server_settings")

    async def prepare(connection: Any) -> None:
        await set_calendar_codecs(connection)
        await pooler.prepare(connection, limits)

    with connecting(url, arguments["timeout"]):
        return await asyncpg.create_pool(
            **arguments,
            min_size=min_size,
            max_size=max_size,
            command_timeout=answer_timeout_s,
            server_settings=settings | pooler.startup(limits),
            statement_cache_size=pooler.statement_cache,
            init=prepare,
            reset=_keep_state,
            connection_class=_Connection,
        )


def _direct_variable(variable: str) -> str:
    """Return the setting of the URL past any pooler, by the one that holds the URL."""
    return f"{(variable or 'DATABASE_URL').removesuffix('_URL')}_DIRECT_URL"


async def _keep_state(_connection: object) -> None:
    """Instead of the driver's reset, which would send a second statement after each one.

    Safe, because nothing is left to reset: loaders set no session state, take no locks, open no cursors and listen to
    nothing. What does is a PostgresSession, whose connection is never shared.
    """
