"""Processes of engines: started apart from the terminal, ended with their parent, found again after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from deploy.embedded.errors import EngineError

POLL_S: Final = 0.005
START_TIMEOUT_S: Final = 60.0  # a cold disk and a recovery; past it an engine is stuck and would be waited for for ever
STOP_TIMEOUT_S: Final = 20.0  # a clean end writes what is in memory; past it the process is killed
LOG_TAIL_BYTES: Final = 2000
PORT_ATTEMPTS: Final = 3


class Spawner:
    """Starts processes from one thread that outlives them.

    Linux sends the parent-death signal when the *thread* that started a process ends, not only when its process does.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engines")

    def start(
        self, command: Sequence[str], *, log: Path, end_signal: str, user: Sequence[str] = (), **options: object
    ) -> subprocess.Popen[bytes]:
        """Start `command` in a session of its own, its output appended to `log`; it is sent `end_signal` if we die.

        `user` is the prefix that changes the process's user. It goes first: the change forgets the end signal.
        """
        return self._thread.submit(_start, [*user, *dying_with_parent(end_signal), *command], log, options).result()

    def close(self) -> None:
        """End the thread; every process that it started must have ended."""
        self._thread.shutdown()


def _start(command: list[str], log: Path, options: dict[str, object]) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **options
        )


def dying_with_parent(end_signal: str) -> list[str]:
    """Return a command's prefix by which it is sent a signal when its parent dies; empty where the system has none."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", end_signal] if setpriv else []


@dataclass(slots=True)
class Engine:
    """A running engine; `stop` tries each of `stop_signals` for STOP_TIMEOUT_S, and SIGKILL after them."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signals: tuple[signal.Signals, ...]
    pid_file: Path | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def died(self) -> str | None:
        """Return how the engine ended by itself, as a sentence, or None while it runs."""
        code = self.process.poll()
        if code is None or self.stopping.is_set():
            return None
        how = f"was ended by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        return f"{self.name} {how}; its log is {self.log}."

    def start_until(self, ready: Callable[[], bool]) -> None:
        """Note the process id and return when `ready`.

        Raises EngineError when the engine ends or START_TIMEOUT_S pass first; it is stopped then.
        """
        if self.pid_file:
            self.pid_file.write_text(str(self.process.pid))
        try:
            self._wait_until(ready)
        except BaseException:
            self.stop()
            raise

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not ready():
            if died := self.died():
                raise EngineError(f"{died} It says:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise EngineError(f"{self.name} did not start in {START_TIMEOUT_S:.0f} s; its log is {self.log}.")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End the process and collect it; does nothing for one that has ended."""
        self.stopping.set()
        for number in (*self.stop_signals, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_TIMEOUT_S)
        if self.process.stdin:
            self.process.stdin.close()
        if self.pid_file and read_pid(self.pid_file) == self.process.pid:
            self.pid_file.unlink(missing_ok=True)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def tail(log: Path) -> str:
    """Return the end of a log."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
    return ""


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now; another process may take it before it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_free_port(start: Callable[[int], Engine]) -> tuple[Engine, int]:
    """Start an engine on a free port, and retry on another one if the port was taken in between."""
    for _ in range(PORT_ATTEMPTS - 1):
        port = free_port()
        try:
            return start(port), port
        except EngineError:
            if not _is_taken(port):
                raise
    port = free_port()
    return start(port), port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def read_pid(pid_file: Path) -> int | None:
    """Return the process id at the head of a pid file; None without one."""
    try:
        return int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def stop_leftover(pid_file: Path, arguments: Sequence[str], stop_signals: Sequence[signal.Signals]) -> None:
    """End an engine that a gateway left behind when it was killed.

    Ends the pid file's process only if its command line has all of `arguments`: process ids are used again, and the
    file may name a stranger by now.
    """
    pid = read_pid(pid_file)
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(pid)
        if set(arguments) <= set(process.cmdline()):
            end(process, stop_signals)
    pid_file.unlink(missing_ok=True)


def end(process: psutil.Process, stop_signals: Sequence[signal.Signals]) -> None:
    """End a process that is not our child: each signal in turn, then SIGKILL."""
    for number in (*stop_signals, signal.SIGKILL):
        process.send_signal(number)
        with suppress(psutil.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S / 4)
            return
