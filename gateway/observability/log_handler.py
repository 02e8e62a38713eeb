"""Write lines of the log without waiting for whoever reads them."""

from __future__ import annotations

import fcntl
import logging
import os
import select
import stat
import sys
import termios
import threading
from collections import deque
from contextlib import suppress

from gateway.observability.log_format import FACTS

_MAX_WAITING_BYTES = 1 << 20
"""Bytes of lines that wait for their reader: some thousand lines. What comes on top is counted, and left out."""
_MAX_UNREAD_BYTES = 1 << 13
"""Bytes in a pipe up to which lines are written to it at once. The least that systems give a pipe is twice as much, and
Linux gives 64 KiB: the workers that share it have room for a line each."""
_FLUSH_S = 0.5
"""Time that an ending process gives its reader for the last lines. It is within the time to stop in."""


class LogHandler(logging.Handler):
    """Writes a line at once if its reader takes it; otherwise a thread writes it as soon as the reader does.

    A reader that stands still, such as a full collector of logs behind a pipe, would stop the event loop. Once it goes
    on, a line says how many were left out.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._reader = _Reader(descriptor)
        self._guard = threading.RLock()  # what the garbage collector frees may log, with the guard held
        self._waiting = deque[bytes]()
        self._waiting_bytes = 0
        self._left_out = 0
        self._writer: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._begin_again)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record, or have it wait."""
        try:
            line = _encoded(self.format(record))
        except Exception:
            self.handleError(record)
            return
        with self._guard:
            if not self._waiting and self._writer is None and self._reader.takes(len(line)):
                _write(self._descriptor, line)
            else:
                self._keep(line)

    def flush(self) -> None:
        """Wait until the reader has taken what waits, but no longer than half a second."""
        writer = self._writer
        if writer is not None and writer is not threading.current_thread():
            writer.join(_FLUSH_S)

    def _keep(self, line: bytes) -> None:
        if self._waiting_bytes + len(line) > _MAX_WAITING_BYTES:
            self._left_out += 1
        else:
            self._waiting.append(line)
            self._waiting_bytes += len(line)
        if self._writer is None:
            writer = threading.Thread(target=self._write_waiting, name="log", daemon=True)
            with suppress(RuntimeError):  # the process has all the threads that it may: the next line tries again
                writer.start()
                self._writer = writer

    def _write_waiting(self) -> None:
        while line := self._next():  # line by line: more at once would be mixed with those of other processes
            _write(self._descriptor, line)

    def _next(self) -> bytes:
        """Return the next line to write; without any, the thread has ended."""
        with self._guard:
            if self._waiting:
                line = self._waiting.popleft()
                self._waiting_bytes -= len(line)
                return line
            if self._left_out:
                return self._line_of_left_out()
            self._writer = None
            return b""

    def _begin_again(self) -> None:
        """Forget, in a process that was forked, what waits: the first one writes it, and this one has no thread."""
        self._guard = threading.RLock()
        self._waiting.clear()
        self._waiting_bytes = self._left_out = 0
        self._writer = None

    def _line_of_left_out(self) -> bytes:
        facts, self._left_out = {"left_out": self._left_out}, 0
        text = "Lines were left out, since standard error did not take them"
        logger = logging.getLogger("gateway")
        record = logger.makeRecord(logger.name, logging.WARNING, __file__, 0, text, (), None, extra={FACTS: facts})
        return _encoded(self.format(record))


class _Reader:
    """Whoever reads what is written to a descriptor. A file takes all; how much a terminal takes, it does not say."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        mode = 0
        with suppress(OSError):  # it is closed
            mode = os.fstat(descriptor).st_mode
        self._is_terminal = os.isatty(descriptor)
        self._is_file, self._is_pipe = stat.S_ISREG(mode), stat.S_ISFIFO(mode)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def takes(self, size: int) -> bool:
        """Return whether it takes as many bytes without waiting, though other processes write to a pipe meanwhile."""
        if self._is_file:
            return True
        return (
            size <= select.PIPE_BUF
            and not self._is_terminal
            and bool(self._poll.poll(0))
            and (not self._is_pipe or self._unread() <= _MAX_UNREAD_BYTES)
        )

    def _unread(self) -> int:
        return int.from_bytes(fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)


def _encoded(text: str) -> bytes:
    return f"{text}\n".encode(errors="backslashreplace")


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it; where nobody reads any more, it is lost."""
    with suppress(OSError):
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:  # another process that has the descriptor wants it so
                _wait_until_writable(descriptor)


def _wait_until_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()
