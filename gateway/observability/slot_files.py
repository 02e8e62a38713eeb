"""Write the metrics of a worker to files that its parent reads: those of prometheus-client's multiprocess mode."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.mmap_dict import mmap_key

from gateway.observability.exposition import bucket_labels, metric_name
from gateway.observability.number_file import NumberFile
from loaders.instruments import FAMILIES, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.observability.worker_slots import WorkerSlot
    from loaders.instruments import AnyFamily

_Instrument = Counter | Gauge | Histogram

_log = logging.getLogger("gateway")


class SlotFiles:
    """The files of a worker's place, which `publish` brings up to date.

    A counter goes on where the worker before it in this place has ended; a gauge begins anew. Numbers are published
    several times a second, since a write for each would cost more than what is counted: a worker that is killed takes
    the last moment's along. Where the disk is full, the worker serves all the same, and publishes once there is room.
    """

    def __init__(self, slot: WorkerSlot) -> None:
        self.number = slot.number
        self._directory = Path(slot.directory)
        self._files: dict[str, NumberFile] = {}
        self._numbers: list[_NumberWriter] = []
        self._histograms: list[_HistogramWriter] = []
        self._series: dict[str, int] = {}
        """How many series of each metric are published."""
        self._goes_on = self._is_failing = False

    def publish(self) -> None:
        """Write what has changed since the last time. What cannot be written is logged once, and tried again."""
        try:
            self._go_on()
            self._write()
        except OSError as error:
            if not self._is_failing:
                reason = error.strerror or error
                _log.error(
                    "Metrics cannot be written to %s, and are behind until they can: %s.", self._directory, reason
                )
            self._is_failing = True
        else:
            if self._is_failing:
                _log.warning("Metrics are written again.")
            self._is_failing = False

    def _go_on(self) -> None:
        """Add, once, what the worker before this one in its place has counted."""
        if self._goes_on:
            return
        for family in FAMILIES.values():
            if family.kind != "gauge":
                self._file(family)
        self._goes_on = True
        for file in self._files.values():
            _add_counted(file)

    def _write(self) -> None:
        """Write what has changed. Most has not: a look at it takes less than a call would."""
        for family in FAMILIES.values():
            known = self._series.get(family.name, 0)
            if len(family.series) > known:
                series: dict[tuple[str, ...], _Instrument] = dict(family.series)
                self._add(family, list(series.items())[known:])
        for number in self._numbers:
            if number.instrument.value != number.written:
                number.write()
        for histogram in self._histograms:
            if histogram.instrument.counts != histogram.written:
                histogram.write()

    def _add(self, family: AnyFamily, series: Sequence[tuple[tuple[str, ...], _Instrument]]) -> None:
        """Publish more series of a metric from now on."""
        file = self._file(family)
        self._series[family.name] = self._series.get(family.name, 0) + len(series)
        for values, instrument in series:
            keys = _keys(family, values, instrument)
            if isinstance(instrument, Histogram):
                self._histograms.append(_HistogramWriter(file, keys, instrument))
            else:
                self._numbers.append(_NumberWriter(file, keys[0], instrument))

    def close(self) -> None:
        """Publish once more, and close the files."""
        self.publish()
        for file in self._files.values():
            file.close()

    def _file(self, family: AnyFamily) -> NumberFile:
        prefix = f"gauge_{family.sharing}" if family.kind == "gauge" else family.kind
        if prefix not in self._files:
            self._files[prefix] = NumberFile(self._directory / f"{prefix}_{self.number}.db")
        return self._files[prefix]


class _NumberWriter:
    """Writes a counter or a gauge."""

    __slots__ = ("_file", "_key", "instrument", "written")

    def __init__(self, file: NumberFile, key: str, instrument: Counter | Gauge) -> None:
        self._file = file
        self._key = key
        self.instrument = instrument
        self.written = math.nan
        """The number in the file."""

    def write(self) -> None:
        value = self.instrument.value
        self._file.write(self._key, value)
        self.written = value


class _HistogramWriter:
    """Writes the buckets of a histogram that have changed, and its sum."""

    __slots__ = ("_file", "_keys", "instrument", "written")

    def __init__(self, file: NumberFile, keys: Sequence[str], instrument: Histogram) -> None:
        self._file = file
        self._keys = keys
        self.instrument = instrument
        self.written: list[float] = []
        """The counts in the file."""

    def write(self) -> None:
        total, *keys = self._keys
        before, counts = self.written or [math.nan] * len(keys), list(self.instrument.counts)
        for key, count, old in zip(keys, counts, before, strict=True):
            if count != old:
                self._file.write(key, count)
        self._file.write(total, self.instrument.sum)
        self.written = counts


def _keys(family: AnyFamily, values: Sequence[str], instrument: _Instrument) -> list[str]:
    """Return the keys of an instrument's numbers in the files, of a histogram first that of its sum."""
    name, labels, about = metric_name(family), list(family.label_names), family.about
    if not isinstance(instrument, Histogram):
        return [mmap_key(name, family.name, labels, list(values), about)]
    bounds = bucket_labels(instrument.bounds)
    buckets = [mmap_key(name, f"{name}_bucket", [*labels, "le"], [*values, bound], about) for bound in bounds]
    return [mmap_key(name, f"{name}_sum", labels, list(values), about), *buckets]


def _add_counted(file: NumberFile) -> None:
    """Add the numbers of a file to this process's own."""
    for key, number in file.numbers_before():
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
