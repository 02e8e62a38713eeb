"""The pool of connections to PostgreSQL, which is replaced as a whole after the server was away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from loaders.concurrency import close_with_timeout
from loaders.stores.acquiring import acquired
from loaders.stores.calendar_codecs import set_calendar_codecs
from loaders.stores.poolers import TIME_ZONE, Mode, Pooler
from loaders.stores.postgres_errors import STORE, connecting
from loaders.stores.postgres_frames import counting_bytes, use_checked_protocol
from loaders.stores.postgres_hosts import at_host, connect_to_first
from loaders.stores.urls.postgres import driver_arguments
from loaders.stores.urls.store_url import StoreURL
from loaders.tracing import describe_database

if TYPE_CHECKING:
    from loaders.instruments import Counter
    from loaders.metrics import StoreMetrics
    from loaders.tracing import Span

    Proxy = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

APPLICATION_NAME = "fuseway"
CANCEL_TIMEOUT_S = 1.0
"""How long the server may take to confirm that a statement was cancelled, before its connection is dropped instead."""
END_PREPARED = "select"
"""Ends a statement that was prepared and not run: a client's value did not fit, for one. The driver leaves this to the
next message. Until then the server holds the statement's locks and counts its time, and when that is over its error is
the answer to the next statement."""
_END_WITH_CLIENT = (
    "select set_config('client_connection_check_interval', '1s', false)"
    " from pg_settings where name = 'client_connection_check_interval'"
)
"""Has the server look each second whether the client of a statement is still there, and end the statement otherwise:
the gateway may have been killed. Servers before PostgreSQL 14 cannot, and those on Windows refuse."""


class PostgresPool:
    """Connections that statements take turns on, all to one host.

    `limits` are settings that hold for each of them, whatever hands it out.
    """

    def __init__(
        self,
        url: StoreURL,
        pooler: Pooler,
        limits: Mapping[str, str],
        *,
        max_size: int,
        answer_timeout_s: float,
        metrics: StoreMetrics,
    ) -> None:
        use_checked_protocol()
        self._url = url
        self._pooler = pooler
        self._limits = limits
        self._max_size = max_size
        self._metrics = metrics
        self._answer_timeout_s = answer_timeout_s
        self._place = 0
        self._releasing: set[asyncio.Task[None]] = set()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self, size: int) -> None:
        """Open as many connections, at the first host that fits. Raises StoreUnavailable, with the address.

        With 0, nothing is connected to before it is needed.
        """
        if size and len(self._url.hosts) > 1:
            self._place = await self._answering_place()
        self._pool = await self._new_pool(size)

    @asynccontextmanager
    async def connection(self, acquire_timeout_s: float) -> AsyncIterator[Proxy]:
        """A connection to run one statement on. Raises StoreTimeout where none becomes free in time.

        Where the block raises, the statement is cancelled in the server, and its connection is given back or dropped
        within seconds, which nobody waits for.
        """
        pool = self._pool
        assert pool is not None  # noqa: S101  # it was opened
        connection = await acquired(pool.acquire, self._metrics, acquire_timeout_s)
        try:
            yield connection
        except BaseException:
            task = asyncio.create_task(_give_back(pool, connection))
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)
            raise
        await pool.release(connection, timeout=CANCEL_TIMEOUT_S)

    def describe(self, span: Span) -> None:
        """Set the attributes of a statement's span that say where it is sent."""
        describe_database(span, STORE, self._url.database or "", self._url.hosts[self._place])

    async def probe(self, was_away: bool) -> None:
        """Ask on a new connection, and use new ones from then on if the server was away. Raises a StoreError.

        Only then may it be another host: one that is busy must not lose its statements to one that is quicker.
        """
        place = await self._answering_place(is_alone=not was_away)
        if was_away:
            self.drop()
            self._place = place
            self._pool = await self._new_pool(0)

    @property
    def size(self) -> tuple[int, int]:
        """How many connections execute a statement, and how many are open without one."""
        if self._pool is None:
            return 0, 0
        idle = self._pool.get_idle_size()
        return self._pool.get_size() - idle, idle

    def drop(self) -> None:
        """Close all connections without waiting; statements that run on them fail."""
        if self._pool is not None:
            self._pool.terminate()

    async def close(self) -> None:
        """Wait some seconds for the running statements, then close every connection."""
        if self._pool is not None:
            await close_with_timeout(self._pool.close())

    async def _answering_place(self, *, is_alone: bool = False) -> int:
        """Return the place of the first host that answers a statement; the present one is asked first, or alone."""
        arguments = driver_arguments(self._url)
        settings = {"application_name": APPLICATION_NAME} | arguments["server_settings"]
        with connecting(self._url, arguments["timeout"]):
            place, connection = await connect_to_first(
                self._url, self._place, is_alone=is_alone, server_settings=settings
            )
            try:
                await connection.execute("select")
            except BaseException:
                connection.terminate()  # closing would wait for the answer again
                raise
            with suppress(Exception):
                await connection.close(timeout=CANCEL_TIMEOUT_S)
        return place

    async def _new_pool(self, size: int) -> asyncpg.Pool[asyncpg.Record]:
        arguments = driver_arguments(self._url)
        settings = {"application_name": APPLICATION_NAME} | arguments.pop("server_settings")
        with connecting(self._url, arguments["timeout"]):
            return await asyncpg.create_pool(
                **(arguments | at_host(self._url, self._place)),
                init_size=size,
                min_size=0,  # the driver would try to connect on its own, and log each failure with a traceback
                max_size=self._max_size,
                command_timeout=self._answer_timeout_s,
                server_settings=settings | self._pooler.startup(self._limits),
                statement_cache_size=self._pooler.statement_cache,
                connect=partial(_connect, self._url, self._metrics.bytes),
                init=self._prepare,
                reset=_keep_state,
                connection_class=_Connection,
            )

    async def _prepare(self, connection: Any) -> None:
        try:
            await set_calendar_codecs(connection, self._limits.get(TIME_ZONE, ""))
            await self._pooler.prepare(connection, self._limits)
            if self._pooler.mode is not Mode.TRANSACTION:
                with suppress(asyncpg.InvalidParameterValueError):
                    await connection.execute(_END_WITH_CLIENT)
        except BaseException:
            connection.terminate()  # the pool would close it, and wait for the answer without a limit
            raise


