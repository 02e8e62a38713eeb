"""Redis: the client of the shared cache."""

from __future__ import annotations

import functools
import hashlib
import itertools
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from redis import exceptions

from loaders.concurrency import close_with_timeout
from loaders.stores.circuit_breaker import CircuitBreaker
from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.redis_clients import Cluster, client_of
from loaders.stores.urls.redis import ADVICE, REDIS
from loaders.stores.urls.store_url import parse_url
from loaders.stores.urls.tls import refused_certificate

STORE = REDIS.store
_TAGS = ("10", "3", "61", "43", "11", "2", "60", "42", "12", "1", "63", "41", "13", "0", "62", "40")
"""Parts of keys that a cluster takes the slot from, one for each sixteenth of the slots: so nodes get equal shares."""


class Redis:
    """A bounded pool of connections that speak RESP3. Safe to use from many tasks at once.

    Raises StoreUnavailable without a connection, StoreTimeout where none became free or the answer was late, and
    StatementFailed where the server refused the command.
    """

    def __init__(self, client: Any, command_timeout_s: float) -> None:
        self._client = client
        self.command_timeout_s = command_timeout_s
        self._tags: Sequence[str] = _TAGS if isinstance(client, Cluster) else ()
        self.breakers: WeakSet[CircuitBreaker] = WeakSet()
        """The breakers around this server, which open together."""

    @classmethod
    def opened(cls, url: str, *, max_connections: int, acquire_timeout_s: float, command_timeout_s: float) -> Redis:
        """Return a client that connects on first use. Raises StoreUnavailable for an invalid URL."""
        parts = parse_url(REDIS, url)
        command_timeout_s = parts.options.get("socket_timeout", command_timeout_s)
        client = client_of(
            parts,
            max_connections=max_connections,
            acquire_timeout_s=acquire_timeout_s,
            command_timeout_s=command_timeout_s,
        )
        return cls(client, command_timeout_s)

    @classmethod
    async def connect(
        cls, url: str, *, max_connections: int, acquire_timeout_s: float, command_timeout_s: float
    ) -> Redis:
        """Open a connection. A server that cannot be reached raises StoreUnavailable, with its address."""
        client = cls.opened(
            url,
            max_connections=max_connections,
            acquire_timeout_s=acquire_timeout_s,
            command_timeout_s=command_timeout_s,
        )
        try:
            await client.ping()
        except (StoreUnavailable, StoreTimeout, StatementFailed) as error:
            await client.close()
            where = parse_url(REDIS, url).address
            raise StoreUnavailable(STORE, f"Redis at {where} cannot be reached: {error}") from error
        return client

    @property
    def shards(self) -> int:
        """Number of shards that keys are divided into. A script only touches keys of one shard, held by one server."""
        return len(self._tags) or 1

    def prefix(self, shard: int) -> str:
        """Return the prefix of every key of a shard."""
        return f"gateway:{{{self._tags[shard]}}}:" if self._tags else "gateway:"

    async def ping(self) -> None:
        """Return when the server that holds the first shard answers a command."""
        with _translated():
            await self._client.execute_command("EXISTS", self.prefix(0))

    async def find_servers(self) -> None:
        """Ask anew which server holds what. Only a cluster must be asked: else connecting does it."""
        if isinstance(self._client, Cluster):
            with _translated():
                await self._client.nodes_manager.initialize()

    async def kept(self, key: str) -> bytes | None:
        """Return the bytes that are kept under a key, None where nothing is."""
        with _translated():
            result = await self._client.get(key)
            return result if isinstance(result, bytes) else None

    async def keep(self, key: str, value: bytes, *, keep_s: int) -> bool:
        """Keep a value by a key, in place of what was, for that long; whether it was taken."""
        with _translated():
            return bool(await self._client.set(key, value, ex=keep_s))

    async def close(self) -> None:
        """Close every connection."""
        await close_with_timeout(self._client.aclose())


class Scripts:
    """Scripts over the keys of one shard."""

    def __init__(self, redis: Redis, shard: int = 0) -> None:
        self._client = redis._client
        self._timeout_s = redis.command_timeout_s
        self._prefix = redis.prefix(shard)

    async def run(self, script: str, names: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script over the keys of these names, and return its answer: never that of another call.

        A connection may be out of step with the server, and then has an answer that looks right and is another's. So
        each call has a name, which comes back with the answer. Raises StoreUnavailable where it does not.
        """
        call = f"{_PROCESS}{next(_calls)}"
        source, digest = _named(script)
        tail = (len(names), *(self._prefix + name for name in names), *arguments, call)
        with _translated():
            try:
                reply = await self._client.execute_command("EVALSHA", digest, *tail)
            except exceptions.NoScriptError:
                reply = await self._client.execute_command("EVAL", source, *tail)
        if type(reply) is not list or len(reply) != 2 or reply[0] != call.encode():
            raise StoreUnavailable(STORE, "Redis answered another command: the connection is out of step.")
        return reply[1]

    async def read_stream(self, name: str, after: bytes, wait_s: float) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Return the entries of a stream after a place, `[]` where none came in time: less than a command may take."""
        block_ms, key = int(min(wait_s, self._timeout_s / 2) * 1000), self._prefix + name
        with _translated():
            # A cluster's client would ask a node which of these words is the key.
            where = {"target_nodes": self._client.get_node_from_key(key)} if isinstance(self._client, Cluster) else {}
            command = ("XREAD", "COUNT", 1_000, "BLOCK", block_ms, "STREAMS", key, after)
            reply = await self._client.execute_command(*command, **where)
            return [entry for pages in (reply or {}).values() for page in pages for entry in page]


_PROCESS = secrets.token_hex(4)
_calls = itertools.count()


@functools.cache
def _named(script: str) -> tuple[str, str]:
    """Return a script that answers the name of the call, its last argument, beside its own answer; and its digest."""
    source = f"local call = table.remove(ARGV)\nlocal function run()\n{script}\nend\nreturn {{call, run() or false}}"
    return source, hashlib.sha1(source.encode()).hexdigest()  # noqa: S324 (Redis' name of the script)


_AWAY = (
    exceptions.ReadOnlyError,  # of a server that was the master
    exceptions.ClusterError,
    exceptions.AskError,
    exceptions.TryAgainError,
)
"""Error replies that do not refuse the command, but say that it has to be sent elsewhere or later."""


@contextmanager
def _translated() -> Iterator[None]:
    """Translate whatever the driver, asyncio or uvloop raise: nothing of it may end a request, which goes on without
    Redis. uvloop has a RuntimeError for a transport that was closed, and broken replies surface as any error."""
    try:
        yield
    except (exceptions.TimeoutError, TimeoutError) as error:
        raise StoreTimeout(STORE, f"Redis did not answer in time: {error}") from error
    except _AWAY as error:
        raise StoreUnavailable(STORE, f"The connection to Redis failed: {error}") from error
    except (exceptions.ResponseError, exceptions.DataError) as error:
        raise StatementFailed(STORE, f"Redis refused the command: {error}") from error
    except Exception as error:
        kind = StoreTimeout if isinstance(error.__cause__, TimeoutError) else StoreUnavailable  # none became free
        reason = refused_certificate(error, ADVICE) or str(error) or type(error).__name__
        raise kind(STORE, f"The connection to Redis failed: {reason}") from error
