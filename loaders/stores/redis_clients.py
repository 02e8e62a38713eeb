"""Redis' clients by URL: one server, the master that sentinels name, or a cluster. Each has bounded connections."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlunsplit

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from loaders.stores.address import hosts, parsed_url
from loaders.stores.errors import StoreUnavailable

_STORE = "redis"
SCHEMES = {
    "redis": 6379,
    "rediss": 6379,
    "unix": 0,
    "redis+sentinel": 26379,
    "rediss+sentinel": 26379,
    "redis+cluster": 6379,
    "rediss+cluster": 6379,
}

_CLIENT_NAME = "fleet-gateway"
_CONNECT_TIMEOUT_S = 2.0
"""How long a connection may take to open. Without it, a server that is gone silently holds a request for minutes."""
_RETRIES = 2
"""After a server failed, with the others asked anew who holds what. The driver's ten hold a request for seconds."""


class _Pool(BlockingConnectionPool):
    """Connections; who finds none free waits. The driver's own opens some again after it was closed, and keeps them."""

    _is_closed = False

    def can_get_connection(self) -> bool:
        """Whether one is free. Raises ConnectionError where they are closed."""
        if self._is_closed:
            raise exceptions.ConnectionError("The client is closed.")
        return bool(super().can_get_connection())

    def release(self, connection: AbstractConnection) -> Coroutine[Any, Any, None]:
        """Take one back. What was opening while all others were closed is closed now."""
        if self._is_closed:
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call]  # which is to close it
        return super().release(connection)

    async def aclose(self) -> None:
        """Close all of them, for good."""
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
    """A cluster's client that does so much at once and no more; who comes later waits."""

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


def client_of(url: str, *, max_connections: int, acquire_timeout_s: float, command_timeout_s: float) -> Redis | Cluster:
    """A client that connects when it is first used. Raises StoreUnavailable for a URL that cannot be read."""
    topology = parsed_url(_STORE, url, SCHEMES).scheme.partition("+")[2]
    options: dict[str, Any] = {
        "protocol": 3,
        "max_connections": max_connections,
        "timeout": acquire_timeout_s,
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "socket_timeout": command_timeout_s,
        "client_name": _CLIENT_NAME,
    }
    try:
        if topology == "cluster":
            return _cluster(url, options)
        if topology == "sentinel":
            return _master(url, options)
        return Redis.from_pool(_Pool.from_url(url, **options))
    except (ValueError, TypeError, exceptions.RedisClusterException) as error:
        raise StoreUnavailable(_STORE, f"The URL of Redis cannot be read: {error}") from error


def _cluster(url: str, options: dict[str, Any]) -> Cluster:
    nodes, path, of_url = _deployment(url)
    if path.strip("/0"):
        raise ValueError("A cluster has no databases, and the URL ends after the hosts.")
    options |= of_url
    startup = [ClusterNode(host, port) for host, port in nodes]
    return Cluster(startup_nodes=startup, retry=Retry(NoBackoff(), _RETRIES), **options)


def _master(url: str, options: dict[str, Any]) -> Redis:
    nodes, path, of_url = _deployment(url)
    service, _, database = path.strip("/").partition("/")
    if not service or not (database or "0").isdecimal():
        raise ValueError("After the sentinels comes the service, and then perhaps the number of a database.")
    of_sentinels = {
        name.removeprefix("sentinel_"): of_url.pop(name)
        for name in ("sentinel_username", "sentinel_password")
        if name in of_url
    }
    options |= {"db": int(database or 0), "retry": Retry(NoBackoff(), _RETRIES)} | of_url
    shared = ("protocol", "socket_connect_timeout", "socket_timeout", "client_name")
    of_sentinels |= {name: value for name, value in options.items() if name in shared or name.startswith("ssl")}
    of_sentinels["retry"] = Retry(NoBackoff(), 0)  # there are others
    sentinel = Sentinel(nodes, sentinel_kwargs=of_sentinels)  # type: ignore[no-untyped-call]
    return Redis.from_pool(_MasterPool(service, sentinel, **options))  # type: ignore[no-untyped-call]


def _deployment(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any]]:
    """The hosts that a URL names, its path, and the options of its user and query."""
    parts = parsed_url(_STORE, url, SCHEMES)
    named = hosts(parts)
    nodes = [(one.hostname or "", one.port or SCHEMES[parts.scheme]) for one in named]
    scheme = parts.scheme.partition("+")[0]
    options: dict[str, Any] = dict(parse_url(urlunsplit(named[0]._replace(scheme=scheme, path=""))))
    for name in ("host", "port"):
        options.pop(name, None)
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
    return nodes, parts.path, options
