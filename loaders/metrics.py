"""Metrics of stores, statements, sections and the cache.

Whoever records looks instruments up once and keeps them. What is counted for each object would cost more than the
object, so that numbers are recorded for each batch.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from loaders.instruments import OTHER, Counter, counter, gauge, histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

MAX_STATEMENTS = 300
"""Combinations of sections that are told apart in a store: clients choose which sections they ask together."""
_MAX_SECTIONS = 10_000
"""Sections that are told apart, each with three states or two stores. A model has some hundred."""
_NAMED_SECTIONS = 4
"""Sections of a statement that its label names; it counts the others."""
_SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0)
_FUSED = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_LAGS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

STORE_STATEMENTS = counter(
    "fuseway_store_statements_total",
    "Statements, by what became of them; those that were not sent since the store is away are `unavailable`.",
    "store",
    "database",
    "outcome",
)
STORE_DURATIONS = histogram(
    "fuseway_store_statement_duration_seconds",
    "Seconds from when a statement had its connection to when its answer was read or it failed.",
    "store",
    "database",
)
STORE_ROWS = counter("fuseway_store_rows_total", "Rows that the store answered.", "store", "database")
STORE_BYTES = counter(
    "fuseway_store_bytes_total", "Bytes that the store sent, as they came from its connections.", "store", "database"
)
POOL_WAITS = histogram(
    "fuseway_store_pool_wait_seconds", "Seconds that a statement waited for a connection.", "store", "database"
)
POOL_CONNECTIONS = gauge(
    "fuseway_store_pool_connections",
    "Connections that execute a statement (`used`), or are open and wait for one (`idle`, of PostgreSQL alone).",
    "store",
    "database",
    "state",
)
POOL_MAX_CONNECTIONS = gauge(
    "fuseway_store_pool_max_connections", "Connections that all workers may have.", "store", "database"
)
BREAKER_OPEN = gauge(
    "fuseway_store_circuit_breaker_open",
    "1 while a worker takes the store to be away, so that statements are not sent; else 0.",
    "store",
    "database",
    sharing="livemax",
)

SECTION_KEYS = histogram(
    "fuseway_section_batch_keys",
    "Objects that a section was loaded for at once: `_count` is its loads, `_sum` its objects.",
    "section",
    bounds=_SIZES,
    max_series=_MAX_SECTIONS,
)
SECTION_VALUES = counter(
    "fuseway_section_values_total",
    "Values that requests asked of a section with a freshness, by what the cache had of them.",
    "section",
    "state",
    max_series=_MAX_SECTIONS,
)
SECTION_SECONDS = counter(
    "fuseway_section_statement_seconds_total",
    "Seconds of statements, divided equally among the sections that each was for.",
    "section",
    "store",
    max_series=_MAX_SECTIONS,
)
SECTION_STATEMENTS = counter(
    "fuseway_section_statements_total",
    "Statements that a section was fused into.",
    "section",
    "store",
    max_series=_MAX_SECTIONS,
)
STATEMENT_SECTIONS = histogram(
    "fuseway_statement_sections", "Sections that a statement was for.", bounds=_FUSED
).labels()
STATEMENT_SECONDS = counter(
    "fuseway_statement_seconds_total",
    "Seconds of statements from when they were ready, waiting for a connection included, by what they were for.",
    "store",
    "statement",
)
STATEMENT_EXECUTIONS = counter(
    "fuseway_statement_executions_total", "Statements that were sent, by what they were for.", "store", "statement"
)

CACHE_BYTES = gauge("fuseway_cache_bytes", "Memory that the entries take, by estimate.", "cache")
CACHE_ENTRIES = gauge("fuseway_cache_entries", "Entries in the memory of all workers.", "cache")
CACHE_EVICTIONS = counter(
    "fuseway_cache_evictions_total", "Entries that made room for others; changes and ages evict none.", "cache"
)
LEASE_WAITS = histogram(
    "fuseway_cache_lease_wait_seconds", "Seconds that a load waited for what another worker was loading."
).labels()
INVALIDATIONS = counter(
    "fuseway_cache_invalidations_total",
    "Changes that workers have applied, each worker one: `objects`, `sources` (a table or a section of all objects), or"
    " `everything`, also where changes may have been missed.",
    "reason",
)
INVALIDATION_LAGS = histogram(
    "fuseway_cache_invalidation_lag_seconds",
    "Seconds from when a change was heard from a database to when no worker serves anything older.",
    bounds=_LAGS_S,
).labels()
CACHE_AVAILABLE = gauge(
    "fuseway_cache_available",
    "1 while all workers may serve cached values and look them up in Redis; else 0. Without a cache there is none.",
    sharing="livemin",
)

RATE_LIMIT_DECISIONS = counter(
    "fuseway_rate_limit_decisions_total",
    "Charges to budgets: `allowed`, `refused`, or `unmetered` where a viewer has no limit.",
    "decision",
)


class StoreMetrics:
    """The instruments of one database's client."""

    __slots__ = (
        "bytes",
        "cancelled",
        "database",
        "durations",
        "ok",
        "refused",
        "rows",
        "store",
        "timeout",
        "unavailable",
        "waits",
    )

    def __init__(self, store: str, database: str) -> None:
        self.store = store
        self.database = database
        self.ok = STORE_STATEMENTS.labels(store, database, "ok")
        self.unavailable = STORE_STATEMENTS.labels(store, database, "unavailable")
        self.timeout = STORE_STATEMENTS.labels(store, database, "timeout")
        self.refused = STORE_STATEMENTS.labels(store, database, "refused")
        self.cancelled = STORE_STATEMENTS.labels(store, database, "cancelled")
        self.durations = STORE_DURATIONS.labels(store, database)
        self.waits = POOL_WAITS.labels(store, database)
        self.rows = STORE_ROWS.labels(store, database)
        self.bytes = STORE_BYTES.labels(store, database)

    def timed(self) -> Stopwatch:
        """Return what observes how long a block takes that executes a statement."""
        return Stopwatch(self.durations.observe)


