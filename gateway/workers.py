"""Several workers: start, watch, replace and stop them."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from gateway.graceful_shutdown import Server, accept_all, accept_last, end_listening, refuse_all, stop_by
from gateway.observability.slot_files import take_slot

if TYPE_CHECKING:
    import socket
    from types import FrameType

    import uvicorn

    from gateway.observability.worker_slots import WorkerSlot, WorkerSlots

_log = logging.getLogger("gateway")

_JOIN_INTERVAL_S = 0.05
_POLL_S = 0.1
"""How long a wait for a worker keeps this process from seeing that it is to stop."""
_PING_S = 10.0
"""How long a worker may take to answer this process before it is replaced: one that is stopped never does."""
_BLOCKED_S = 20.0
"""How long a worker's event loop may stand still before the worker is replaced. Garbage collection and the largest
answers take a second."""
_START_S = 120.0
"""How long a new worker may take to serve before a restart is given up."""
_MAX_PAUSE_S = 30.0
"""The longest pause before a worker that cannot start is started again; it doubles from half a second."""
_KILL_S = 1.0
"""How long after its time to stop a worker is killed."""


class Worker(multiprocess.Process):
    """A worker process, which runs the server of `gateway.graceful_shutdown`."""

    _server: Server  # None until `target` runs
    serves_since: float | None = None
    """When the worker was first seen to serve, by the monotonic clock."""
    slots: ClassVar[WorkerSlots | None] = None
    """Gives workers their places in the metrics; None without metrics."""
    _slot: WorkerSlot | None = None

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        if self.slots is not None:
            self._slot = self.slots.take(self)

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, in the worker. The server is made before the thread starts that answers pings, which needs it."""
        if self._slot is not None:
            take_slot(self._slot)
        self._server = Server(config=self.config)
        super().target(sockets)

    def pong(self) -> None:
        """Answer one ping, unless the event loop stands still."""
        self.child_conn.recv()
        ticked_at = self._server.ticked_at
        if ticked_at is None or time.monotonic() - ticked_at < _BLOCKED_S:
            self.child_conn.send(self._server.started)


multiprocess.Process = Worker  # type: ignore[misc]  # uvicorn's supervisor makes them by this name in four places


