"""Prometheus, as shipped but more often, scrapes two workers under load: no panel is empty, and each rule has data."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import promql_parser as promql
import pytest
import pytest_asyncio

from benchmarks.prometheus import Prometheus, running_prometheus
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from tests.chaos.proxy import proxy
from tests.conftest import Stores
from tests.deploy.programs import program
from tests.deploy.promql import Expression, dashboard_expressions, rule_expressions, uses
from tests.deploy.traffic import Traffic
from tests.gateway.conftest import served

pytestmark = pytest.mark.deploy

_SETTINGS: Final = {
    "GATEWAY_WORKERS": "2",
    "GATEWAY_CACHE_ENTRIES": "2000",  # so that some make room for others
    "GATEWAY_RESPONSE_CACHE_MIB": "1",
    "GATEWAY_QUEUE_TIMEOUT_S": "0.2",  # so that some of a crowd are refused
    "GATEWAY_REQUEST_TIMEOUT_S": "10",
    "GATEWAY_CACHE_TIMEOUT_S": "1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",  # where no collector is: spans are counted all the same
    "OTEL_TRACES_SAMPLER": "traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.02",
}
_EVERY_S: Final = 5
_SCRAPES: Final = 4
"""After everything has happened once."""
_PATIENCE_S: Final = 150.0
EMPTY: Final[dict[str, str]] = {
    "FusewayGatewaysAbsent": "absent() has a value only where there is no gateway",
    "FusewayProbeFails": "no probe runs here",
    "FusewayProbeSilent": "no probe runs here",
}
"""Expressions that have no data while all is well, each with the reason."""
_ABSENT_LABELS: Final = frozenset({"namespace"})
"""Labels that series may lack: a namespace is Kubernetes'."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scraped(
    store_urls: StoreUrls, sample_stores: Stores, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    """Prometheus after a minute of load, which goes on."""
    binary, folder = program("prometheus"), tmp_path_factory.mktemp("prometheus")
    async with proxy(store_urls.clickhouse_url) as clickhouse:
        urls = StoreUrls(store_urls.database_url, clickhouse.url, store_urls.redis_url)
        async with _beside(_observed(binary, folder, urls)) as (url, prometheus):
            ids = await _aircraft(sample_stores)
            traffic = Traffic(url, ids, sample_stores.postgres, clickhouse)
            async with traffic.flowing():
                await traffic.exceptions()
                await _until_scraped(prometheus, _SCRAPES)
                yield prometheus


@contextmanager
def _observed(binary: str, folder: Path, urls: StoreUrls) -> Iterator[tuple[str, Prometheus]]:
    """A gateway of two workers, and Prometheus before it."""
    metrics = str(free_port())
    with ExitStack() as stack:
        log = stack.enter_context((folder / "gateway.log").open("wb"))
        url = stack.enter_context(served(urls, log, GATEWAY_METRICS_PORT=metrics, **_SETTINGS))
        yield url, stack.enter_context(running_prometheus(binary, folder, [f"127.0.0.1:{metrics}"], every_s=_EVERY_S))


@asynccontextmanager
async def _beside(manager: AbstractContextManager[tuple[str, Prometheus]]) -> AsyncIterator[tuple[str, Prometheus]]:
    """Enter and leave a context in a thread, so that proxies in this event loop go on meanwhile."""
    entered = await asyncio.to_thread(manager.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


async def _aircraft(stores: Stores) -> list[str]:
    rows = await stores.clickhouse.columns("select distinct tail_number from flights where tail_number != ''", {})
    return list(rows.columns[0])


async def _until_scraped(prometheus: Prometheus, scrapes: int) -> None:
    """Wait until the gateway has been scraped so many times from now on."""
    count = "sum(count_over_time(up[10m]))"
    before = await asyncio.to_thread(prometheus.value, count) or 0.0
    deadline = time.monotonic() + _PATIENCE_S
    while (await asyncio.to_thread(prometheus.value, count) or 0.0) < before + scrapes:
        assert time.monotonic() < deadline, "Prometheus has not scraped the gateway"
        await asyncio.sleep(1)


def _compared(text: str) -> list[str]:
    """Return what an expression compares with thresholds, which has data while no threshold is passed."""
    sides: list[str] = []

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.BinaryExpr) and str(node.op) in {">", "<", "==", ">=", "<="}:
            sides.append(str(node.lhs))
        return True

    promql.walk(promql.parse(text), pre_visit=visit)
    return sides or [text]


async def _without_data(prometheus: Prometheus, expressions: list[Expression]) -> list[str]:
    empty = []
    for expression in expressions:
        samples = await asyncio.to_thread(prometheus.query, expression.text)
        if not any(math.isfinite(sample.value) for sample in samples):
            empty.append(f"{expression.place}: {expression.text}")
    return empty


async def test_the_gateway_is_one_target(scraped: Prometheus) -> None:
    (target,) = await asyncio.to_thread(scraped.targets)
    assert (target["health"], target["labels"]["job"]) == ("up", "fuseway")
    assert await asyncio.to_thread(scraped.value, "count(fuseway_worker_memory_bytes)") == 2


async def test_no_panel_is_empty(scraped: Prometheus) -> None:
    assert await _without_data(scraped, dashboard_expressions()) == []


async def test_each_rule_has_data(scraped: Prometheus) -> None:
    sides = [Expression(rule.place, side) for rule in rule_expressions() for side in _compared(rule.text)]
    empty = await _without_data(scraped, [side for side in sides if side.place not in EMPTY])
    assert empty == []


async def test_series_have_the_labels_that_expressions_name(scraped: Prometheus) -> None:
    missing = []
    for use in {use for item in [*dashboard_expressions(), *rule_expressions()] for use in uses(item.text)}:
        if use.metric == "ALERTS" or use.metric.startswith("fuseway_probe_"):
            continue
        series = await asyncio.to_thread(scraped.query, use.metric)
        names = {name for sample in series for name in sample.labels}
        missing += [f"{use.metric} has no {name}" for name in use.labels - names - _ABSENT_LABELS]
    assert missing == []


async def test_a_gateway_that_is_well_fires_only_what_was_provoked(scraped: Prometheus) -> None:
    firing = {
        item["labels"]["alertname"] for item in await asyncio.to_thread(scraped.alerts) if item["state"] == "firing"
    }
    assert firing <= {"FusewayAvailabilityBurnFast", "FusewayLatencyBurnFast"}
