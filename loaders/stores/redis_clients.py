"""Redis' clients by URL: one server, the master that sentinels name, or a cluster. Each has bounded connections."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from loaders.stores.urls.redis import driver_options, topology
from loaders.stores.urls.store_url import StoreURL

_CLIENT_NAME = "fuseway"
_RETRIES = 2
"""Retries after a server failed, each with a refreshed slot map. The driver's default of ten takes seconds."""


class _Pool(BlockingConnectionPool):
    """Connections; who finds none free waits. The driver's own opens some again after it was closed, and keeps them."""

    _is_closed = False

    def can_get_connection(self) -> bool:
        """Return whether one is free. Raises ConnectionError where they are closed."""
        if self._is_closed:
            raise exceptions.ConnectionError("The client is closed.")
        return bool(super().can_get_connection())

    def release(self, connection: AbstractConnection) -> Coroutine[Any, Any, None]:
        """Take one back. What was opening while all others were closed is closed now."""
        if self._is_closed:
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call]  # which is to close it
        return super().release(connection)

    async def aclose(self) -> None:
        """Close all connections permanently."""
        self._is_closed = True
        await super().aclose()


class _MasterPool(SentinelConnectionPool, _Pool):
    """Connections to the master that the sentinels name; who finds none free waits."""

    async def get_master_address(self) -> Any:
        """Its host and port. The driver's error is a page of objects, and this one a sentence."""
        try:
            return await super().get_master_address()  # type: ignore[no-untyped-call]
        except MasterNotFoundError as error:
            most = len(self.sentinel_manager.sentinels)
            named = f"None of {most} sentinels answers with a master of {self.service_name!r}."
            raise MasterNotFoundError(named) from error

    async def aclose(self) -> None:
        """Close the connections to the master, and to the sentinels."""
        await super().aclose()
        await self.sentinel_manager.aclose()


class Cluster(RedisCluster):
    """A cluster client with a limit on concurrent commands; further commands wait."""

    def __init__(self, *, max_connections: int, timeout: float, **options: Any) -> None:
        # A connection that is being closed still counts as one of its node's, which raises where it has too many.
        super().__init__(max_connections=2 * max_connections, **options)
        self._timeout_s = timeout
        self._free = asyncio.Semaphore(max_connections)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command on the node of its key. Raises TimeoutError where too much is being done."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise exceptions.TimeoutError("No connection available.") from error
        try:
            return await super().execute_command(*args, **options)
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """Close every connection. The driver leaves those open that it opened after a node failed."""
        await super().aclose()
        await self.nodes_manager.aclose()


def client_of(
    url: StoreURL, *, max_connections: int, acquire_timeout_s: float, command_timeout_s: float
) -> Redis | Cluster:
    """Return a client that connects when it is first used."""
    options = driver_options(url, command_timeout_s=command_timeout_s) | {
        "max_connections": max_connections,
        "timeout": acquire_timeout_s,
        "client_name": _CLIENT_NAME,
        # With notifications, the driver no longer looks whether a connection has an answer that nobody has read.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    kind = topology(url)
    if kind == "cluster":
        return _cluster(url, options)
    options["db"] = int(url.database or 0)
    if kind == "sentinel":
        return _master(url, options)
    return Redis.from_pool(_Pool(connection_class=_connection_class(url), **_place(url), **options))


def _connection_class(url: StoreURL) -> type[AbstractConnection]:
    if topology(url) == "unix":
        return UnixDomainSocketConnection
    return SSLConnection if url.scheme.startswith("rediss") else Connection


def _place(url: StoreURL) -> dict[str, Any]:
    if topology(url) == "unix":
        return {"path": f"/{url.path}"}
    ((host, port),) = url.hosts
    return {"host": host, "port": port}


def _cluster(url: StoreURL, options: dict[str, Any]) -> Cluster:
    startup = [ClusterNode(host, port) for host, port in url.hosts]
    is_encrypted = url.scheme.startswith("rediss")
    return Cluster(startup_nodes=startup, retry=Retry(NoBackoff(), _RETRIES), ssl=is_encrypted, **options)


def _master(url: StoreURL, options: dict[str, Any]) -> Redis:
    if url.scheme.startswith("rediss"):
        options["ssl"] = True
    options["retry"] = Retry(NoBackoff(), _RETRIES)
    of_sentinels = {
        name: value
        for name, value in options.items()
        if name in ("protocol", "client_name") or name.startswith(("socket", "ssl"))
    }
    for name in ("username", "password"):
        if (value := url.options.get(f"sentinel_{name}")) is not None:
            of_sentinels[name] = value
    of_sentinels["retry"] = Retry(NoBackoff(), 0)  # there are others
    sentinel = Sentinel(list(url.hosts), sentinel_kwargs=of_sentinels)  # type: ignore[no-untyped-call]
    return Redis.from_pool(_MasterPool(url.path, sentinel, **options))  # type: ignore[no-untyped-call]
