"""The price of an export, and its last line where it breaks off."""

import json
import re
import time
from contextlib import AsyncExitStack
from typing import Any

import httpx

from deploy.embedded.engines import StoreUrls
from gateway.export import BATCH, ObjectExport
from tests.asking import SCHEMA
from tests.gateway.http.conftest import Gateway, NewGateway
from tests.loaders.stores.relay import relay
from tests.queries import everything

SPARE = 100


async def _points(gateway: Gateway, aircraft: int) -> int:
    """The price of the same query."""
    body = {"query": everything(SCHEMA._schema), "variables": {"ids": ["N14228"] * aircraft}}
    answer = (await gateway.post(body, graphql_cost="validate")).json()
    points: int = answer["extensions"]["cost"]["estimated"]["points"]
    return points


async def _export(gateway: Gateway, **parameters: str) -> httpx.Response:
    return await gateway.client.get("/export/analysis", params=parameters)


def _lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def _remaining(answer: httpx.Response) -> int:
    read = re.fullmatch(r'"default";r=(\d+);t=\d+', answer.headers["ratelimit"])
    assert read, answer.headers
    return int(read[1])


async def test_an_export_costs_what_the_same_query_does_and_is_refused_before_anything_is_asked(
    new_gateway: NewGateway, gateway: Gateway
) -> None:
    points = await _points(gateway, 1)
    async with new_gateway(rate_cost_per_minute=points + SPARE) as item:
        first = await _export(item, ids="N14228")
        assert [line["id"] for line in _lines(first)] == ["N14228"]
        assert _remaining(first) == SPARE
        sent = len(item.recorder.sent)
        second = await _export(item, ids="N14228")
        assert second.status_code == 429
        assert int(second.headers["retry-after"]) > 0
        assert second.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert (await _export(item)).json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert (await _export(item, ids="N14228", after="N14228")).text == ""
        assert len(item.recorder.sent) == sent


async def test_of_all_aircraft_a_page_and_its_statement_are_counted(new_gateway: NewGateway, gateway: Gateway) -> None:
    page = ObjectExport.of(SCHEMA, "Aircraft").pages(None)
    body = {"query": page.query, "variables": page.variables}
    answer = (await gateway.post(body, graphql_cost="validate")).json()
    points = answer["extensions"]["cost"]["estimated"]["points"]
    assert points > await _points(gateway, BATCH)
    async with new_gateway(rate_cost_per_minute=points + SPARE) as item:
        answer = await _export(item, after="N998")
        assert 1 < len(_lines(answer)) < BATCH
        assert _remaining(answer) == SPARE


async def test_a_later_batch_waits_for_the_budget(new_gateway: NewGateway, gateway: Gateway) -> None:
    whole = await _points(gateway, BATCH) + await _points(gateway, 1)
    ids = [f"N{number}" for number in range(BATCH + 1)]
    async with new_gateway(rate_cost_per_minute=whole - SPARE) as item:
        began = time.monotonic()
        assert [line["id"] for line in _lines(await _export(item, ids=",".join(ids)))] == ids
        took_s = time.monotonic() - began
    assert took_s > 0.9 * SPARE * 60 / (whole - SPARE), "so long it takes until the points are there"


async def test_an_export_that_breaks_off_says_why_by_a_code(new_gateway: NewGateway, store_urls: StoreUrls) -> None:
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(relay(store_urls.database_url))
        item = await stack.enter_async_context(new_gateway(database_url=postgres.url, acquire_timeout_s=1.0))
        await postgres.cut()
        for parameters, after in (({"after": "N998"}, "N998"), ({"ids": "N14228"}, None)):
            (line,) = _lines(await _export(item, **parameters))
            assert line.keys() == {"error", "extensions", "after"}
            message = "The data of this field is not available at the moment. Try again later."
            assert (line["error"], line["after"]) == (message, after)
            assert line["extensions"].keys() == {"code", "id", "section", "store", "affected"}
            assert line["extensions"]["code"] == "STORE_UNAVAILABLE"


async def test_head_loads_and_counts_nothing(new_gateway: NewGateway) -> None:
    async with new_gateway(rate_cost_per_minute=100_000) as item:
        answer = await item.client.head("/export/analysis")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        assert _remaining(await item.post({"query": "{ __typename }"})) > 99_800
