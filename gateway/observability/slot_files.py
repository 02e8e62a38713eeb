"""Write the metrics of a worker to files that its parent reads: those of prometheus-client's multiprocess mode."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.mmap_dict import MmapedDict, mmap_key

from gateway.observability.exposition import bucket_labels, metric_name
from loaders.instruments import FAMILIES, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.observability.worker_slots import WorkerSlot
    from loaders.instruments import AnyFamily

_Instrument = Counter | Gauge | Histogram


class SlotFiles:
    """The files of a worker's place, which `publish` brings up to date.

    A counter goes on where the worker before it in this place has ended; a gauge begins anew. Numbers are published
    several times a second, since a write for each would cost more than what is counted: a worker that is killed takes
    the last moment's along.
    """

    def __init__(self, slot: WorkerSlot) -> None:
        self.number = slot.number
        self._directory = Path(slot.directory)
        self._files: dict[str, MmapedDict] = {}
        self._writers: dict[str, list[_Writer]] = {}
        for family in FAMILIES.values():
            if family.kind != "gauge":
                self._file(family)
        for file in self._files.values():
            _go_on(file)

    def publish(self) -> None:
        """Write what has changed since the last time."""
        for family in FAMILIES.values():
            writers = self._writers.setdefault(family.name, [])
            if len(family.series) > len(writers):
                file = self._file(family)
                series: dict[tuple[str, ...], _Instrument] = dict(family.series)
                new = list(series.items())[len(writers) :]
                writers += [_Writer(file, family, values, instrument) for values, instrument in new]
            for writer in writers:
                writer.write()

    def close(self) -> None:
        """Publish once more, and close the files."""
        self.publish()
        for file in self._files.values():
            file.close()

    def _file(self, family: AnyFamily) -> MmapedDict:
        prefix = f"gauge_{family.sharing}" if family.kind == "gauge" else family.kind
        if prefix not in self._files:
            self._files[prefix] = MmapedDict(str(self._directory / f"{prefix}_{self.number}.db"))
        return self._files[prefix]


class _Writer:
    """Writes the numbers of one instrument that have changed."""

    __slots__ = ("_file", "_instrument", "_keys", "_written")

    def __init__(self, file: MmapedDict, family: AnyFamily, values: Sequence[str], instrument: _Instrument) -> None:
        self._file = file
        self._instrument = instrument
        self._keys = _keys(family, values, instrument)
        self._written: list[float] = []
        """The numbers in the file, in the order of their keys."""

    def write(self) -> None:
        instrument = self._instrument
        numbers = [instrument.sum, *instrument.counts] if isinstance(instrument, Histogram) else [instrument.value]
        if numbers == self._written:
            return
        written = self._written or [math.nan] * len(numbers)
        for key, number, before in zip(self._keys, numbers, written, strict=True):
            if number != before:
                self._file.write_value(key, float(number), 0.0)
        self._written = numbers


def _keys(family: AnyFamily, values: Sequence[str], instrument: _Instrument) -> list[str]:
    """Return the keys of an instrument's numbers in the files, of a histogram first that of its sum."""
    name, labels, about = metric_name(family), list(family.label_names), family.about
    if not isinstance(instrument, Histogram):
        return [mmap_key(name, family.name, labels, list(values), about)]
    bounds = bucket_labels(instrument.bounds)
    buckets = [mmap_key(name, f"{name}_bucket", [*labels, "le"], [*values, bound], about) for bound in bounds]
    return [mmap_key(name, f"{name}_sum", labels, list(values), about), *buckets]


def _go_on(file: MmapedDict) -> None:
    """Add what the worker before this one in its place has counted."""
    for key, number, _ in file.read_all_values():
        name, sample, labels, _ = json.loads(key)
        family = FAMILIES.get(sample) or FAMILIES.get(name)
        bound = labels.pop("le", None)
        if family is None or set(labels) != set(family.label_names):
            continue  # of another version of the gateway, or of its model
        values = tuple(labels[label] for label in family.label_names)
        instrument: _Instrument = family.labels(*values)
        if family.series.get(values) is not instrument:
            continue  # it is over the bound, and stays in the file as it is
        if isinstance(instrument, Counter):
            instrument.value += number
        elif isinstance(instrument, Histogram) and sample.endswith("_sum"):
            instrument.sum += number
        elif isinstance(instrument, Histogram) and bound in (bounds := bucket_labels(instrument.bounds)):
            instrument.counts[bounds.index(bound)] += number


_current: WorkerSlot | None = None


def take_slot(slot: WorkerSlot) -> None:
    """Set the place of this process, before its application is made."""
    global _current
    _current = slot


def current_slot() -> WorkerSlot | None:
    """Return the place of this process; None in a gateway of one process, and without metrics."""
    return _current


def open_slot_files() -> SlotFiles | None:
    """Return the files of this process's place; None in a gateway of one process, and without metrics."""
    return SlotFiles(_current) if _current is not None else None
