"""Whatever the driver of Redis raises, it is an error of the store."""

import asyncio
import inspect
import ssl
from typing import Any

import pytest
from redis import exceptions

from loaders.persisted_documents import SharedDocuments
from loaders.rate_limits import SharedRates
from loaders.stores.errors import StatementFailed, StoreError, StoreTimeout, StoreUnavailable
from loaders.stores.redis import Redis, Scripts

OF_DRIVER = [
    kind
    for _, kind in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(kind, exceptions.RedisError) and not issubclass(kind, exceptions.AskError)
]
OTHERS: list[Exception] = [
    RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
    RuntimeError("Event loop is closed"),
    OSError(9, "Bad file descriptor"),
    ConnectionResetError(104, "Connection reset by peer"),
    BrokenPipeError(32, "Broken pipe"),
    EOFError(),
    ssl.SSLError(1, "record layer failure"),
    asyncio.IncompleteReadError(b"", 2),
    asyncio.LimitOverrunError("too long", 1),
    asyncio.InvalidStateError(),
    AttributeError("'NoneType' object has no attribute 'write'"),
    TypeError("'int' object is not subscriptable"),
    ValueError("invalid literal for int() with base 10: b'garbage'"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    KeyError("server"),
    IndexError(),
    AssertionError(),
    RecursionError(),
    MemoryError(),
    BufferError(),
    NotImplementedError(),
    exceptions.MovedError("1 127.0.0.1:1"),
    exceptions.AskError("1 127.0.0.1:1"),
]


def _of(kind: type[Exception]) -> Exception:
    try:
        return kind("of a test")
    except TypeError:  # it takes more, and its message is its own
        error = kind.__new__(kind)
        error.args = ("of a test",)
        return error


ERRORS = [*OTHERS, *map(_of, OF_DRIVER)]


class Failing:
    """A driver that raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def execute_command(self, *_command: object) -> Any:
        raise self.error

    get = set = execute_command

    async def aclose(self) -> None:
        raise self.error


def _id(error: BaseException) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", ERRORS, ids=_id)
async def test_every_call_raises_an_error_of_the_store(error: Exception) -> None:
    redis = Redis(Failing(error), 1.0)
    scripts = Scripts(redis)
    for call in (redis.ping, lambda: redis.kept("key"), lambda: scripts.run("return 1", [], [])):
        with pytest.raises(StoreError) as raised:
            await call()
        assert raised.value.store == "redis"
        assert raised.value.__cause__ is error
    await redis.close()


@pytest.mark.parametrize("error", OTHERS, ids=_id)
async def test_what_is_no_reply_means_that_it_is_away(error: Exception) -> None:
    with pytest.raises(StoreUnavailable):
        await Redis(Failing(error), 1.0).ping()


@pytest.mark.parametrize("error", [TimeoutError(), exceptions.TimeoutError()], ids=repr)
async def test_what_is_late_is_a_timeout(error: Exception) -> None:
    with pytest.raises(StoreTimeout):
        await Redis(Failing(error), 1.0).ping()


async def test_a_command_that_is_refused_is_no_connection_that_failed() -> None:
    with pytest.raises(StatementFailed):
        await Redis(Failing(exceptions.ResponseError("ERR unknown command")), 1.0).ping()


async def test_a_cancellation_stays_one() -> None:
    with pytest.raises(asyncio.CancelledError):
        await Redis(Failing(asyncio.CancelledError()), 1.0).ping()


@pytest.mark.parametrize("error", ERRORS, ids=_id)
async def test_what_is_shared_by_way_of_redis_goes_on_without_it(error: Exception) -> None:
    redis = Redis(Failing(error), 1.0)
    rates, documents = SharedRates(redis, timeout_s=1), SharedDocuments(redis, timeout_s=1)
    try:
        assert await documents.automatic("0" * 64) is None
        assert await documents.trusted("name") is None
        await documents.keep("0" * 64, "{ a }")
        assert not await documents.publish({"name": "{ a }"})
        assert await rates.take("caller", 1, 1_000) is None
    finally:
        await rates.close()
        await documents.close()
