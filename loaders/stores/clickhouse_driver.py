"""The driver's client of ClickHouse, which is replaced after the server was away."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import clickhouse_connect

from loaders.concurrency import close_with_timeout
from loaders.stores.clickhouse_errors import connecting, decoding, require_query_id, unproven
from loaders.stores.clickhouse_text import use_utf8_strings
from loaders.stores.errors import StoreUnavailable
from loaders.stores.hosts import first_to_answer
from loaders.stores.urls.clickhouse import STORE, driver_arguments
from loaders.stores.urls.store_url import StoreURL

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient

# The driver logs, with tracebacks, what it raises too.
logging.getLogger("clickhouse_connect.driver").setLevel(logging.CRITICAL)

DEFAULT_DATABASE = "default"
_WITHOUT_TABLES = "INFORMATION_SCHEMA"
"""A database that every server has, and that holds views of the server's own alone."""
_READ_ONLY = {"readonly": 2, "cancel_http_readonly_queries_on_client_close": 1}
"""Refuses to write and to leave this mode, and ends a statement when its connection is closed. 1 would refuse each
statement's own settings too."""
_CLIENT_NAME = "fuseway"

# Joined blocks stay as small as statements make them, and are not put together again: see statements/clickhouse.py.
_SMALL_BLOCKS = {"min_joined_block_size_rows", "min_joined_block_size_bytes"}


@dataclass(frozen=True, slots=True)
class DriverOptions:
    """Options of the driver's client, beside the URL."""

    max_connections: int
    statement_timeout_s: float
    compress: bool = False
    only_reads: bool = False


class ClickHouseDriver:
    """The driver's client, of one of the URL's hosts. Statements share its connections."""

    def __init__(self, url: StoreURL, options: DriverOptions) -> None:
        self._url = url
        self._options = options
        self._arguments = driver_arguments(url, compress=options.compress)
        self.database: str = self._arguments["database"] or DEFAULT_DATABASE
        if options.only_reads:
            self._arguments |= {"database": _WITHOUT_TABLES}
        self._place = 0
        self._client: AsyncClient | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> tuple[str, int]:
        """The name and port of the host that statements are sent to."""
        return self._url.hosts[self._place]

    @property
    def client(self) -> AsyncClient:
        """The client. Raises StoreUnavailable where no server has answered since the start."""
        if self._client is None:
            raise StoreUnavailable(STORE, f"ClickHouse at {self._url.address} has not answered yet.")
        return self._client

    async def open(self) -> None:
        """Learn the settings of the first host that answers. StoreUnavailable, with the address, where none does."""
        self._place, self._client = await self._first_client()

    async def probe(self, was_away: bool) -> None:
        """Ask on a new connection, and use new ones from then on if the server was away. Raises a StoreError.

        Only then may it be another host: one that is busy must not lose its statements to one that is quicker.
        """
        place, client = await self._first_client(is_alone=not was_away)
        if was_away:
            self.drop()
            self._place, self._client = place, client
        else:
            self._close(client)

    def drop(self) -> None:
        """Close all connections as soon as the statements on them have ended."""
        if self._client is not None:
            self._close(self._client)

    async def close(self) -> None:
        """Close every connection."""
        self.drop()
        await asyncio.gather(*self._closing)

    def _close(self, client: AsyncClient) -> None:
        task = asyncio.create_task(close_with_timeout(client.close()))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _first_client(self, *, is_alone: bool = False) -> tuple[int, AsyncClient]:
        """Return the first host that answers, and its client; the present one is asked first, or alone."""
        hosts = len(self._url.hosts)
        places = [(self._place + step) % hosts for step in range(1 if is_alone else hosts)]
        timeout_s = self._arguments["connect_timeout"]
        with connecting(self._url.address, timeout_s):
            async with asyncio.timeout(timeout_s):
                step, client = await first_to_answer([partial(self._new_client, each) for each in places], self._close)
        return places[step], client

    async def _new_client(self, place: int) -> AsyncClient:
        host, port = self._url.hosts[place]
        with decoding():
            client = await _new_client(self._arguments | {"host": host, "port": port}, self._options)
        try:
            await _require_answer(client)
        except BaseException:
            self._close(client)
            raise
        for name in _SMALL_BLOCKS & client.server_settings.keys():  # an older server has larger blocks
            client.set_client_setting(name, 0)
        return client


def received_bytes(result: Any) -> int:
    """Return how many bytes of an answer came over its connection; 0 for an answer without a body."""
    content = getattr(getattr(result.source, "response", None), "content", None)
    return int(getattr(content, "total_bytes", 0))


async def _new_client(arguments: Mapping[str, Any], options: DriverOptions) -> AsyncClient:
    use_utf8_strings()
    return await clickhouse_connect.get_async_client(
        **arguments,
        client_name=_CLIENT_NAME,
        connector_limit=options.max_connections,
        connector_limit_per_host=options.max_connections,
        autogenerate_session_id=False,  # a session takes one statement at a time
        autogenerate_query_id=False,
        query_retries=0,  # of a busy server's refusals; an idle connection that broke is replaced all the same
        settings={"max_execution_time": options.statement_timeout_s} | (_READ_ONLY if options.only_reads else {}),
    )


async def _require_answer(client: AsyncClient) -> None:
    """Raise StoreUnavailable unless a statement is answered, and with its own answer."""
    number = secrets.randbelow(1 << 31)
    with decoding():
        result = await client.query(f"select {number} as number", column_oriented=True)
        require_query_id(result.summary)
        columns = [list(column) for column in result.result_columns]
    if columns != [[number]]:
        raise unproven("it is the answer to another statement")
