"""A gateway that is told to stop stops, whatever hangs."""

import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

_HANGS = """
import asyncio, threading
from gateway.graceful_shutdown import stop_surely

async def main():
    stop_surely(0.5)
    await asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)

asyncio.run(main())
"""


def test_what_hangs_is_ended() -> None:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _HANGS], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "Stopping takes longer than 0.5 s" in done.stderr
    assert time.monotonic() - began < 10


_HANGS_IN_LOGGING = """
import logging
from gateway.graceful_shutdown import stop_surely

stop_surely(0.5)
logging.error("x" * 10_000_000)
"""


def test_a_process_that_hangs_in_writing_to_the_log_is_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", _HANGS_IN_LOGGING], stderr=subprocess.PIPE) as process:
        try:  # nobody reads what it writes
            assert process.wait(30) == 1
        finally:
            process.kill()


def test_what_stops_by_itself_is_not_held_up() -> None:
    code = "from gateway.graceful_shutdown import stop_surely; stop_surely(30)"
    began = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == 0
    assert time.monotonic() - began < 10
