"""The places of workers in the metrics: how many there are is bounded, however often workers are replaced."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prometheus_client.multiprocess import mark_process_dead

from loaders.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "fuseway-metrics-"


class MetricsDirectoryError(GatewayError):
    """The folder that workers share for their metrics cannot be made. The message says why, and what to do."""


class WorkerProcess(Protocol):
    """A worker of the parent's."""

    @property
    def exitcode(self) -> int | None:
        """None until the process has ended."""


@dataclass(frozen=True, slots=True)
class WorkerSlot:
    """The folder of a gateway's metrics, and the number of a worker in it."""

    directory: str
    number: int


class WorkerSlots:
    """Gives each worker the lowest number that is free, in the parent.

    A worker that replaces another goes on with its counters, which would otherwise be kept for each worker that there
    ever was. The states of a worker that has ended are removed.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._workers: dict[int, WorkerProcess] = {}

    def take(self, worker: WorkerProcess) -> WorkerSlot:
        """Return the place of a worker that is to be started."""
        self.sweep()
        number = next(number for number in range(len(self._workers) + 1) if number not in self._workers)
        self._workers[number] = worker
        return WorkerSlot(str(self._directory), number)

    def sweep(self) -> None:
        """Free the places of workers that have ended."""
        for number, worker in list(self._workers.items()):
            if worker.exitcode is not None:
                del self._workers[number]
                with suppress(FileNotFoundError):  # the folder is removed meanwhile
                    mark_process_dead(number, str(self._directory))


@contextmanager
def metrics_directory() -> Iterator[Path]:
    """Make a folder for the metrics of workers, and remove it at the end; remove those of gateways that were killed.

    Raises MetricsDirectoryError where none can be made.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    try:
        directory, lock = _new_directory()
    except OSError as error:
        raise MetricsDirectoryError(
            f"Metrics of several workers need a folder that can be written, and none can be made in"
            f" {tempfile.gettempdir()}: {error.strerror or error}. Set TMPDIR to one, or GATEWAY_METRICS_PORT=0."
        ) from error
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def _new_directory() -> tuple[Path, int]:
    """Make a folder, and lock it: systemd-tmpfiles, too, leaves what is old in a locked folder where it is."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with suppress(FileNotFoundError):  # a gateway that starts took it for an abandoned one, as below
            lock = os.open(directory, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if directory.exists():
                return directory, lock
            os.close(lock)


def _remove_abandoned(folder: Path) -> None:
    """Remove the folders whose gateways were killed: nobody holds their locks any more."""
    for directory in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or of a gateway that runs, starts or stops
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(lock)
