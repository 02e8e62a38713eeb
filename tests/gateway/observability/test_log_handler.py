"""Lines of the log reach standard error in order, and no request waits for whoever reads it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from gateway.observability.log_format import TextFormatter
from gateway.observability.log_handler import _MAX_UNREAD_BYTES, _MAX_WAITING_BYTES, LogHandler
from tests.conftest import Stores
from tests.gateway.conftest import served

LINES = 40_000
LEFT_OUT = "WARNING:gateway:Lines were left out, since standard error did not take them left_out="


class Pipe:
    """A pipe, and what writes the log to it."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.handler = LogHandler(self.writing)
        self.handler.setFormatter(TextFormatter("%(message)s"))

    def log(self, message: str) -> None:
        self.handler.handle(logging.LogRecord("gateway", logging.INFO, "file.py", 1, message, (), None))

    def read_all(self) -> list[str]:
        """Read what is there, until the handler has nothing that waits."""
        text, reader = bytearray(), threading.Thread(target=lambda: text.extend(self._read_to_the_end()))
        reader.start()
        self.handler.flush()
        os.close(self.writing)
        reader.join()
        return text.decode().splitlines()

    def _read_to_the_end(self) -> Iterator[int]:
        while data := os.read(self.reading, 1 << 16):
            yield from data


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)


def test_a_line_is_written_at_once(pipe: Pipe) -> None:
    pipe.log("first")
    assert os.read(pipe.reading, 100) == b"first\n"
    pipe.log("second \udc80 é")
    assert os.read(pipe.reading, 100) == b"second \\udc80 \xc3\xa9\n"
    assert pipe.handler._writer is None
    os.close(pipe.writing)


def test_a_line_of_any_length_is_written_at_once_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("wb") as log:
        handler = LogHandler(log.fileno())
        for message in ("x" * 100_000, "y"):
            handler.handle(logging.LogRecord("gateway", logging.INFO, "file.py", 1, message, (), None))
            assert file.read_text().endswith(f"{message}\n")


