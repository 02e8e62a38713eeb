"""Redis: the client of the shared cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client

    @classmethod
    async def connect(
        cls, url: str, *, max_connections: int, acquire_timeout_s: float, command_timeout_s: float
    ) -> Redis:
        """Open a connection. A server that cannot be reached raises StoreUnavailable, with its address."""
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
        client = cls(redis.asyncio.Redis.from_pool(pool))
        try:
            await client.ping()
        except (StoreUnavailable, StoreTimeout, StatementFailed) as error:
            await client.close()
            raise StoreUnavailable(STORE, f"Redis at {where} cannot be reached: {error}") from error
        return client

    async def ping(self) -> None:
        """Return when the server answers a command."""
        with _translated():
            await self._client.ping()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


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
