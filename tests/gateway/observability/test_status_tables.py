"""The tables name what takes the time, first, and never show a guess where nothing is known."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.observability import status_tables as module
from gateway.observability.catalog import DECLARING
from gateway.observability.scrape import EMPTY, Interval, Scrape
from gateway.observability.status_tables import status_tables
from loaders.instruments import FAMILIES
from tests.gateway.observability.expositions import AFTER, interval


def _records(of: Interval | None = None) -> dict[str, list[Any]]:
    return {table.name: table.records() for table in status_tables(of or interval())}


def test_the_gateway_as_a_whole() -> None:
    (gateway,) = _records()["gateway"]
    assert gateway["requests_per_second"] == 10
    assert gateway["cached_ratio"] == 0.3
    assert gateway["failed_ratio"] == 0.1  # the partial ones: a client's own mistakes are no failures
    assert gateway["p50_seconds"] == pytest.approx(0.0625)
    assert gateway["in_flight"] == 4
    assert gateway["connections"] is None


def test_the_section_whose_statement_is_slow_comes_first() -> None:
    slow, other = _records()["sections"]
    assert slow["section"] == "Aircraft.analysis.monthly"
    assert (slow["time_ratio"], slow["mean_statement_seconds"], slow["missed_ratio"]) == (0.9, 3, 1)
    assert other["section"] == "Aircraft.record"
    assert (other["loads_per_second"], other["keys_per_load"]) == (5, 10)
    assert (other["fresh_ratio"], other["stale_ratio"], other["missed_ratio"]) == (0.75, 0.05, 0.2)


def test_the_statement_that_is_slow_comes_first() -> None:
    slow, other = _records()["statements"]
    assert (slow["statement"], slow["store"], slow["time_ratio"]) == ("Aircraft.analysis.monthly", "clickhouse", 0.9)
    assert (slow["mean_seconds"], slow["executions_per_second"], slow["seconds_per_second"]) == (3, 0.3, 0.9)
    assert (other["mean_seconds"], other["executions_per_second"]) == (0.02, 5)


def test_a_store_that_is_away_says_so() -> None:
    postgres, clickhouse = _records()["stores"]
    assert (postgres["store"], postgres["circuit_breaker"], postgres["failed_ratio"]) == ("postgres", "closed", 0)
    assert (postgres["connections_used"], postgres["connections_max"]) == (3, 20)
    assert (clickhouse["store"], clickhouse["circuit_breaker"], clickhouse["failed_ratio"]) == (
        "clickhouse",
        "OPEN",
        0.5,
    )
    assert clickhouse["p99_seconds"] is None  # though 3 of 6 failed; those that were cancelled are no failures


def test_operations_caches_fallbacks_and_workers() -> None:
    records = _records()
    assert [(each["operation"], each["time_ratio"]) for each in records["operations"]] == [
        ("Trends", 0.8),
        ("Dashboard", 0.2),
    ]
    assert records["caches"] == [{"cache": "values", "entries": 20, "bytes": 2048, "evictions_per_second": 0.5}]
    assert records["fallbacks"] == [{"reason": "value: an error", "lists_per_second": 1, "lists_ratio": 0.1}]
    assert records["workers"] == [{"worker": "0", "cpu_ratio": 0.5, "memory_bytes": 2097152}]


def test_since_the_start_there_are_shares_and_means_but_no_rates() -> None:
    records = _records(Interval(EMPTY, Scrape.parse(AFTER, 0)))
    assert records["gateway"][0]["requests_per_second"] is None
    assert records["gateway"][0]["cached_ratio"] == 0.32
    assert records["sections"][0]["time_ratio"] == pytest.approx(9 / 11)


def test_of_a_gateway_without_metrics_there_is_no_table() -> None:
    assert status_tables(Interval(EMPTY, Scrape({}, 0))) == []


def test_every_metric_that_is_read_is_one_of_the_gateways() -> None:
    assert DECLARING  # importing them registers their metrics
    read = set(re.findall(r'"(fuseway_\w+)"', Path(module.__file__).read_text()))
    assert len(read) > 20
    assert read <= FAMILIES.keys()
