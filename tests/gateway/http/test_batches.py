"""Batches: answered in order, each operation for itself, loaded together."""

import asyncio
import inspect
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from starlette.middleware import Middleware
from starlette.routing import Route

from gateway.http.application import Application
from gateway.http.endpoint import GraphQLEndpoint
from gateway.http.request_deadline import RequestDeadlineMiddleware
from gateway.http.request_parser import GraphQLRequest
from gateway.http.response_cache import ResponseCacheMiddleware
from gateway.limits import Limits
from gateway.rate_limit import RateLimit
from loaders.objects.request_loaders import RequestLoaders
from tests.asking import SCHEMA
from tests.fleet.served import ANONYMOUS, MODEL
from tests.gateway.http.conftest import Gateway, NewGateway
from tests.queries import DASHBOARD

AIRLINE = {"query": '{ airline(code: "UA") { name } }'}
UNITED = {"data": {"airline": {"name": "United Air Lines Inc."}}}
FAILING = {"query": "{ failing: __typename }"}
TWO = 'query A { __typename } query B { airport(code: "JFK") { code } }'


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


async def test_answers_come_in_the_order_asked(gateway: Gateway) -> None:
    asked = [{"query": f'{{ aircraft(tailNumber: "{key}") {{ id }} }}'} for key in ("N725MQ", "none", "N14228")]
    answers = (await gateway.post(asked)).json()
    assert [item["data"]["aircraft"] for item in answers] == [{"id": "N725MQ"}, None, {"id": "N14228"}]


