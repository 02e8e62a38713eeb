"""Read what is counted elsewhere, or is a state, into metrics, while the application runs."""

from __future__ import annotations

import asyncio
import platform
import resource
import sys
import time
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gateway.observability import gateway_metrics as own
from gateway.observability.memory_limit import memory_limit_bytes
from loaders import metrics
from loaders.concurrency import cancel_and_wait

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gateway.admission.admission import Admission
    from gateway.observability.slot_files import SlotFiles
    from gateway.stores import Store
    from loaders.cache.cache import Cache
    from loaders.instruments import Counter

_TICK_S = 0.25
"""Time of a timer whose delay is the event loop's."""
_SAMPLE_TICKS = 2
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = resource.getpagesize()
_STARTED_AT = time.time()
"""About when this process was started: a worker imports its modules first."""


class SizedCache(Protocol):
    """A cache whose size metrics show."""

    @property
    def evictions(self) -> int:
        """How many entries have made room for others."""

    def __len__(self) -> int: ...


@dataclass(slots=True)
class Sampler:
    """Reads the state of a process into gauges, and totals that others count into counters."""

    worker: str
    stores: Iterable[Store]
    cache: Cache | None
    caches: Mapping[str, Iterable[SizedCache]]
    """By their label. What has `bytes` shows them too."""
    admission: Admission
    memory_limit_bytes: int = field(default_factory=memory_limit_bytes)
    _totals: dict[int, float] = field(default_factory=dict)
    """By counter, what was read last."""

    def sample(self) -> None:
        """Read everything once."""
        self._sample_stores()
        self._sample_caches()
        self._sample_admission()
        own.MEMORY_LIMIT.value = self.memory_limit_bytes
        own.WORKER_START.labels(self.worker).value = _STARTED_AT
        own.WORKER_MEMORY.labels(self.worker).value = _memory_bytes()
        self._grow(own.WORKER_CPU.labels(self.worker), time.process_time())

    def _sample_stores(self) -> None:
        for store in self.stores:
            labels = store.metrics.store, store.metrics.database
            used, idle = store.connections
            metrics.POOL_CONNECTIONS.labels(*labels, "used").value = used
            if idle is not None:
                metrics.POOL_CONNECTIONS.labels(*labels, "idle").value = idle
            metrics.POOL_MAX_CONNECTIONS.labels(*labels).value = store.max_connections
            metrics.BREAKER_OPEN.labels(*labels).value = store.outage is not None

    def _sample_caches(self) -> None:
        for label, caches in self.caches.items():
            parts = list(caches)
            metrics.CACHE_ENTRIES.labels(label).value = sum(map(len, parts))
            self._grow(metrics.CACHE_EVICTIONS.labels(label), sum(part.evictions for part in parts))
            sizes = [part.bytes for part in parts if hasattr(part, "bytes")]
            if sizes:
                metrics.CACHE_BYTES.labels(label).value = sum(sizes)
        if self.cache is not None:
            metrics.CACHE_AVAILABLE.labels().value = self.cache.reason is None

    def _sample_admission(self) -> None:
        admission = self.admission
        gates = admission.door, admission.heavy
        own.QUEUED.value = sum(gate.waiting for gate in gates)
        own.IN_FLIGHT_POINTS.value, own.LIMIT_POINTS.value = admission.heavy.cost, admission.max_heavy_points
        own.PLACES.labels("used").value, own.PLACES.labels("limit").value = admission.door.count, admission.limit.value
        self._grow(own.REFUSED.labels("full"), sum(gate.counters.refused_full for gate in gates))
        self._grow(own.REFUSED.labels("late"), sum(gate.counters.refused_late for gate in gates))

    def _grow(self, counter: Counter, total: float) -> None:
        """Add to a counter what a total has grown by since it was read last."""
        counter.value += total - self._totals.get(id(counter), 0.0)
        self._totals[id(counter)] = total


@asynccontextmanager
async def sampled(sampler: Sampler, files: SlotFiles | None = None) -> AsyncIterator[None]:
    """Sample in the block, twice a second, and measure the event loop's delay; publish to the files of a worker."""
    sampler.sample()
    task = asyncio.create_task(_sample(sampler, files))
    try:
        yield
    finally:
        await cancel_and_wait([task])
        sampler.sample()
        if files is not None:
            files.close()


async def _sample(sampler: Sampler, files: SlotFiles | None) -> None:
    ticks = 0
    while True:
        due = time.perf_counter() + _TICK_S
        await asyncio.sleep(_TICK_S)
        own.LOOP_LAGS.observe(max(0.0, time.perf_counter() - due))
        ticks += 1
        if ticks % _SAMPLE_TICKS == 0:
            sampler.sample()
        if files is not None:
            files.publish()


def set_build_info(model: str) -> None:
    """Say which model is served, and by which versions."""
    try:
        own_version = version("fuseway")
    except PackageNotFoundError:  # run from its sources
        own_version = "unknown"
    own.BUILD_INFO.labels(own_version, platform.python_version(), model or "none").value = 1


def _memory_bytes() -> int:
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):  # no Linux: the most that it was
        unit = 1 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