class Stopwatch:
    """Records how many seconds its block takes, however that ends."""

    __slots__ = ("_began", "_record")

    def __init__(self, record: Callable[[float], None]) -> None:
        self._record = record

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._record(time.perf_counter() - self._began)


def database_label(variable: str) -> str:
    """Return what metrics call a database by the setting of its URL: `crm` of DATABASE_CRM_URL, else `default`."""
    name = variable.removesuffix("_URL").removeprefix("DATABASE").removeprefix("CLICKHOUSE").strip("_")
    return name.lower() or "default"


class StatementMetrics:
    """The instruments of statements for the same sections, in the order of their answers."""

    __slots__ = ("executions", "seconds", "sections")

    def __init__(self, store: str, sections: Sequence[str]) -> None:
        label = statement_label(store, sections)
        self.seconds = STATEMENT_SECONDS.labels(store, label)
        self.executions = STATEMENT_EXECUTIONS.labels(store, label)
        self.sections: list[tuple[Counter, Counter]] = [
            (SECTION_SECONDS.labels(name, store), SECTION_STATEMENTS.labels(name, store)) for name in sections
        ]

    def record(self, seconds: float) -> None:
        """Count a statement."""
        self.executions.value += 1
        self.seconds.value += seconds
        STATEMENT_SECTIONS.observe(len(self.sections))
        share = seconds / len(self.sections)
        for own_seconds, statements in self.sections:
            own_seconds.value += share
            statements.value += 1


_statement_metrics: dict[tuple[str, tuple[str, ...]], StatementMetrics] = {}
_section_values: dict[str, tuple[Counter, Counter, Counter]] = {}


def statement_metrics(store: str, sections: tuple[str, ...]) -> StatementMetrics:
    """Return the instruments of statements of a store for these sections."""
    metrics = _statement_metrics.get((store, sections))
    if metrics is None:
        metrics = StatementMetrics(store, sections)
        if len(_statement_metrics) < 10 * MAX_STATEMENTS:
            _statement_metrics[store, sections] = metrics
    return metrics


def statement_label(store: str, sections: Sequence[str]) -> str:
    """Return the label of statements for these sections: OTHER where the store has as many labels as it may."""
    further = len(sections) - _NAMED_SECTIONS
    label = "+".join(sections[:_NAMED_SECTIONS]) + (f"+{further} more" if further > 0 else "")
    of_store = [series for series in STATEMENT_SECONDS.series if series[0] == store]
    return label if (store, label) in of_store or len(of_store) < MAX_STATEMENTS else OTHER


_of_everything, _of_sources, _of_objects = map(INVALIDATIONS.labels, ("everything", "sources", "objects"))


def record_invalidation(*, is_everything: bool, is_of_sources: bool) -> None:
    """Count a change that was applied."""
    invalidations = _of_everything if is_everything else _of_sources if is_of_sources else _of_objects
    invalidations.value += 1


def record_load(section: str, keys: int) -> None:
    """Count a load of a section for so many objects, whatever number of statements it takes."""
    SECTION_KEYS.labels(section).observe(keys)


def record_values(section: str, *, fresh: int, stale: int, missed: int) -> None:
    """Count the values of a section that a request asked for, by what the cache had of them."""
    counters = _section_values.get(section)
    if counters is None:
        counters = _section_values[section] = (
            SECTION_VALUES.labels(section, "fresh"),
            SECTION_VALUES.labels(section, "stale"),
            SECTION_VALUES.labels(section, "missed"),
        )
    counters[0].value += fresh
    counters[1].value += stale
    counters[2].value += missed
