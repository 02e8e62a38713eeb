"""Long reading is done beside the event loop, one at a time, within a bound."""

import asyncio
import threading

import pytest

from gateway.http.errors import HTTPError
from gateway.reading_thread import ReadingThread


async def test_what_takes_no_longer_than_six_milliseconds_is_done_at_once() -> None:
    thread = ReadingThread()
    assert await thread.run(600, threading.get_ident) == threading.get_ident()
    assert await thread.run(601, threading.get_ident) != threading.get_ident()


async def test_one_is_done_at_a_time_and_past_64_that_wait_the_next_is_503() -> None:
    thread, begun, end = ReadingThread(), threading.Semaphore(0), threading.Event()

    def wait() -> int:
        begun.release()
        end.wait()
        return threading.get_ident()

    waiting = [asyncio.create_task(thread.run(10_000, wait)) for _ in range(64)]
    await asyncio.to_thread(begun.acquire)
    try:
        assert not begun.acquire(blocking=False)
        with pytest.raises(HTTPError) as refused:
            async with asyncio.timeout(10):  # without the bound, it would wait with the others
                await thread.run(10_000, wait)
        assert refused.value.status == 503
        assert refused.value.headers == {"Retry-After": "1"}
        assert refused.value.error.extensions == {"code": "OVERLOADED"}
        assert await thread.run(1, lambda: 5) == 5
    finally:
        end.set()
        threads = await asyncio.gather(*waiting)
    assert len(set(threads)) == 1
    assert await thread.run(10_000, lambda: 7) == 7