@pytest.mark.parametrize("length", [10, 5_000, 100_000])
def test_lines_keep_their_order_while_their_reader_stands_still(pipe: Pipe, length: int) -> None:
    lines = [f"{number}{'.' * length}" for number in range(2 * _MAX_UNREAD_BYTES // length + 3)]
    for line in lines:
        pipe.log(line)
    assert pipe.handler._writer is not None
    assert pipe.read_all() == lines
    assert pipe.handler._writer is None


def test_what_waits_is_bounded_and_the_rest_is_counted(pipe: Pipe) -> None:
    for number in range(LINES):
        pipe.log(f"{number:0100}")
    assert pipe.handler._waiting_bytes <= _MAX_WAITING_BYTES
    *lines, last = pipe.read_all()
    assert lines == [f"{number:0100}" for number in range(len(lines))]
    assert last.startswith(LEFT_OUT.partition(":gateway:")[2])
    assert len(lines) + int(last.partition("left_out=")[2]) == LINES


def test_a_line_is_written_whole_among_those_of_another_process(pipe: Pipe) -> None:
    """Each fills half of what a pipe takes at once, and waits for a reader that stands still."""
    other, lines = LogHandler(pipe.writing), [letter * 2_000 for letter in "ab"]
    other.setFormatter(pipe.handler.formatter)
    for _ in range(200):
        for handler, line in zip((pipe.handler, other), lines, strict=True):
            handler.handle(logging.LogRecord("gateway", logging.INFO, "file.py", 1, line, (), None))
    text = bytearray()
    while len(text) < 400 * 2_001:
        text += os.read(pipe.reading, 1 << 12)
    os.close(pipe.writing)
    assert set(text.decode().splitlines()) == set(lines)


def test_nothing_is_lost_where_the_pipe_does_not_block(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    lines = [f"{number}{'.' * 3_000}" for number in range(100)]
    for line in lines:
        pipe.log(line)
    assert pipe.read_all() == lines


def test_a_terminal_that_nobody_reads_keeps_nobody_waiting() -> None:
    ours, theirs = os.openpty()
    handler = LogHandler(theirs)
    logging_thread = threading.Thread(target=_log_many, args=(handler,), daemon=True)
    logging_thread.start()
    logging_thread.join(20)
    assert not logging_thread.is_alive()
    os.close(ours)  # what waits is lost
    handler.flush()
    os.close(theirs)


def _log_many(handler: LogHandler) -> None:
    for _ in range(200):
        handler.handle(logging.LogRecord("gateway", logging.INFO, "file.py", 1, "x" * 3_000, (), None))


def test_a_process_without_threads_to_spare_goes_on(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lines = [f"{number}{'.' * 5_000}" for number in range(4)]
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        for line in lines[:2]:
            pipe.log(line)
        pipe.log("short")
    for line in lines[2:]:
        pipe.log(line)
    assert pipe.read_all() == [*lines[:2], "short", *lines[2:]]


def _unread_until(program: str, line: str) -> tuple[int, bytes]:
    """Return the status of a program and its log, which nobody reads until the program has printed a line."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().decode() == f"{line}\n"
        _, log = process.communicate()
    return process.returncode, log


def test_a_forked_process_writes_its_own_lines_alone() -> None:
    program = (
        "import logging, os; from gateway.observability.log_setup import configure_logging\n"
        "configure_logging('info', 'text'); log = logging.getLogger('gateway')\n"
        "for number in range(30): log.warning('%d%s', number, '.' * 4_000)\n"
        "if os.fork(): print('forked', flush=True)\n"
        "else: log.warning('of the child')\n"
        "writer = logging.getLogger().handlers[0]._writer\n"
        "if writer: writer.join()"
    )
    lines = _unread_until(program, "forked")[1].decode().splitlines()
    expected = [f"WARNING:gateway:{number}{'.' * 4_000}" for number in range(30)]
    assert sorted(lines) == sorted([*expected, "WARNING:gateway:of the child"])


def test_a_reader_that_has_gone_is_no_error(pipe: Pipe) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    handler = LogHandler(writing)
    for _ in range(3):
        handler.handle(logging.LogRecord("gateway", logging.INFO, "file.py", 1, "x" * 10_000, (), None))
        handler.handle(logging.LogRecord("gateway", logging.INFO, "file.py", 1, "x", (), None))
    handler.flush()
    os.close(writing)
    os.close(pipe.writing)


def test_a_process_without_standard_error_writes_its_log_nowhere(tmp_path: Path) -> None:
    """The next file that it opens has the descriptor."""
    program = (
        "import logging, os; from gateway.observability.log_setup import configure_logging\n"
        f"assert os.open({str(tmp_path / 'other')!r}, os.O_CREAT | os.O_WRONLY) == 2\n"
        "configure_logging('info', 'text'); logging.getLogger('gateway').warning('a line'); logging.shutdown()"
    )
    subprocess.run(["/bin/sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program], check=True)
    assert (tmp_path / "other").read_text() == ""


def test_what_waits_is_written_before_a_signal_ends_a_server() -> None:
    program = (
        "import logging, os, signal, uvicorn\n"
        "from gateway.graceful_shutdown import Server\n"
        "from gateway.observability.log_setup import configure_logging\n"
        "configure_logging('info', 'text')\n"
        "with Server(uvicorn.Config('', log_config=None)).capture_signals():\n"
        "    for number in range(250): logging.getLogger('gateway').warning('%d%s', number, '.' * 4_000)\n"
        "    print('logged', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)"
    )
    status, log = _unread_until(program, "logged")
    assert status == -signal.SIGTERM
    assert log.decode().splitlines() == [f"WARNING:gateway:{number}{'.' * 4_000}" for number in range(250)]


@pytest.mark.parametrize("workers", [1, 3])
async def test_a_gateway_answers_and_stops_though_nobody_reads_its_log(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it is asked for
    workers: int,
) -> None:
    """The process that watches the workers writes to the log, too, and so does uvicorn."""
    reading, writing = os.pipe()
    settings = {
        "GATEWAY_WORKERS": str(workers),
        "GATEWAY_LOG_LEVEL": "info",
        "GATEWAY_LOG_REQUESTS": "all",
        "GATEWAY_LOG_LINES_PER_S": "100000",
    }
    try:
        with ExitStack() as stack:
            log = stack.enter_context(os.fdopen(writing, "wb"))
            url = await asyncio.to_thread(stack.enter_context, served(store_urls, log, **settings))
            async with httpx.AsyncClient(base_url=url, timeout=20) as client:
                for number in range(600):  # some 250 bytes each: more than a pipe takes
                    answer = await client.post("/graphql", json={"query": f"{{ __typename # {number}\n}}"})
                    assert answer.status_code == 200
            await asyncio.to_thread(stack.close)
        os.set_blocking(reading, False)
        assert b"gateway.requests:Request" in os.read(reading, 1 << 16)
    finally:
        os.close(reading)
