"""The tables of what the gateway does: which operation, section, statement and store takes the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.observability.scrape import NO_OBSERVATIONS
from gateway.observability.table import (
    BYTE_RATE,
    BYTES,
    COUNT,
    RATE,
    SECONDS,
    SHARE,
    TEXT,
    Column,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.observability.scrape import Interval
    from gateway.observability.table import Cell

_ANSWERED = ("ok", "cached")
_CLIENTS_OWN = ("client_error", "hang_up")
"""Outcomes of requests that are no failures of the gateway."""
_FAILED = ("unavailable", "timeout", "refused")
"""Outcomes of statements that are failures; one that is cancelled is none."""


def status_tables(interval: Interval) -> list[Table]:
    """Return all tables of an interval, in the order in which they are shown. A table without rows is left out."""
    tables = (make(interval) for make in _TABLES)
    return [table for table in tables if table.rows]


def _overview(interval: Interval) -> Table:
    requests = _by_outcome(interval)
    durations = interval.histograms("fuseway_http_request_duration_seconds").get((), NO_OBSERVATIONS)
    columns = (
        Column("requests_per_second", "requests", RATE),
        Column("cached_ratio", "cached", SHARE),
        Column("failed_ratio", "failed", SHARE),
        Column("p50_seconds", "p50", SECONDS),
        Column("p99_seconds", "p99", SECONDS),
        Column("in_flight", "in flight", COUNT),
        Column("queued", "queued", COUNT),
        Column("refused_per_second", "refused", RATE),
        Column("connections", "connections", COUNT),
        Column("loop_lag_p99_seconds", "loop lag p99", SECONDS),
        Column("cache", "cache", TEXT),
    )
    row = (
        _rate(interval, sum(requests.values())),
        _ratio(requests.get("cached", 0.0), sum(requests.values())),
        _ratio(_failed(requests), sum(requests.values())),
        durations.quantile(0.5),
        durations.quantile(0.99),
        _gauge(interval, "fuseway_http_requests_in_flight"),
        _gauge(interval, "fuseway_admission_queue_requests"),
        _rate(interval, sum(interval.increases("fuseway_admission_refused_total").values())),
        _gauge(interval, "fuseway_http_connections"),
        interval.histograms("fuseway_event_loop_lag_seconds").get((), NO_OBSERVATIONS).quantile(0.99),
        _state(_gauge(interval, "fuseway_cache_available"), "unavailable", "available"),
    )
    return Table("gateway", "Gateway", columns, [row] if interval.has("fuseway_http_requests_total") else [])


def _operations(interval: Interval) -> Table:
    durations = interval.histograms("fuseway_http_request_duration_seconds", "operation")
    outcomes = interval.increases("fuseway_http_requests_total", "operation", "outcome")
    columns = (
        Column("operation", "operation", TEXT),
        Column("requests_per_second", "requests", RATE),
        Column("time_ratio", "time", SHARE),
        Column("cached_ratio", "cached", SHARE),
        Column("failed_ratio", "failed", SHARE),
        Column("p50_seconds", "p50", SECONDS),
        Column("p99_seconds", "p99", SECONDS),
    )
    whole = sum(each.total for each in durations.values())
    rows = []
    for (operation,), duration in durations.items():
        requests = {outcome: count for (name, outcome), count in outcomes.items() if name == operation}
        number = sum(requests.values())
        cells = (
            operation,
            _rate(interval, number),
            _ratio(duration.total, whole),
            _ratio(requests.get("cached", 0.0), number),
            _ratio(_failed(requests), number),
            duration.quantile(0.5),
            duration.quantile(0.99),
        )
        rows.append(_Row((duration.total, number), cells))
    return Table("operations", "Operations by time", columns, _sorted(rows))


def _sections(interval: Interval) -> Table:
    seconds = interval.increases("fuseway_section_statement_seconds_total", "section")
    statements = interval.increases("fuseway_section_statements_total", "section")
    batches = interval.histograms("fuseway_section_batch_keys", "section")
    states = interval.increases("fuseway_section_values_total", "section", "state")
    whole = sum(interval.increases("fuseway_statement_seconds_total").values())
    columns = (
        Column("section", "section", TEXT),
        Column("time_ratio", "time", SHARE),
        Column("statements_per_second", "statements", RATE),
        Column("mean_statement_seconds", "mean", SECONDS),
        Column("loads_per_second", "loads", RATE),
        Column("keys_per_load", "keys/load", COUNT),
        Column("fresh_ratio", "fresh", SHARE),
        Column("stale_ratio", "stale", SHARE),
        Column("missed_ratio", "missed", SHARE),
    )
    rows = []
    for key in dict.fromkeys([*seconds, *batches, *((section,) for section, _ in states)]):
        taken, number = seconds.get(key, 0.0), statements.get(key, 0.0)
        batch = batches.get(key, NO_OBSERVATIONS)
        values = {state: count for (section, state), count in states.items() if section == key[0]}
        cells = (
            *key,
            _ratio(taken, whole),
            _rate(interval, number),
            _ratio(taken, number),
            _rate(interval, batch.count),
            batch.mean(),
            *(_ratio(values.get(state, 0.0), sum(values.values())) for state in ("fresh", "stale", "missed")),
        )
        rows.append(_Row((taken, sum(values.values())), cells))
    return Table("sections", "Sections by time of their statements", columns, _sorted(rows))


def _statements(interval: Interval) -> Table:
    seconds = interval.increases("fuseway_statement_seconds_total", "store", "statement")
    numbers = interval.increases("fuseway_statement_executions_total", "store", "statement")
    columns = (
        Column("statement", "statement (its sections)", TEXT),
        Column("store", "store", TEXT),
        Column("time_ratio", "time", SHARE),
        Column("seconds_per_second", "busy", SHARE),
        Column("executions_per_second", "executions", RATE),
        Column("mean_seconds", "mean", SECONDS),
    )
    whole = sum(seconds.values())
    rows = [
        _Row(
            (taken, numbers.get((store, statement), 0.0)),
            (
                statement,
                store,
                _ratio(taken, whole),
                _rate(interval, taken),
                _rate(interval, numbers.get((store, statement), 0.0)),
                _ratio(taken, numbers.get((store, statement), 0.0)),
            ),
        )
        for (store, statement), taken in seconds.items()
    ]
    return Table("statements", "Statements by time", columns, _sorted(rows))


_STORE_COLUMNS = (
    Column("store", "store", TEXT),
    Column("database", "database", TEXT),
    Column("circuit_breaker", "circuit breaker", TEXT),
    Column("statements_per_second", "statements", RATE),
    Column("failed_ratio", "failed", SHARE),
    Column("p50_seconds", "p50", SECONDS),
    Column("p99_seconds", "p99", SECONDS),
    Column("rows_per_second", "rows", RATE),
    Column("bytes_per_second", "bytes", BYTE_RATE),
    Column("connections_used", "used", COUNT),
    Column("connections_max", "of", COUNT),
    Column("pool_wait_p99_seconds", "wait p99", SECONDS),
)


def _stores(interval: Interval) -> Table:
    by = ("store", "database")
    durations = interval.histograms("fuseway_store_statement_duration_seconds", *by)
    waits = interval.histograms("fuseway_store_pool_wait_seconds", *by)
    outcomes = interval.increases("fuseway_store_statements_total", *by, "outcome")
    breakers = interval.values("fuseway_store_circuit_breaker_open", *by)
    sizes = interval.values("fuseway_store_pool_max_connections", *by)
    used = interval.values("fuseway_store_pool_connections", *by, "state")
    rows_read = interval.increases("fuseway_store_rows_total", *by)
    bytes_read = interval.increases("fuseway_store_bytes_total", *by)
    rows = []
    for key in dict.fromkeys([*breakers, *sizes, *durations, *((store, name) for store, name, _ in outcomes)]):
        counts = {outcome: count for (store, name, outcome), count in outcomes.items() if (store, name) == key}
        duration = durations.get(key, NO_OBSERVATIONS)
        cells = (
            *key,
            _state(breakers.get(key), "closed", "OPEN"),
            _rate(interval, sum(counts.values())),
            _ratio(sum(counts.get(outcome, 0.0) for outcome in _FAILED), sum(counts.values())),
            duration.quantile(0.5),
            duration.quantile(0.99),
            _rate(interval, rows_read.get(key, 0.0)),
            _rate(interval, bytes_read.get(key, 0.0)),
            used.get((*key, "used")),
            sizes.get(key),
            waits.get(key, NO_OBSERVATIONS).quantile(0.99),
        )
        rows.append(_Row((duration.total, sum(counts.values())), cells))
    return Table("stores", "Stores", _STORE_COLUMNS, _sorted(rows))


def _caches(interval: Interval) -> Table:
    sizes = interval.values("fuseway_cache_bytes", "cache")
    entries = interval.values("fuseway_cache_entries", "cache")
    evictions = interval.increases("fuseway_cache_evictions_total", "cache")
    columns = (
        Column("cache", "cache", TEXT),
        Column("entries", "entries", COUNT),
        Column("bytes", "memory", BYTES),
        Column("evictions_per_second", "evictions", RATE),
    )
    rows = [
        _Row((sizes.get(key, 0.0), count), (*key, count, sizes.get(key), _rate(interval, evictions.get(key, 0.0))))
        for key, count in entries.items()
    ]
    return Table("caches", "Caches of all workers", columns, _sorted(rows))


def _fallbacks(interval: Interval) -> Table:
    lists = interval.increases("fuseway_executor_lists_total", "path", "reason")
    whole = sum(lists.values())
    columns = (
        Column("reason", "reason", TEXT),
        Column("lists_per_second", "lists", RATE),
        Column("lists_ratio", "of all", SHARE),
    )
    rows = [
        _Row((count, 0.0), (reason, _rate(interval, count), _ratio(count, whole)))
        for (path, reason), count in lists.items()
        if path == "fallback" and count
    ]
    return Table("fallbacks", "Lists and objects left to graphql-core", columns, _sorted(rows))


def _workers(interval: Interval) -> Table:
    seconds = interval.increases("fuseway_worker_cpu_seconds_total", "worker")
    columns = (
        Column("worker", "worker", TEXT),
        Column("cpu_ratio", "CPU", SHARE),
        Column("memory_bytes", "memory", BYTES),
    )
    memory = interval.values("fuseway_worker_memory_bytes", "worker")
    rows = [(*key, _rate(interval, seconds.get(key, 0.0)), size) for key, size in sorted(memory.items())]
    return Table("workers", "Workers", columns, rows)


_TABLES: tuple[Callable[[Interval], Table], ...] = (
    _overview,
    _sections,
    _statements,
    _stores,
    _operations,
    _caches,
    _fallbacks,
    _workers,
)


class _Row(NamedTuple):
    """A row, and the numbers that it is sorted by: the largest first."""

    order: tuple[float, float]
    cells: Sequence[Cell]


def _sorted(rows: Iterable[_Row]) -> list[Sequence[Cell]]:
    return [row.cells for row in sorted(rows, key=lambda row: row.order, reverse=True)]


def _by_outcome(interval: Interval) -> dict[str, float]:
    counts = interval.increases("fuseway_http_requests_total", "outcome")
    return {outcome: count for (outcome,), count in counts.items()}


def _failed(requests: Mapping[str, float]) -> float:
    """Return how many requests failed that the client is not to blame for; a partial answer is a failure."""
    return sum(count for outcome, count in requests.items() if outcome not in (*_ANSWERED, *_CLIENTS_OWN))


def _rate(interval: Interval, increase: float) -> float | None:
    return increase / interval.seconds if interval.seconds else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _gauge(interval: Interval, name: str) -> float | None:
    return interval.values(name).get(())


def _state(value: float | None, when_zero: str, otherwise: str) -> str | None:
    """Return the word for a gauge of all workers that is 0 or more; None without it."""
    if value is None:
        return None
    return otherwise if value else when_zero