async def test_each_operation_is_answered_for_itself(gateway: Gateway) -> None:
    asked = [
        {"query": "{ nothing }"},
        AIRLINE,
        {"query": TWO, "operationName": "C"},
        {"query": TWO, "operationName": "B"},
        {"query": TWO},
        {"query": "{"},
        {"query": "query($n: Int!) { fleet(first: $n) { edges { cursor } } }", "variables": {"n": "x"}},
        {"query": '{ aircraft(tailNumber: "x") { revisions(first: -1) { revision } } airline(code: "UA") { name } }'},
        {**AIRLINE, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
    ]
    answer = await gateway.post(asked)
    assert answer.status_code == 200
    invalid, good, unknown, named, anonymous, syntax, variable, partly, other = answer.json()
    assert codes(invalid) == ["GRAPHQL_VALIDATION_FAILED"]
    assert good == UNITED
    assert codes(unknown) == codes(anonymous) == ["BAD_USER_INPUT"]
    assert named == {"data": {"airport": {"code": "JFK"}}}
    assert codes(syntax) == ["GRAPHQL_PARSE_FAILED"]
    assert codes(variable) == codes(partly) == codes(other) == ["BAD_USER_INPUT"]
    assert partly["data"] == {"aircraft": None, **UNITED["data"]}
    assert ["data" in item for item in (invalid, unknown, anonymous, syntax, variable, other)] == [False] * 6


async def test_a_batch_is_200_whatever_came_of_its_operations(gateway: Gateway) -> None:
    answer = await gateway.post([{"query": "{ nothing }"}], accept="application/graphql-response+json")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/graphql-response+json")
    assert answer.headers["cache-control"] == "no-store"


async def test_equal_operations_take_the_statements_of_one(new_gateway: NewGateway) -> None:
    asked = {"query": DASHBOARD, "variables": {"ids": ["N14228", "N725MQ"]}}
    async with new_gateway() as item:
        alone = (await item.post(asked)).json()
        assert len(item.recorder.sent) == 3
        item.recorder.sent.clear()
        assert (await item.post([asked] * 10)).json() == [alone] * 10
        assert len(item.recorder.sent) == 3


async def test_operations_over_one_source_share_a_statement(new_gateway: NewGateway) -> None:
    asked = [
        {"query": f'{{ aircraft(tailNumber: "{key}") {{ analysis {{ {section} {{ flights }} }} }} }}'}
        for key in ("N14228", "N725MQ", "N0FLY")
        for section in ("punctuality", "utilization", "nightFlights")
    ]
    async with new_gateway() as item:
        answers = (await item.post(asked)).json()
        assert answers[0]["data"]["aircraft"]["analysis"]["punctuality"] == {"flights": 111}
        assert item.recorder.count("clickhouse") == 1
        assert item.recorder.count("postgresql") == 1


async def test_each_operation_has_its_own_extensions(gateway: Gateway) -> None:
    plain, accounted = (await gateway.post([AIRLINE, {**AIRLINE, "extensions": {"accounting": True}}])).json()
    assert plain == UNITED
    assert set(accounted["extensions"]) == {"accounting"}


async def test_others_have_their_turn_between_the_operations_of_a_batch(gateway: Gateway) -> None:
    async def turns(operations: int) -> int:
        asking = asyncio.create_task(gateway.post([{"query": "{ nothing }"}] * operations))
        count = 0
        while not asking.done():
            await asyncio.sleep(0)
            count += 1
        assert len(asking.result().json()) == operations
        return count

    await turns(1)
    assert await turns(10) >= await turns(1) + 9


@dataclass
class _Kept:
    """Persisted documents that note when one has been kept: of two operations, the second fails before the first ends."""

    finished: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    async def text(self, asked: GraphQLRequest) -> str:
        return asked.query or ""

    async def keep(self, asked: GraphQLRequest) -> None:
        if asked.operation_name == "B":
            await self.begun.wait()
            self.failed.set()
            raise RuntimeError
        self.begun.set()
        await self.failed.wait()
        await asyncio.sleep(0)
        self.finished.append("operation")

    async def release(self) -> None:
        """Note that the request has ended, as loaders are told."""
        self.finished.append("loaders")


async def test_where_one_operation_fails_unexpectedly_the_others_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = _Kept()
    endpoint: Any = GraphQLEndpoint(SCHEMA, Limits(), persisted=kept, rate_limit=RateLimit(0))  # type: ignore[arg-type]
    middleware = [
        Middleware(ResponseCacheMiddleware, path="/graphql", timeout_s=10),
        Middleware(RequestDeadlineMiddleware, path="/graphql", timeout_s=10),
    ]
    app = Application([Route("/graphql", endpoint)], middleware)
    app.authenticator = SimpleNamespace(anonymous_viewer=lambda _headers: ANONYMOUS)  # type: ignore[assignment]
    loaders = SimpleNamespace(objects=None, tenant=None, release=kept.release)
    monkeypatch.setattr(RequestLoaders, "over", lambda *_: loaders)
    app.state.stores = SimpleNamespace(model=MODEL, databases={}, cache=None, faults=None)
    batch = [{"query": TWO, "operationName": name} for name in "AB"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        answer = await client.post("/graphql", json=batch)
    assert answer.status_code == 200
    first, second = answer.json()
    assert first == {"data": {"__typename": "Query"}}
    assert codes(second) == ["INTERNAL_SERVER_ERROR"]
    assert kept.finished == ["operation", "loaders"]


@pytest.mark.parametrize("step", ["find", "read", "price"])
async def test_where_one_operation_cannot_be_prepared_the_others_are_answered(
    new_gateway: NewGateway, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    async with new_gateway() as item:
        (route,) = (route for route in item.app.routes if isinstance(route, Route) and route.path == "/graphql")
        preparer = cast("GraphQLEndpoint", route.endpoint)._preparer
        whole = {
            "find": (preparer._persisted, "text"),
            "read": (preparer._reader._documents, "read"),
            "price": (preparer, "_estimate"),
        }
        _fail_for_failing(*whole[step])
        answers = (await item.post([AIRLINE, FAILING, AIRLINE])).json()
        alone = await item.post(FAILING)
    assert [answers[0], answers[2]] == [UNITED, UNITED]
    assert codes(answers[1]) == ["INTERNAL_SERVER_ERROR"]
    assert answers[1]["errors"][0]["extensions"]["id"] in caplog.text
    assert (alone.status_code, codes(alone.json())) == (500, ["INTERNAL_SERVER_ERROR"])


def _fail_for_failing(owner: object, name: str) -> None:
    method = getattr(owner, name)

    def check(arguments: tuple[object, ...]) -> None:
        if any("failing" in str(argument) for argument in arguments):
            raise RuntimeError

    def failing(*arguments: Any, **named: Any) -> Any:
        check(arguments)
        return method(*arguments, **named)

    async def failing_later(*arguments: Any) -> Any:
        check(arguments)
        return await method(*arguments)

    setattr(owner, name, failing_later if inspect.iscoroutinefunction(method) else failing)