class Workers(multiprocess.Multiprocess):
    """uvicorn's workers, all of which stop listening as soon as this process receives a signal to stop.

    - A worker that has died, or answers nothing, is replaced, again and again with pauses where it cannot start, or
      dies soon after. Where one cannot start before any has served, all are stopped, and the process fails.
    - SIGHUP replaces all workers, one after the other: each serves before the one that it replaces stops. A process
      with a terminal takes it for the terminal's end, and stops; so does one without `restarts_on_hang_up`.
    """

    processes: list[Worker]  # type: ignore[assignment]

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        *,
        restarts_on_hang_up: bool = True,
        slots: WorkerSlots | None = None,
    ) -> None:
        Worker.slots = slots  # uvicorn makes workers without further arguments
        hang_up = signal.getsignal(signal.SIGHUP)
        super().__init__(config, sockets)
        restart = signal.getsignal(signal.SIGHUP)
        signal.signal(signal.SIGHUP, hang_up)
        self._is_stopping = self._has_failed = False
        self._kills_at = math.inf
        """When workers that have been told to stop are killed, by the monotonic clock."""
        self._answering: threading.Thread | None = None
        self._retired: dict[Worker, float] = {}
        """Workers that are stopping, and when they are killed."""
        self._failures: dict[int, int] = {}
        """How often in a row the worker of each place has ended before it had served for the longest pause."""
        self._starts_at: dict[int, float] = {}
        self._has_served = False
        stop_by(self._stop)
        if restarts_on_hang_up and hang_up != signal.SIG_IGN and not _has_terminal():
            signal.signal(signal.SIGHUP, restart)

    def _all(self) -> list[Worker]:
        return [*self.processes, *self._retired]

    def run(self) -> None:
        """Run the workers until a signal stops them. Fails as one process does where they cannot start."""
        super().run()
        if self._has_failed:
            sys.exit(STARTUP_FAILURE)

    def _ends_at(self) -> float:
        """Return when a worker that is told to stop now is killed."""
        return time.monotonic() + (self.config.timeout_graceful_shutdown or 0) + _KILL_S

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Stop listening and pass the signal on. This runs between any two steps of this process's."""
        self.signal_queue.append(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)
        if self._is_stopping:
            return
        self._is_stopping = True
        self._kills_at = self._ends_at()
        accepted = accept_last(self.sockets)
        for worker in self._all():
            _tell_to_stop(worker)
        self._answering = threading.Thread(target=refuse_all, args=(accepted,), name="answer-late", daemon=True)
        self._answering.start()

    # Watching

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died or hang, unless all are stopping."""
        self._bury()
        if Worker.slots is not None:
            Worker.slots.sweep()
        for index, worker in enumerate(self.processes):
            if self._is_stopping or self.should_exit.is_set():
                return
            if worker.process.is_alive():
                serves = self._answer(worker)
                if serves is None and not self._is_stopping:
                    _log.error("Worker %s does not answer, and is replaced.", worker.pid)
                    worker.kill()
                    worker.join()
                elif serves:
                    self._note_served(index, worker)
            if not worker.process.is_alive() and not self._is_stopping:
                self._replace(index, worker)

    def _note_served(self, index: int, worker: Worker) -> None:
        """Forget failures of the worker's place, if it has served for longer than any pause."""
        self._has_served, now = True, time.monotonic()
        worker.serves_since = worker.serves_since or now
        if now - worker.serves_since >= _MAX_PAUSE_S:
            self._failures.pop(index, None)

    def _answer(self, worker: Worker, within_s: float = _PING_S) -> bool | None:
        """Return whether the worker serves; None where it does not say so in time."""
        deadline = time.monotonic() + within_s
        try:
            worker.parent_conn.send(b"ping")
            while time.monotonic() < deadline and not self._is_stopping:
                if worker.parent_conn.poll(_POLL_S):
                    serves: bool = worker.parent_conn.recv()
                    return serves
        except (OSError, EOFError):
            pass
        return None

    def _replace(self, index: int, worker: Worker) -> None:
        """Start another worker in the place of one that has ended, after a pause if the one before it ended soon."""
        if (worker.exitcode or 0) > 0 and not self._has_served:  # a signal's is negative
            _log.error("Worker %s could not start.", worker.pid)
            self._has_failed = True
            self.should_exit.set()
            return
        now = time.monotonic()
        if index not in self._starts_at:
            failures = self._failures.get(index, 0)
            self._failures[index] = failures + 1
            pause_s = min(0.5 * 2.0 ** min(failures - 1, 10), _MAX_PAUSE_S) if failures else 0.0
            self._starts_at[index] = now + pause_s
            _log.error("Worker %s %s, and is replaced in %g s.", worker.pid, _end(worker.exitcode or 0), pause_s)
        if now >= self._starts_at[index]:
            del self._starts_at[index]
            self.processes[index] = self._started()

    def _started(self) -> Worker:
        worker = Worker(self.config, self.sockets)
        worker.start()
        if self._is_stopping:  # the signal came meanwhile
            _tell_to_stop(worker)
        return worker

    # Replacing all

    def restart_all(self) -> None:
        """Replace each worker by a new one that serves before the old one is told to stop."""
        for index in range(len(self.processes)):
            new = self._started()
            self._retired[new] = time.monotonic() + _START_S + _KILL_S  # so that a stop concerns it
            if not self._serves_in_time(new):
                if not self._is_stopping:
                    _log.error("The new worker %s does not serve: the others are kept.", new.pid)
                    new.kill()
                return
            del self._retired[new]
            old, self.processes[index] = self.processes[index], new
            _tell_to_stop(old)
            self._retired[old] = self._ends_at()

    def _serves_in_time(self, worker: Worker) -> bool:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and worker.process.is_alive() and not self._is_stopping:
            if self._answer(worker):
                return True
            time.sleep(_POLL_S)
            self._bury()
        return False

    def _bury(self) -> None:
        """Forget retired workers that have ended, and kill those that should have."""
        for worker, kills_at in list(self._retired.items()):
            if worker.process.is_alive() and time.monotonic() > kills_at:
                worker.kill()
            if not worker.process.is_alive():
                worker.join()
                del self._retired[worker]

    # Stopping

    def terminate_all(self) -> None:
        """Stop the workers."""
        self._kills_at = min(self._kills_at, self._ends_at())
        end_listening(self.sockets)
        for worker in self._all():
            _tell_to_stop(worker)

    def join_all(self) -> None:
        """Wait for the workers, and kill those that take too long.

        One that was just starting may have opened the socket again.
        """
        are_alive = True
        while are_alive:  # and once more when they have ended
            are_alive = any(worker.process.is_alive() for worker in self._all())
            late = accept_all(self.sockets)
            end_listening(self.sockets)
            refuse_all(late, self._kills_at)
            if are_alive:
                time.sleep(_JOIN_INTERVAL_S)
                if time.monotonic() > self._kills_at:
                    for worker in self._all():
                        worker.process.kill()
        for worker in self._all():
            worker.join()
        if self._answering is not None:
            self._answering.join(max(0.0, self._kills_at - time.monotonic()))


def _end(exitcode: int) -> str:
    """Say how a process ended, by its exit code: a signal's is negative."""
    return f"was ended by signal {-exitcode}" if exitcode < 0 else f"ended with status {exitcode}"


def _tell_to_stop(worker: Worker) -> None:
    if worker.pid is not None and worker.exitcode is None:
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGTERM)


def _has_terminal() -> bool:
    """Return whether a terminal controls this process, so that its end is told by SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
