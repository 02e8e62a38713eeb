"""Traces of real requests over real stores, as a collector gets them, against what was asked and counted."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from tests.chaos.gateway_log import GatewayLog
from tests.conftest import NewDatabase, Stores
from tests.gateway.conftest import served
from tests.gateway.in_process import opened
from tests.gateway.observability.collector import Collector, ReceivedSpan, collecting
from tests.loaders.stores.waiting import until
from tests.queries import DASHBOARD

pytestmark = pytest.mark.usefixtures("sample_stores")

TRACE, PARENT = "1234567890abcdef1234567890abcdef", "fedcba0987654321"
IDS = ["N14228", "N24211", "N619AA"]
RECORDS = "query Records($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } }"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def _sent(trace_id: str, is_sampled: bool = True) -> dict[str, str]:
    return {"traceparent": f"00-{trace_id}-{PARENT}-{'01' if is_sampled else '00'}"}


def _dashboard(ids: list[str], **extensions: Any) -> dict[str, Any]:
    return {"query": DASHBOARD, "variables": {"ids": ids}, "extensions": extensions}


def _by_store(spans: list[ReceivedSpan], name: str = "") -> Counter[str]:
    counts = Counter[str]()
    for span in spans:
        counts[span.attributes["db.system.name"]] += span.attributes[name] if name else 1
    return counts


def _below(spans: list[ReceivedSpan], parent: ReceivedSpan) -> list[ReceivedSpan]:
    return [span for span in spans if span.parent_id == parent.span_id]


async def test_a_trace_has_what_the_accounting_counts(store_urls: StoreUrls, collector: Collector) -> None:
    async with opened(store_urls, cache=False, otlp_endpoint=collector.url) as client:
        response = await client.post("/graphql", json=_dashboard(IDS, accounting=True), headers=_sent(TRACE))
    answer = response.json()
    accounting = answer["extensions"]["accounting"]

    (root,) = collector.roots()
    assert (root.trace_id, root.parent_id, root.name) == (TRACE, PARENT, "query Dashboard")
    assert response.headers["traceresponse"] == f"00-{TRACE}-{root.span_id}-01"
    assert root.attributes["http.response.status_code"] == 200
    assert root.attributes["fuseway.outcome"] == "ok"
    assert root.attributes["fuseway.cost"] > 0

    statements = collector.statements()
    assert _by_store(statements) == accounting["statements"]
    assert _by_store(statements, "db.response.returned_rows") == accounting["rows"]
    sections = sorted(sorted(span.attributes["fuseway.sections"]) for span in statements)
    assert sections == sorted(sorted(fused) for fused in accounting["fused"])
    loads = [span for span in collector.spans if span.name.startswith("load ")]
    assert sum(load.attributes["fuseway.statements"] for load in loads) == len(statements)
    for load in loads:
        assert load.parent_id == root.span_id
        assert len(_below(statements, load)) == load.attributes["fuseway.statements"]
        assert root.start_ns <= load.start_ns <= load.end_ns <= root.end_ns
    databases = {
        "postgresql": urlsplit(store_urls.database_url).path[1:],
        "clickhouse": urlsplit(store_urls.clickhouse_url).path[1:],
    }
    for span in statements:
        assert span.attributes["db.namespace"] == databases[span.attributes["db.system.name"]]
        assert span.attributes["server.port"] > 0
        assert span.name == span.attributes["db.query.summary"]
    (flights,) = [span for span in statements if "flights" in span.name]
    assert flights.name == "SELECT flights"
    assert flights.attributes["fuseway.keys"] == len(IDS)


async def test_the_last_spans_are_exported_where_the_application_fails_too(
    store_urls: StoreUrls, collector: Collector
) -> None:
    async def fail() -> None:
        async with opened(store_urls, cache=False, otlp_endpoint=collector.url) as client:
            await client.post("/graphql", json=_dashboard(IDS))
            raise RuntimeError("the end")

    with pytest.raises(RuntimeError, match="the end"):
        await fail()
    assert len(collector.roots()) == 1


async def test_no_object_has_a_span(store_urls: StoreUrls, sample_stores: Stores, collector: Collector) -> None:
    rows = await sample_stores.postgres.rows("select tail_number from aircraft order by 1 limit 300")
    keys = [row["tail_number"] for row in rows]
    async with opened(store_urls, cache=False, otlp_endpoint=collector.url) as client:
        for ids in (keys[:3], keys):
            response = await client.post("/graphql", json=_dashboard(ids))
            assert "errors" not in response.json()
    first, second = (
        sorted(span.name for span in collector.spans if span.trace_id == root.trace_id)
        for root in sorted(collector.roots(), key=lambda root: root.start_ns)
    )
    assert first == second


def new_ids() -> list[str]:
    """Return ids that no test has asked for: what another one has cached may be stale by now, and is refreshed then."""
    return [f"N{secrets.token_hex(4).upper()}" for _ in range(5)]


async def test_what_is_cached_is_looked_up_in_a_span_without_statements(
    store_urls: StoreUrls, collector: Collector
) -> None:
    ids = new_ids()
    async with opened(store_urls, otlp_endpoint=collector.url, response_cache_mib=0) as client:
        for number in (1, 2):
            response = await client.post(
                "/graphql", json={"query": RECORDS, "variables": {"ids": ids}}, headers=_sent(f"{number:032x}")
            )
            assert response.json()["data"]["aircraftByIds"][0] is None
    look_ups = {span.trace_id: span for span in collector.named("cache look-up")}
    missed, fresh = look_ups[f"{1:032x}"], look_ups[f"{2:032x}"]
    assert missed.attributes["fuseway.sections"] == fresh.attributes["fuseway.sections"] == ["Aircraft.record"]
    assert missed.attributes["fuseway.keys"] == fresh.attributes["fuseway.keys"] == len(ids)
    assert missed.attributes["fuseway.values.missed"] == len(ids)
    assert fresh.attributes["fuseway.values.fresh"] == len(ids)
    assert fresh.attributes["fuseway.values.missed"] == 0
    (statement,) = collector.statements()
    assert statement.trace_id == missed.trace_id
    (load,) = [span for span in collector.spans if span.name == "load Aircraft"]
    assert (statement.parent_id, load.parent_id) == (load.span_id, missed.span_id)


async def test_a_cached_response_has_a_span_of_its_own(store_urls: StoreUrls, collector: Collector) -> None:
    body = {"query": RECORDS, "variables": {"ids": new_ids()}}
    async with opened(store_urls, otlp_endpoint=collector.url) as client:
        answers = [await client.post("/graphql", json=body, headers=_sent(f"{number:032x}")) for number in range(1, 4)]
    assert len({answer.headers["traceresponse"] for answer in answers}) == 3
    last = next(root for root in collector.roots() if root.trace_id == f"{3:032x}")
    assert last.attributes["fuseway.outcome"] == "cached"
    assert last.name == "query Records"
    assert [span for span in collector.spans if span.trace_id == last.trace_id] == [last]


async def test_requests_that_share_a_load_are_linked(
    store_urls: StoreUrls, sample_stores: Stores, collector: Collector
) -> None:
    ids = [f"N{secrets.token_hex(4).upper()}" for _ in range(3)]
    body = {"query": RECORDS, "variables": {"ids": ids}}
    async with opened(store_urls, otlp_endpoint=collector.url) as client:
        cache = _cache_of(client)

        async def have_joined() -> bool:
            return bool(cache.counts["fields joined"] == len(ids))

        async with sample_stores.postgres.session() as session:
            await session.execute("begin")
            await session.execute("lock table aircraft in access exclusive mode")
            tasks = [
                asyncio.create_task(client.post("/graphql", json=body, headers=_sent(f"{number:032x}")))
                for number in (1, 2)
            ]
            await until(have_joined)
            await session.execute("rollback")
        answers = await asyncio.gather(*tasks)
    assert {answer.status_code for answer in answers} == {200}

    roots = {root.trace_id: root for root in collector.roots()}
    assert len(roots) == 2
    (statement,) = collector.statements()
    other = next(root for trace_id, root in roots.items() if trace_id != statement.trace_id)
    assert statement.links == [(other.trace_id, other.span_id)]
    look_ups = {span.trace_id: span for span in collector.named("cache look-up")}
    own, waiting = look_ups[statement.trace_id], look_ups[other.trace_id]
    assert waiting.links == [(own.trace_id, own.span_id)]
    assert own.links == []


def _cache_of(client: httpx.AsyncClient) -> Any:
    transport: Any = client._transport
    return transport.app.state.stores.cache


async def test_databases_know_the_trace_of_a_statement(
    store_urls: StoreUrls, sample_stores: Stores, collector: Collector
) -> None:
    async def queries(trace_id: str) -> list[str]:
        rows = await sample_stores.postgres.rows(
            "select query from pg_stat_activity where query like $1", f"%traceparent='00-{trace_id}-%"
        )
        return [row["query"] for row in rows]

    unsampled = TRACE[::-1]
    async with opened(store_urls, cache=False, otlp_endpoint=collector.url) as client:
        for trace_id, is_sampled in ((TRACE, True), (unsampled, False)):
            headers = _sent(trace_id, is_sampled)
            response = await client.post(
                "/graphql", json={"query": RECORDS, "variables": {"ids": IDS}}, headers=headers
            )
            assert "errors" not in response.json()
            if is_sampled:
                (query,) = await queries(trace_id)
        assert await queries(unsampled) == []
        assert response.headers["traceresponse"].startswith(f"00-{unsampled}-")
        assert response.headers["traceresponse"].endswith("-00")
    (statement,) = collector.statements()
    assert query.endswith(f"\n/*traceparent='00-{TRACE}-{statement.span_id}-01'*/")


async def test_a_store_that_fails_marks_its_statement(
    store_urls: StoreUrls, new_database: NewDatabase, collector: Collector
) -> None:
    secret = "SECRET7"
    async with new_database() as new:
        urls = StoreUrls(new.database_url, new.clickhouse_url, store_urls.redis_url)
        async with opened(urls, cache=False, otlp_endpoint=collector.url) as client:
            body = {"query": RECORDS, "variables": {"ids": [secret]}}
            response = await client.post("/graphql", json=body)
    assert response.json()["errors"]
    (statement,) = collector.statements()
    assert statement.is_error
    assert (statement.attributes["error.type"], statement.error_message) == ("SchemaMismatch", "")
    assert statement.attributes["db.response.returned_rows"] == 0


SECRET = "SECRET7"
HEADERS = {
    "authorization": f"Bearer {SECRET}",
    "x-api-key": SECRET,
    "cookie": f"session={SECRET}",
    "user-agent": SECRET,
    "x-forwarded-for": SECRET,
    "baggage": f"user={SECRET}",
}
ASKED: list[dict[str, Any]] = [
    {"query": RECORDS, "variables": {"ids": [SECRET]}},
    {"query": f'{{ aircraftByIds(ids: ["{SECRET}"]) {{ {SECRET}: id analysis {{ flightLog {{ edges {{ cursor }} }} }} }} }}'},
    {"query": f'query Q($m: String = "{SECRET}") {{ fleet(filter: {{manufacturer: $m}}) {{ totalCount }} }}'},
    {"query": "{ __typename }", "operationName": SECRET},
    {"query": f"{{ {SECRET} }}"},
    {"query": f"query Q {{ __typename }} # {SECRET}", "extensions": {SECRET: SECRET}},
    {"id": SECRET},
]  # fmt: skip


async def test_no_span_has_a_value_an_id_or_a_credential(store_urls: StoreUrls, collector: Collector) -> None:
    statuses = Counter[int]()
    async with opened(store_urls, otlp_endpoint=collector.url) as client:
        for body in ASKED:
            for headers in ({}, HEADERS, {"baggage": f"user={SECRET}", "user-agent": SECRET}):
                statuses[(await client.post("/graphql", json=body, headers=headers)).status_code] += 1
        response = await client.get(
            "/graphql", params={"query": RECORDS, "variables": json.dumps({"ids": [SECRET]}), SECRET: SECRET}
        )
        statuses[response.status_code] += 1
        statuses[(await client.get("/export/aircraft", params={"ids": SECRET})).status_code] += 1
        statuses[(await client.get(f"/{SECRET}")).status_code] += 1
    assert set(statuses) == {200, 401, 404}
    assert len(collector.roots()) == sum(statuses.values()) - 1, "what is not served by GraphQL is not traced"
    assert collector.statements()
    assert not [body for body in collector.bodies if SECRET.encode() in body]


@pytest.mark.slow
def test_all_workers_export_their_last_spans_before_they_end(store_urls: StoreUrls, collector: Collector) -> None:
    body, instances, sent = {"query": RECORDS, "variables": {"ids": IDS}}, set[str](), 0
    settings = {"GATEWAY_WORKERS": "2", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "shop"}
    with served(store_urls, None, **settings, OTEL_BSP_SCHEDULE_DELAY="200") as url:
        while len(instances) < 2 and sent < 500:
            sent += 1
            assert httpx.post(f"{url}/graphql", json=body, timeout=30).status_code == 200  # each on a new connection
            instances = {resource["service.instance.id"] for resource in collector.resources}
    assert len(instances) == 2
    assert {resource["service.name"] for resource in collector.resources} == {"shop"}
    assert len(collector.roots()) == sent


@pytest.mark.slow
def test_a_collector_that_is_away_costs_no_request_and_no_time_at_the_end(
    store_urls: StoreUrls, tmp_path: Path
) -> None:
    body = {"query": RECORDS, "variables": {"ids": IDS}}
    with socket.create_server(("127.0.0.1", 0)) as unanswered:
        endpoint = f"http://127.0.0.1:{unanswered.getsockname()[1]}"
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",
            "OTEL_BSP_MAX_QUEUE_SIZE": "512",
            "GATEWAY_SHUTDOWN_TIMEOUT_S": "60",
        }
        with (tmp_path / "log").open("wb") as log, served(store_urls, log, **settings) as url:
            with httpx.Client(timeout=30) as client:
                for _ in range(600):
                    assert client.post(f"{url}/graphql", json=body).status_code == 200
            began = time.monotonic()
        assert time.monotonic() - began < 20, "the SDK waits for thirty seconds"
    text = (tmp_path / "log").read_text()
    assert text.count("Traces cannot be exported") <= 1
    assert "opentelemetry" not in text
    assert GatewayLog(tmp_path / "log").violations() == []
