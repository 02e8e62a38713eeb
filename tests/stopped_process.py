"""A process that is stopped and continued while it writes, as by a debugger or a container that is paused."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from typing import IO

_PATIENCE_S = 60.0
_SETTLED_S = 0.5


def output_of_a_stopped_process(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> bytes:
    """Return what unbuffered Python writes to a pipe that is full, as it is stopped, continued, and then read."""
    command = [sys.executable, "-u", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment}) as process:
        assert process.stdout is not None
        _wait_until_full(process.stdout)
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        os.kill(process.pid, signal.SIGCONT)
        output = process.stdout.read()
    assert process.returncode == 0
    return output


def _wait_until_full(pipe: IO[bytes]) -> None:
    """Return once the pipe has taken something, and takes no more."""
    deadline = time.monotonic() + _PATIENCE_S
    before = 0
    while (size := _size(pipe)) == 0 or size > before:
        assert time.monotonic() < deadline, "nothing was written"
        before = size
        time.sleep(_SETTLED_S)


def _size(pipe: IO[bytes]) -> int:
    (size,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))
    return int(size)
