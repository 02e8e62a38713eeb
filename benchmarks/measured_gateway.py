"""A gateway as it is served in production, with all that it and its stores have used so far."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil
import redis
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.calibration.cpu import CLICKHOUSE, POSTGRESQL, VALKEY, engines_s, process_s
from benchmarks.servers import answers, listening, running
from deploy import SAMPLE_MODEL
from deploy.embedded.process import free_port

_COUNTERS = {"fuseway_store_statements_total": "statements", "fuseway_store_bytes_total": "bytes"}


@dataclass(frozen=True, slots=True)
class MeasuredGateway:
    """`gateway serve` with one worker. What is counted has the names of `RequestCost`."""

    url: str
    metrics_url: str
    process: psutil.Process
    redis: redis.Redis

    def cpu_ms(self) -> dict[str, float]:
        """Return the milliseconds of CPU that the gateway and each engine have used."""
        used_s = engines_s()
        return {
            "gateway_ms": process_s(self.process.pid) * 1_000,
            "postgresql_ms": used_s[POSTGRESQL] * 1_000,
            "clickhouse_ms": used_s[CLICKHOUSE] * 1_000,
            "redis_ms": used_s[VALKEY] * 1_000,
        }

    def counters(self) -> dict[str, float]:
        """Return the statements, commands and bytes so far. It takes CPU of the gateway and of Redis."""
        counts = {f"{store}_{kind}": 0.0 for store in (POSTGRESQL, CLICKHOUSE) for kind in _COUNTERS.values()}
        for family in text_string_to_metric_families(httpx.get(self.metrics_url).text):
            for sample in family.samples:
                if kind := _COUNTERS.get(sample.name):
                    counts[f"{sample.labels['store']}_{kind}"] += sample.value
        stats = self.redis.info("stats")
        counts["redis_commands"] = float(stats["total_commands_processed"])
        counts["redis_bytes"] = float(stats["total_net_input_bytes"] + stats["total_net_output_bytes"])
        return counts

    def redis_memory(self) -> int:
        """Return the bytes that Redis holds."""
        return int(self.redis.info("memory")["used_memory"])

    def resident_mib(self) -> float:
        """Return the resident memory of the worker."""
        return float(self.process.memory_info().rss) / 2**20


@contextmanager
def measured_gateway(urls: Mapping[str, str], settings: Mapping[str, str]) -> Iterator[MeasuredGateway]:
    """A gateway with an empty cache, for the length of the block."""
    port, metrics_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    own = {
        "GATEWAY_MODEL": SAMPLE_MODEL,
        "GATEWAY_PORT": str(port),
        "GATEWAY_METRICS_PORT": str(metrics_port),
    }
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        client.flushdb()
        command = [sys.executable, "-m", "gateway", "serve"]
        with running(command, lambda: answers(f"{url}/readyz"), {**urls, **own, **settings}):
            yield MeasuredGateway(url, f"http://127.0.0.1:{metrics_port}/metrics", listening(port), client)
