"""The metrics of several workers: their sums are right, and neither files nor series grow with replaced workers."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.observability.metrics_server import metrics_text
from gateway.observability.number_file import NumberFile
from gateway.observability.operation_names import MAX_NAMES, MIN_COUNT, OperationNames, SharedNames
from gateway.observability.worker_slots import (
    MetricsDirectoryError,
    WorkerSlots,
    _remove_abandoned,
    metrics_directory,
)
from loaders.instruments import OTHER
from tests.gateway.observability.scrapes import Samples, samples, value

WORKER = """
import os, signal, sys
from gateway.observability import catalog
from gateway.observability.http_metrics import CONNECTIONS, RequestMetrics
from gateway.observability.slot_files import SlotFiles
from gateway.observability.worker_slots import WorkerSlot

files, metrics = SlotFiles(WorkerSlot(sys.argv[1], int(sys.argv[2]))), RequestMetrics()
for _ in range(int(sys.argv[3])):
    metrics.record("Dashboard", "ok", 0.003)
    CONNECTIONS.value += 1
    files.publish()
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A worker that records requests, publishes them and is killed."""


@dataclass
class _Worker:
    exitcode: int | None = None


def _killed_worker(directory: Path, number: int, requests: int) -> None:
    command = [sys.executable, "-c", WORKER, str(directory), str(number), str(requests)]
    assert subprocess.run(command, check=False).returncode == -9


def _scraped(directory: Path) -> Samples:
    return samples(metrics_text(MultiProcessCollector(None, str(directory))))


def _requests(directory: Path) -> list[float]:
    taken = _scraped(directory)
    names = ("requests_total", "request_duration_seconds_count", "request_duration_seconds_bucket")
    labels: tuple[dict[str, str], ...] = ({"outcome": "ok"}, {}, {"le": "0.005"})
    return [
        value(taken, f"fuseway_http_{name}", operation="Dashboard", **own)
        for name, own in zip(names, labels, strict=True)
    ]


@pytest.mark.slow
def test_workers_are_summed_and_a_replaced_one_goes_on(tmp_path: Path) -> None:
    slots, first, second = WorkerSlots(tmp_path), _Worker(), _Worker()
    assert [slots.take(worker).number for worker in (first, second)] == [0, 1]
    _killed_worker(tmp_path, 0, 3)
    _killed_worker(tmp_path, 1, 4)
    assert _requests(tmp_path) == [7, 7, 7]
    assert value(_scraped(tmp_path), "fuseway_http_connections") == 7

    first.exitcode = -9
    slots.sweep()
    assert value(_scraped(tmp_path), "fuseway_http_connections") == 4  # the state of a dead worker is gone
    assert _requests(tmp_path) == [7, 7, 7]  # what it has counted is not

    replacement = slots.take(_Worker())
    _killed_worker(tmp_path, replacement.number, 5)
    assert replacement.number == 0
    assert _requests(tmp_path) == [12, 12, 12]
    assert value(_scraped(tmp_path), "fuseway_http_connections") == 9
    assert round(value(_scraped(tmp_path), "fuseway_http_request_duration_seconds_sum"), 9) == 0.036


def test_places_are_bounded_by_the_workers_that_live() -> None:
    slots = WorkerSlots(Path("unused"))
    for _ in range(100):
        old, new = _Worker(), _Worker()
        numbers = [slots.take(worker).number for worker in (old, new)]
        assert numbers == [0, 1]
        old.exitcode = new.exitcode = 0


def test_a_folder_is_removed_at_the_end_and_that_of_a_killed_gateway_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    abandoned, elsewhere = tmp_path / "fuseway-metrics-abandoned", tmp_path / "elsewhere"
    for folder in (abandoned, elsewhere):
        folder.mkdir()
    (abandoned / "counter_0.db").touch()
    link = tmp_path / "fuseway-metrics-link"
    link.symlink_to(elsewhere)
    with metrics_directory() as directory, metrics_directory() as other:
        assert directory.is_dir()
        assert other.is_dir()
        assert not abandoned.exists()
    assert {path.name for path in tmp_path.iterdir()} == {elsewhere.name, link.name}


def test_a_folder_that_another_gateway_takes_for_abandoned_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one starts between the making of the folder and its lock."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made: list[Path] = []
    make = tempfile.mkdtemp

    def make_and_lose_the_first(*, prefix: str) -> str:
        made.append(Path(make(prefix=prefix)))
        if len(made) == 1:
            _remove_abandoned(tmp_path)
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_lose_the_first)
    with metrics_directory() as directory:
        assert made == [made[0], directory]
        assert directory.is_dir()


FULL = """
import logging, resource, sys
from gateway.observability import catalog
from gateway.observability.http_metrics import REQUESTS
from gateway.observability.slot_files import SlotFiles
from gateway.observability.worker_slots import WorkerSlot

logging.basicConfig(format="%(message)s")
files, (soft, hard) = SlotFiles(WorkerSlot(sys.argv[1], 0)), resource.getrlimit(resource.RLIMIT_FSIZE)
for size in (0, 1 << 16, soft):  # no room at all, for little, and for all
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    for index in range(1_000):
        REQUESTS.labels(f"Operation_{index}", "ok").value += 1
    files.publish()
"""
"""A worker whose disk is full to begin with: files may have no more bytes than that."""


@pytest.mark.slow
def test_a_worker_goes_on_while_the_disk_is_full_and_publishes_all_when_there_is_room(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        f"Metrics cannot be written to {tmp_path}, and are behind until they can: File too large.",
        "Metrics are written again.",
    ]
    taken = _scraped(tmp_path)
    counted = [value(taken, "fuseway_http_requests_total", operation=f"Operation_{index}") for index in range(1_000)]
    assert counted == [3] * 1_000


def test_all_of_a_file_has_its_room_on_the_disk(tmp_path: Path) -> None:
    """A mapped page without room would kill the worker that writes to it."""
    path = tmp_path / "counter_0.db"
    file = NumberFile(path)
    for index in range(2_000):
        file.write(f"{index:0100}", index)
    file.close()
    status = path.stat()
    assert status.st_size > 1 << 16
    assert status.st_blocks * 512 >= status.st_size
    again = NumberFile(path)
    assert list(again.numbers_before()) == [(f"{index:0100}", index) for index in range(2_000)]
    again.close()


def test_a_name_that_cannot_be_written_has_no_label(tmp_path: Path) -> None:
    names = OperationNames(shared=SharedNames(tmp_path / "missing" / "operations"))
    assert {names.label("Dashboard") for _ in range(2 * MIN_COUNT)} == {OTHER}


def test_a_read_only_root_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    with pytest.raises(MetricsDirectoryError, match="Set TMPDIR"), metrics_directory():
        pass


def test_all_workers_together_have_the_bound_of_names(tmp_path: Path) -> None:
    workers = [OperationNames(shared=SharedNames(tmp_path / "operations")) for _ in range(3)]
    labels: set[str] = set()
    for index in range(MAX_NAMES):
        for number, names in enumerate(workers):
            for _ in range(MIN_COUNT):
                labels.add(names.label(f"Made_{number}_{index}"))
    replacement = OperationNames(shared=SharedNames(tmp_path / "operations"))

    assert len(labels - {OTHER}) == MAX_NAMES
    assert {replacement.label("Made_0_0") for _ in range(MIN_COUNT)} == {OTHER, "Made_0_0"}
    assert {replacement.label("Made_new") for _ in range(2 * MIN_COUNT)} == {OTHER}
