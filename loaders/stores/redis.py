"""Redis: the client of the shared cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis.asyncio
from redis import exceptions

from loaders.stores.address import address, parsed_url
from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable

STORE = "redis"
_SCHEMES = {"redis": 6379, "rediss": 6379, "unix": 0}
_CLIENT_NAME = "fleet-gateway"

# How long a connection may take to open. Without it, a server that is gone without a word holds a request for minutes.
_CONNECT_TIMEOUT_S = 2.0


class Redis:
    """A bounded pool of connections that speak RESP3. Safe to use from many tasks at once.

    Raises StoreUnavailable without a connection, StoreTimeout where the answer was late, and StatementFailed where
    the server refused the command.
    """

    def __init__(self, client: redis.asyncio.Redis, command_timeout_s: float) -> None:
        self._client = client
        self.command_timeout_s = command_timeout_s

    @classmethod
    def opened(cls, url: str, *, max_connections: int, acquire_timeout_s: float, command_timeout_s: float) -> Redis:
        """A client that connects when it is first used. Raises StoreUnavailable for a URL that cannot be read."""
        where = address(parsed_url(STORE, url, _SCHEMES), _SCHEMES)
        try:
            pool = redis.asyncio.BlockingConnectionPool.from_url(
                url,
                protocol=3,
                max_connections=max_connections,
                timeout=acquire_timeout_s,
                socket_connect_timeout=_CONNECT_TIMEOUT_S,
                socket_timeout=command_timeout_s,
                client_name=_CLIENT_NAME,
            )
        except ValueError as error:
            raise StoreUnavailable(
                STORE, f"The options in the URL of Redis at {where} cannot be read: {error}"
            ) from error
        return cls(redis.asyncio.Redis.from_pool(pool), command_timeout_s)

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
            where = address(parsed_url(STORE, url, _SCHEMES), _SCHEMES)
            raise StoreUnavailable(STORE, f"Redis at {where} cannot be reached: {error}") from error
        return client

    async def ping(self) -> None:
        """Return when the server answers a command."""
        with _translated():
            await self._client.ping()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class Scripts:
    """Scripts and keys of one run of the server.

    A server that was started again may have restored what has been taken back since. Keys and the scripts' texts hold
    the run that they are for, so that such a server has none of either: it says that it does not know the script, and
    is asked anew which run it is.
    """

    def __init__(self, redis: Redis) -> None:
        self._client: Any = redis._client
        self._timeout_s = redis.command_timeout_s
        self._run = ""

    async def run(self, script: str, names: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run a script over the keys of these names. Raises StoreUnavailable where the server was started again."""
        with _translated():
            run = self._run or await self._current_run()
            text = f"-- run {run}\n{script}"
            keys = [self.key(name) for name in names]
            digest = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 (Redis' name of the script)
            try:
                return await self._client.execute_command("EVALSHA", digest, len(keys), *keys, *arguments)
            except exceptions.NoScriptError:
                if await self._current_run() != run:
                    raise StoreUnavailable(STORE, "Redis was started again.") from None
                return await self._client.execute_command("EVAL", text, len(keys), *keys, *arguments)

    async def read_stream(self, name: str, after: bytes, wait_s: float) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """The entries of a stream after a place, `[]` where none came in time: less than a command may take."""
        block_ms = int(min(wait_s, self._timeout_s / 2) * 1000)
        with _translated():
            reply = await self._client.xread({self.key(name): after}, count=1_000, block=block_ms)
            return [entry for pages in (reply or {}).values() for page in pages for entry in page]

    async def last_of_stream(self, name: str) -> bytes:
        """The place of a stream's last entry."""
        with _translated():
            if not self._run:
                await self._current_run()
            last = await self._client.xrevrange(self.key(name), count=1)
            place: bytes = last[0][0] if last else b"0-0"
            return place

    def key(self, name: str) -> str:
        """The key of this name in this run."""
        return f"gateway:{self._run}:{name}"

    async def _current_run(self) -> str:
        self._run = str((await self._client.info("server"))["run_id"])[:12]
        return self._run


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exceptions.TimeoutError, TimeoutError) as error:
        raise StoreTimeout(STORE, f"Redis did not answer in time: {error}") from error
    except (exceptions.ConnectionError, OSError) as error:
        raise StoreUnavailable(STORE, f"The connection to Redis failed: {error}") from error
    except exceptions.RedisError as error:
        raise StatementFailed(STORE, f"Redis refused the command: {error}") from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise StatementFailed(STORE, f"What answers is not Redis: {error}") from error
