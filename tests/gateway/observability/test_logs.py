"""Lines that real requests leave in the log, and what none of them has."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from gateway.observability.log_format import FACTS
from gateway.observability.request_log import REQUESTS, SLOW_OPERATIONS
from loaders.stores.slow_statements import SLOW_STATEMENTS
from tests.conftest import Stores
from tests.gateway.conftest import served
from tests.gateway.in_process import opened
from tests.gateway.observability.collector import collecting
from tests.gateway.observability.test_traces import (
    ASKED,
    HEADERS,
    IDS,
    RECORDS,
    SECRET,
    TRACE,
    _dashboard,
    _sent,
    new_ids,
)
from tests.loaders.stores.waiting import until

pytestmark = pytest.mark.usefixtures("sample_stores")

ALL: dict[str, Any] = {
    "log_requests": "all",
    "slow_operation_s": 1e-9,
    "slow_statement_s": 1e-9,
    "log_lines_per_s": 100_000,
}


def _facts(caplog: pytest.LogCaptureFixture, logger: str) -> list[dict[str, Any]]:
    return [vars(record)[FACTS] for record in caplog.records if record.name == logger]


async def test_the_lines_of_a_request_have_what_the_accounting_counts(
    store_urls: StoreUrls, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(store_urls, cache=False, **ALL) as client:
        caplog.clear()
        response = await client.post("/graphql", json=_dashboard(IDS, accounting=True), headers=_sent(TRACE))
        accounting = response.json()["extensions"]["accounting"]
        (request,) = _facts(caplog, REQUESTS)
        (operation,) = _facts(caplog, SLOW_OPERATIONS)
        statements = _facts(caplog, SLOW_STATEMENTS)
    assert (request["operation"], request["viewer"], request["outcome"]) == ("Dashboard", "anonymous", "ok")
    assert (request["status"], request["trace_id"]) == (200, TRACE)
    assert request["statements"] == accounting["statements"]
    assert request["rows"] == accounting["rows"]
    assert request["cost"] > 0
    assert request.items() <= operation.items()
    assert sorted(sorted(step["sections"]) for step in operation["plan"]) == sorted(map(sorted, accounting["fused"]))
    assert sum(step["rows"] for step in operation["plan"]) == sum(accounting["rows"].values())
    of_plan = {tuple(step["sections"]): step for step in operation["plan"]}
    assert len(of_plan) == len(statements)
    for statement in statements:
        step = of_plan[tuple(statement["sections"])]
        assert statement["rows"] == step["rows"]
        assert 0 < statement["duration_s"] <= step["duration_s"] + 0.001
        assert f"{len(IDS)} items" in statement["bound"].values() or statement["keys"] != len(IDS)
        assert "select" in statement["statement"]


async def test_no_line_has_a_value_an_id_or_a_credential(
    store_urls: StoreUrls, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(store_urls, **ALL) as client:
        caplog.clear()
        for body in ASKED:
            for headers in ({}, HEADERS, {"baggage": SECRET, "traceparent": SECRET}):
                await client.post("/graphql", json=body, headers=headers)
        await client.get(
            "/graphql", params={"query": RECORDS, "variables": json.dumps({"ids": [SECRET]}), SECRET: SECRET}
        )
        await client.get("/export/aircraft", params={"ids": SECRET})
        await client.get(f"/{SECRET}")
        own = [record for record in caplog.records if record.name.startswith("gateway")]
    assert len(_facts(caplog, REQUESTS)) == 3 * len(ASKED) + 3
    assert _facts(caplog, SLOW_STATEMENTS)
    assert not [record for record in own if SECRET in record.getMessage() or SECRET in repr(vars(record).get(FACTS))]


async def test_one_slow_statement_is_found_in_the_log_and_in_the_trace(
    store_urls: StoreUrls, sample_stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    slow_s = 0.5
    settings: dict[str, Any] = {"slow_statement_s": slow_s / 2, "slow_operation_s": slow_s / 2}
    with collecting() as collector:
        async with opened(store_urls, cache=False, otlp_endpoint=collector.url, **settings) as client:
            async with sample_stores.postgres.session() as session:
                await session.execute("begin")
                await session.execute("lock table airline in access exclusive mode")
                task = asyncio.create_task(client.post("/graphql", json=_dashboard(IDS), headers=_sent(TRACE)))

                async def waits() -> bool:
                    return bool(await sample_stores.postgres.rows("select from pg_locks where not granted"))

                await until(waits)
                await asyncio.sleep(slow_s)  # how slow the statement is
                await session.execute("rollback")
            assert "errors" not in (await task).json()
    (statement,) = [facts for facts in _facts(caplog, SLOW_STATEMENTS) if facts["duration_s"] >= slow_s]
    (operation,) = _facts(caplog, SLOW_OPERATIONS)
    slowest = max(operation["plan"], key=lambda step: step["duration_s"])
    span = max(collector.statements(TRACE), key=lambda span: span.end_ns - span.start_ns)
    assert statement["sections"] == slowest["sections"] == span.attributes["fuseway.sections"] == ["Airline.record"]
    assert statement["trace_id"] == operation["trace_id"] == span.trace_id == TRACE
    assert span.name == "SELECT public.airline"
    assert "airline" in statement["statement"]
    for seconds in (statement["duration_s"], slowest["duration_s"], (span.end_ns - span.start_ns) / 1e9):
        assert seconds >= slow_s


async def test_cached_sections_and_responses_are_told(store_urls: StoreUrls, caplog: pytest.LogCaptureFixture) -> None:
    ids = new_ids()
    body = {"query": RECORDS, "variables": {"ids": ids}}
    async with opened(store_urls, **ALL) as client:
        caplog.clear()
        for _ in range(3):
            assert (await client.post("/graphql", json=body)).status_code == 200
        *_, last = _facts(caplog, REQUESTS)
        first = _facts(caplog, SLOW_OPERATIONS)[0]
    assert (last["operation"], last["outcome"]) == ("Records", "cached")
    assert "statements" not in last
    assert set(first["cached"]) == {"Aircraft.record"}
    assert sum(first["cached"]["Aircraft.record"].values()) == len(ids)


@pytest.mark.slow
def test_a_process_that_logs_json_writes_nothing_else(store_urls: StoreUrls, tmp_path: Path) -> None:
    settings = {"GATEWAY_LOG_FORMAT": "json", "GATEWAY_LOG_REQUESTS": "all", "GATEWAY_LOG_LEVEL": "debug"}
    with (tmp_path / "log").open("wb") as log, served(store_urls, log, **settings) as url:
        answer = httpx.post(f"{url}/graphql", json=_dashboard(IDS), headers={"authorization": "Bearer x"}, timeout=30)
        assert answer.status_code == 401
        assert httpx.post(f"{url}/graphql", json=_dashboard(IDS), timeout=30).status_code == 200
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["logger"] == REQUESTS]
    assert [(line["operation"], line["outcome"], line["level"]) for line in requests] == [
        ("unknown", "client_error", "info"),
        ("Dashboard", "ok", "info"),
    ]
    rest = [line for line in text.splitlines() if line and not line.startswith("{")]
    assert rest == [], "but for what is printed at startup, which is no log"
    assert logging.getLogger(REQUESTS).level == logging.INFO