class _Connection(asyncpg.Connection):
    """A connection whose statements have names of their own.

    The driver counts them from 1 in each process. On a connection that a pooler hands to another process in between,
    that process's statement of the same name would run in place of this one's, with an answer that nobody notices.
    """

    _names = secrets.token_hex(4)

    def _get_unique_id(self, prefix: str) -> str:
        name: str = super()._get_unique_id(prefix)  # type: ignore[misc]
        return f"{name}{self._names}"


async def _connect(url: StoreURL, received: Counter, *_: object, **options: Any) -> Any:
    """Open a connection of the pool, which counts what it receives.

    Raises StoreUnavailable: the driver's time-out is like that of a full pool.
    """
    with connecting(url, options["timeout"]), counting_bytes(received):
        return await asyncpg.connect(**options)


async def _give_back(pool: asyncpg.Pool[asyncpg.Record], connection: Proxy) -> None:
    """Give a connection back, without a transaction, within seconds: one that does not answer is dropped."""
    with suppress(Exception):  # where the connection was dropped, there is nothing to end
        end = "rollback" if connection.is_in_transaction() else END_PREPARED
        await connection.execute(end, timeout=CANCEL_TIMEOUT_S)
    with suppress(Exception):  # where the connection was dropped, the pool opens another one
        await pool.release(connection, timeout=CANCEL_TIMEOUT_S)


async def _keep_state(_connection: object) -> None:
    """Instead of the driver's reset, which would send a second statement after each one.

    Safe, because nothing is left to reset: loaders set no session state, take no locks, open no cursors and listen to
    nothing. What does is a PostgresSession, whose connection is never shared.
    """
