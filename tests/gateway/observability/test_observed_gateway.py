"""What a gateway's metrics say of it, in one process, against what a client did."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from loaders.instruments import FAMILIES
from tests.conftest import Stores
from tests.gateway.conftest import invalidate, served
from tests.gateway.observability.scrapes import Samples, scraped, value
from tests.gateway.raw import HEAD, connected, receive

pytestmark = pytest.mark.slow

IDS = [f"N{number}" for number in ("14228", "24211", "619AA")]
UNCACHED = [f"N{number}UA" for number in range(210, 250)]
CLIENT = httpx.Client(timeout=60, headers={"Connection": "close"})
SECRET = "nobody_may_see_this"
DASHBOARD = (
    "query Dashboard($ids: [ID!]!) { aircraftByIds(ids: $ids) { id registration { seats } operator { name }"
    " analysis { punctuality { flights } utilization { hoursFlown } } } }"
)


class Gateway:
    """A gateway, and the difference that requests make to its metrics."""

    def __init__(self, url: str, metrics_url: str) -> None:
        self.url = url
        self.metrics_url = metrics_url
        self.before = scraped(metrics_url)

    def post(self, query: str, variables: dict[str, Any] | None = None, **extra: Any) -> httpx.Response:
        """Send an operation that no cached response answers."""
        return CLIENT.post(f"{self.url}/graphql", json={"query": query, "variables": variables or {}}, **extra)

    def begin(self) -> None:
        """Count from now on."""
        self.before = scraped(self.metrics_url)

    def settle(self) -> None:
        """Wait until no statement has ended for half a second: what is stale is refreshed behind the answers."""

        def is_idle() -> bool:
            self.begin()
            time.sleep(0.5)
            return self.grown("fuseway_store_statements_total") == 0

        wait_until(is_idle)

    def grown(self, name: str, taken: Samples | None = None, **labels: str) -> float:
        """Return what a metric has grown by."""
        after = taken or scraped(self.metrics_url)
        return value(after, name, **labels) - value(self.before, name, **labels)

    def outcomes(self) -> dict[tuple[str, str], float]:
        """Return how many requests of each operation and outcome there were."""
        taken, name = scraped(self.metrics_url), "fuseway_http_requests_total"
        counts = {
            pairs: number - self.before.get((name, pairs), 0) for (own, pairs), number in taken.items() if own == name
        }
        return {(dict(pairs)["operation"], dict(pairs)["outcome"]): count for pairs, count in counts.items() if count}


@pytest.fixture(scope="module")
def gateway(store_urls: StoreUrls, sample_stores: Stores) -> Iterator[Gateway]:  # noqa: ARG001 - loaded before
    port = free_port()
    settings = {"GATEWAY_METRICS_PORT": str(port), "GATEWAY_MAX_HEAD_KIB": "4"}
    with served(store_urls, None, **settings) as url:
        gateway = Gateway(url, f"http://127.0.0.1:{port}")
        for _ in range(10):  # it becomes one of the most frequent
            gateway.post(DASHBOARD, {"ids": IDS}, headers={"Cache-Control": "no-cache"})
        yield gateway


def test_requests_are_counted_by_what_became_of_them(gateway: Gateway) -> None:
    gateway.begin()
    uncached = {"Cache-Control": "no-cache"}
    assert gateway.post(DASHBOARD, {"ids": IDS}).status_code == 200
    for _ in range(3):
        assert "age" in gateway.post(DASHBOARD, {"ids": IDS}).headers
    assert gateway.post(DASHBOARD, {"ids": IDS}, headers=uncached).status_code == 200
    assert gateway.post("{ nothing }").json()["errors"]
    assert gateway.post(f"query {SECRET} {{ __typename }}", headers=uncached).status_code == 200
    assert CLIENT.get(f"{gateway.url}/missing").status_code == 404
    assert CLIENT.get(f"{gateway.url}/livez").status_code == 200

    assert gateway.outcomes() == {
        ("Dashboard", "ok"): 2,
        ("Dashboard", "cached"): 3,
        ("unknown", "client_error"): 2,
        ("other", "ok"): 1,
    }
    assert gateway.grown("fuseway_http_request_duration_seconds_count", operation="Dashboard") == 5


def test_what_the_connection_refuses_is_counted(gateway: Gateway) -> None:
    gateway.begin()
    with connected(gateway.url) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 5_000)
        assert receive(client).startswith(b"HTTP/1.1 431")
    with connected(gateway.url) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        assert receive(client).startswith(b"HTTP/1.1 400")

    assert gateway.outcomes() == {("unknown", "client_error"): 2}


def test_a_client_that_hangs_up_is_counted_and_not_in_flight(gateway: Gateway) -> None:
    gateway.begin()
    client = socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])))
    client.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    wait_until(lambda: gateway.grown("fuseway_http_requests_in_flight") == 1)
    assert gateway.grown("fuseway_http_connections") == 1
    client.close()
    wait_until(lambda: gateway.grown("fuseway_http_requests_in_flight") == 0)

    assert gateway.outcomes() == {("unknown", "hang_up"): 1}
    assert gateway.grown("fuseway_http_connections") == 0


def test_sections_and_statements_are_counted_as_the_accounting_says(gateway: Gateway, store_urls: StoreUrls) -> None:
    done = invalidate(store_urls, *(f"Aircraft:{key}" for key in UNCACHED))
    assert done.returncode == 0, done.stderr
    gateway.settle()
    gateway.begin()
    body = {"query": DASHBOARD, "variables": {"ids": UNCACHED}, "extensions": {"accounting": True}}
    accounting = CLIENT.post(f"{gateway.url}/graphql", json=body).json()["extensions"]["accounting"]
    taken = scraped(gateway.metrics_url)

    for store, statements in accounting["statements"].items():
        labels = {"store": store, "database": "default"}
        assert gateway.grown("fuseway_store_statements_total", taken, **labels, outcome="ok") == statements
        assert gateway.grown("fuseway_store_statement_duration_seconds_count", taken, **labels) >= statements
        assert gateway.grown("fuseway_store_pool_wait_seconds_count", taken, **labels) >= statements
        assert gateway.grown("fuseway_store_rows_total", taken, **labels) == accounting["rows"][store]
        assert gateway.grown("fuseway_store_bytes_total", taken, **labels) > 0
        assert gateway.grown("fuseway_statement_executions_total", taken, store=store) == statements
    fused = sum(map(len, accounting["fused"]))
    assert gateway.grown("fuseway_statement_sections_sum", taken) == fused
    assert gateway.grown("fuseway_section_statements_total", taken) == fused
    seconds = gateway.grown("fuseway_statement_seconds_total", taken)
    assert seconds > 0
    assert gateway.grown("fuseway_section_statement_seconds_total", taken) == pytest.approx(seconds)
    sections = {name for names in accounting["fused"] for name in names}
    for section in sections:
        assert gateway.grown("fuseway_section_batch_keys_count", taken, section=section) == 1
    punctuality = next(name for name in sections if "punctuality" in name.lower())
    assert gateway.grown("fuseway_section_batch_keys_sum", taken, section=punctuality) == len(UNCACHED)
    for item in accounting["cached"]:
        for state in ("fresh", "stale", "missed"):
            labels = {"section": item["section"].split()[0], "state": state}
            assert gateway.grown("fuseway_section_values_total", taken, **labels) == item.get(state, 0)
    assert gateway.grown("fuseway_executor_lists_total", taken, path="columns") > 0
    assert gateway.grown("fuseway_rate_limit_decisions_total", taken, decision="allowed") > 0
    assert gateway.grown("fuseway_admission_wait_seconds_count", taken) == 1


def test_an_export_is_counted(gateway: Gateway) -> None:
    gateway.begin()
    answer = CLIENT.get(f"{gateway.url}/export/analysis", params={"ids": ",".join(IDS)})
    assert len(answer.text.splitlines()) == 3

    assert gateway.outcomes() == {("export", "ok"): 1}
    assert gateway.grown("fuseway_exports_total", outcome="ok") == 1
    assert gateway.grown("fuseway_export_objects_total") == 3
    assert gateway.grown("fuseway_exports_in_flight") == 0


def test_states_are_sampled(gateway: Gateway) -> None:
    wait_until(lambda: value(scraped(gateway.metrics_url), "fuseway_cache_entries", cache="values") > 0)
    taken = scraped(gateway.metrics_url)

    assert value(taken, "fuseway_cache_available") == 1
    assert value(taken, "fuseway_cache_bytes", cache="values") > 0
    assert value(taken, "fuseway_store_pool_max_connections", store="clickhouse") == 8
    assert value(taken, "fuseway_store_pool_max_connections", database="gateway") == 2
    assert value(taken, "fuseway_store_circuit_breaker_open") == 0
    assert value(taken, "fuseway_worker_memory_bytes", worker="0") > 50 << 20
    assert value(taken, "fuseway_build_info") == 1


def test_every_metric_is_scraped_and_no_label_holds_a_clients_text(gateway: Gateway) -> None:
    variables = {"ids": [SECRET, *IDS]}
    hidden = f"query {SECRET}($ids: [ID!]!) {{ {SECRET}: aircraftByIds(ids: $ids) {{ {SECRET}_id: id }} }}"
    headers = {"X-Secret": SECRET, "User-Agent": SECRET}
    assert SECRET in gateway.post(hidden, variables, headers=headers).text
    gateway.post(f"{{ {SECRET} }}")
    CLIENT.get(f"{gateway.url}/{SECRET}?{SECRET}={SECRET}")
    CLIENT.get(f"{gateway.url}/export/analysis", params={"ids": SECRET})
    CLIENT.post(f"{gateway.url}/graphql", json={"query": "{ __typename }"}, headers={"X-API-Key": SECRET})
    time.sleep(1.0)  # states are sampled by then
    text = CLIENT.get(f"{gateway.metrics_url}/metrics").text

    assert SECRET not in text
    of_traces = {name for name in FAMILIES if name.startswith("fuseway_trace_")}  # which are not traced here
    assert {name for name in FAMILIES if f"# TYPE {name} " not in text} == of_traces


def test_the_clients_port_has_no_metrics(gateway: Gateway) -> None:
    assert CLIENT.get(f"{gateway.url}/metrics").status_code == 404
