"""Overload over HTTP: what is refused, and what is answered all the same."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from benchmarks.asking import TEXTS
from gateway.admission.admission import Admission
from gateway.admission.limit import FLOOR
from gateway.auth.errors import Unauthenticated
from gateway.http.admission import TICKET, AdmissionMiddleware, _shape
from gateway.http.application import Application
from gateway.http.errors import HTTPError
from gateway.http.request_deadline import RequestDeadlineMiddleware
from gateway.http.request_parser import BodyTimeoutMiddleware
from gateway.http.response_cache import VIEWER
from loaders.model.databases import Database, Kind
from tests.fleet.served import ANONYMOUS
from tests.gateway.admission.conftest import until
from tests.gateway.admission.test_admission import held
from tests.gateway.http.conftest import Gateway, NewGateway, kept
from tests.gateway.http.test_hang_up import _listening

SMALL = '{ airline(code: "UA") { name } }'
STALLED = '{ aircraft(tailNumber: "N14228") { analysis { punctuality { flights } } } }'
CACHED = '{ airline(code: "AA") { name } }'


@dataclass(frozen=True, slots=True)
class Stalled:
    """A store that answers no statement until it may."""

    store: Any
    may_answer: asyncio.Event

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Any:
        await self.may_answer.wait()
        return await self.store.columns(sql, parameters)

    async def typed_columns(self, sql: str, parameters: Mapping[str, object]) -> Any:
        await self.may_answer.wait()
        return await self.store.typed_columns(sql, parameters)

    async def ping(self) -> None:
        await self.store.ping()


@asynccontextmanager
async def stalled(gateway: Gateway) -> AsyncIterator[asyncio.Event]:
    """ClickHouse's answers come when the event is set, or at the end."""
    stores = gateway.app.state.stores
    may_answer = asyncio.Event()
    databases: dict[Database, Any] = {
        database: Stalled(store, may_answer) if database.kind is Kind.CLICKHOUSE else store
        for database, store in stores.databases.items()
    }
    gateway.app.state.stores = replace(stores, databases=databases)
    try:
        yield may_answer
    finally:
        may_answer.set()


def admission_of(gateway: Gateway) -> Admission:
    assert isinstance(gateway.app, Application)
    return gateway.app.admission


async def test_the_surplus_is_refused_while_all_else_is_answered(new_gateway: NewGateway) -> None:
    async with new_gateway(cache=True, queue_timeout_s=0.5) as gateway:
        await gateway.ask(SMALL)  # whose price is known then
        await kept(lambda: gateway.post({"query": CACHED}))
        admission = admission_of(gateway)
        admission.limit.value = FLOOR
        async with stalled(gateway) as may_answer:
            # Each is another request, so that none is answered by what another one loads.
            asks = [gateway.post({"query": STALLED.replace("N14228", f"N{index}")}) for index in range(14228, 14258)]
            tasks = [asyncio.create_task(ask) for ask in asks]
            async with asyncio.timeout(60):
                await until(lambda: admission.door.count == FLOOR and admission.door.waiting > 0)
                live = await gateway.client.get("/livez")
                cached = await gateway.post({"query": CACHED})
                small = await gateway.post({"query": SMALL}, cache_control="no-cache")
                refused = await asyncio.gather(*tasks[FLOOR:])  # the others wait for the store
            may_answer.set()
            answered = await asyncio.gather(*tasks[:FLOOR])
        assert live.status_code == 200
        assert "age" in cached.headers
        assert "age" not in small.headers
        assert small.json() == {"data": {"airline": {"name": "United Air Lines Inc."}}}
        assert [answer.status_code for answer in answered] == [200] * FLOOR
        for answer in refused:
            assert answer.status_code == 503
            assert 1 <= int(answer.headers["retry-after"]) <= 6
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-type"] == "application/json; charset=utf-8"
            (error,) = answer.json()["errors"]
            assert error["extensions"] == {"code": "OVERLOADED", "retryAfter": int(answer.headers["retry-after"])}
            assert "data" not in answer.json()
        await until(lambda: not any(held(admission)))


async def test_health_and_options_never_wait(new_gateway: NewGateway) -> None:
    async with new_gateway(queue_timeout_s=0.1, graphiql=True) as gateway:
        admission_of(gateway).limit.value = 0
        answers = [await gateway.client.get(path) for path in ("/livez", "/graphiql")]
        answers.append(await gateway.client.options("/graphql"))
        refused = await gateway.post({"query": SMALL})
    assert [answer.status_code for answer in answers] == [200, 200, 204]
    assert refused.status_code == 503


async def test_a_refusal_is_of_the_media_type_that_the_client_likes(new_gateway: NewGateway) -> None:
    async with new_gateway(queue_timeout_s=0.1) as gateway:
        admission_of(gateway).limit.value = 0
        answers = [
            await gateway.post({"query": SMALL}, accept=accept)
            for accept in ("application/graphql-response+json", "application/json", "text/html")
        ]
        got = await gateway.client.get("/graphql", params={"query": SMALL})
    media = [answer.headers["content-type"].partition(";")[0] for answer in [*answers, got]]
    assert media == ["application/graphql-response+json", *["application/json"] * 3]
    assert {answer.status_code for answer in [*answers, got]} == {503}


async def test_a_refused_heavy_request_is_not_charged(new_gateway: NewGateway) -> None:
    async with new_gateway(queue_timeout_s=0.1, rate_cost_per_minute=1_000_000) as gateway:
        admission = admission_of(gateway)
        before = await gateway.post({"query": "{ __typename }"})
        admission.heavy.enter_regardless(100_000)
        refused = await gateway.post({"query": TEXTS["everything"], "variables": {"ids": ["N14228"]}})
        admission.heavy.leave(100_000)
        after = await gateway.post({"query": "{ __typename }"})
    assert refused.status_code == 503
    assert _remaining(before) - _remaining(after) < 10_000


def _remaining(answer: httpx.Response) -> int:
    return int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0])


async def test_an_export_waits_until_others_leave_room(new_gateway: NewGateway) -> None:
    async with new_gateway() as gateway:
        admission = admission_of(gateway)
        admission.limit.value = 2
        admission.door.enter_regardless(1)
        task = asyncio.create_task(gateway.client.get("/export/aircraft?ids=N14228"))
        await until(admission._background.locked)
        assert gateway.recorder.sent == []
        admission.door.leave(1)
        answer = await task
    assert answer.status_code == 200
    assert '"N14228"' in answer.text


def _post(query: str) -> bytes:
    body = f'{{"query": "{query}"}}'.encode()
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


async def test_a_client_that_hangs_up_while_it_waits_frees_its_place(new_gateway: NewGateway) -> None:
    async with new_gateway(queue_timeout_s=60.0) as gateway, _listening(gateway) as address:
        admission = admission_of(gateway)
        admission.limit.value = 0
        _, writer = await asyncio.open_connection(*address)
        writer.write(_post("{ __typename }"))
        await until(lambda: admission.door.waiting == 1)
        writer.close()
        await until(lambda: admission.door.waiting == 0)
        assert admission.door.counters.left == 1
        assert not any(held(admission))


async def test_what_waits_is_answered_when_the_gateway_stops(new_gateway: NewGateway) -> None:
    answers = []
    async with new_gateway(queue_timeout_s=1.0) as gateway:
        admission = admission_of(gateway)
        admission.limit.value = 0
        async with _listening(gateway) as address:
            readers = []
            for _ in range(5):
                reader, writer = await asyncio.open_connection(*address)
                writer.write(_post("{ __typename }"))
                readers.append((reader, writer))
            await until(lambda: admission.door.waiting == 5)
            admission.limit.value = 2
            admission.door.admit()
        for reader, writer in readers:
            answers.append(await reader.readuntil(b"\r\n"))
            writer.close()
    assert sorted(answers) == [b"HTTP/1.1 200 OK\r\n"] * 5


async def test_what_waits_to_the_end_is_refused_when_the_gateway_stops(new_gateway: NewGateway) -> None:
    async with new_gateway(queue_timeout_s=1.0) as gateway:
        admission = admission_of(gateway)
        admission.limit.value = 0
        async with _listening(gateway) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(_post("{ __typename }"))
            await until(lambda: admission.door.waiting == 1)
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: " in answer
    assert b"OVERLOADED" in answer


class Origin:
    """The middleware, before an application of the test's own."""

    def __init__(self, places: int = 1, max_body_bytes: int = 1_000) -> None:
        self.admission = Admission(max_wait_s=60.0, max_under_way=64, max_response_bytes=1 << 20)
        self.admission.limit.value = places
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.respond: Any = lambda: Response(b"answer")
        self.door = AdmissionMiddleware(self._answer, "/graphql", self.admission, max_body_bytes)
        self.app: ASGIApp = RequestDeadlineMiddleware(self.door, "/graphql", timeout_s=60.0)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if TICKET in scope:
            await self.may_answer.wait()
        body = await Request(scope, receive).body()
        assert body == b"query"[: len(body)]
        await self.respond()(scope, receive, send)

    async def ask(self, caller: "Client", **scope: Any) -> None:
        whole = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": []}
        await self.app({**whole, VIEWER: ANONYMOUS, "client": ("192.0.2.1", 1), **scope}, caller.receive, caller.send)


class Client:
    """A client that sends its body in parts, and leaves when the test wants it to."""

    def __init__(self, *parts: bytes, more: bool = False) -> None:
        self._parts = [
            {"type": "http.request", "body": part, "more_body": more or index < len(parts) - 1}
            for index, part in enumerate(parts)
        ]
        self.leaves = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.messages: list[Any] = []

    def add(self, last: bytes) -> None:
        self._parts.append({"type": "http.request", "body": last, "more_body": False})

    async def receive(self) -> Any:
        if self._parts:
            return self._parts.pop(0)
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.body":
            await self.reads.wait()


async def test_a_body_that_does_not_come_holds_no_place() -> None:
    origin = Origin()
    slow = asyncio.create_task(origin.ask(Client(b"que", more=True)))
    await asyncio.sleep(0)
    origin.may_answer.set()
    quick = Client(b"qu", b"ery")
    await origin.ask(quick)
    assert quick.messages[0]["status"] == 200
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


async def test_a_client_that_reads_slowly_holds_no_place() -> None:
    origin = Origin()
    origin.may_answer.set()
    slow = Client(b"query")
    slow.reads.clear()
    task = asyncio.create_task(origin.ask(slow))
    await until(lambda: len(slow.messages) == 2)
    assert origin.admission.door.count == 0
    slow.reads.set()
    await task


async def test_an_answer_in_parts_holds_its_place_while_it_is_made() -> None:
    origin = Origin()
    origin.may_answer.set()
    goes_on = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await goes_on.wait()
        yield b"last"

    origin.respond = lambda: StreamingResponse(parts(), media_type='multipart/mixed; boundary="-"')
    client = Client(b"query")
    task = asyncio.create_task(origin.ask(client))
    await until(lambda: len(client.messages) == 2)
    assert origin.admission.door.count == 1
    goes_on.set()
    await task
    assert not any(held(origin.admission))


async def test_an_answer_in_parts_that_is_not_read_gives_its_place_back_at_the_deadline() -> None:
    origin = Origin()
    origin.app = RequestDeadlineMiddleware(origin.door, "/graphql", timeout_s=0.2)
    origin.may_answer.set()

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"

    origin.respond = lambda: StreamingResponse(parts(), media_type='multipart/mixed; boundary="-"')
    client = Client(b"query")
    client.reads.clear()
    task = asyncio.create_task(origin.ask(client))
    await until(lambda: len(client.messages) == 2)
    await until(lambda: origin.admission.door.count == 0)
    assert not task.done()
    client.reads.set()
    await task
    assert not any(held(origin.admission))


async def test_a_body_that_is_too_long_is_left_to_the_application() -> None:
    origin = Origin(places=0, max_body_bytes=4)
    client = Client(b"query")
    await origin.ask(client)
    assert (origin.asked, client.messages[0]["status"]) == (1, 200)


async def test_the_bodies_of_those_that_wait_are_bounded() -> None:
    origin = Origin(places=0, max_body_bytes=20_000)
    clients = [Client(b"q" * 20_000) for _ in range(65)]
    tasks = [
        asyncio.create_task(origin.ask(client, client=(f"192.0.2.{index}", 1))) for index, client in enumerate(clients)
    ]
    await until(lambda: sum(task.done() for task in tasks) == 1)
    assert [client.messages[0]["status"] for client in clients if client.messages] == [503]
    assert (origin.door.refused_bodies, origin.admission.door.waiting) == (1, 64)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not any(held(origin.admission))


async def test_small_bodies_are_taken_while_large_ones_do_not_come() -> None:
    origin = Origin(max_body_bytes=20_000)
    origin.may_answer.set()
    stalled_tasks = [asyncio.create_task(origin.ask(Client(b"q" * 20_000, more=True))) for _ in range(64)]
    await until(lambda: origin.door._held_bytes == 64 * 20_000)
    small, large = Client(b"query"), Client(b"q" * 16_385)
    await origin.ask(small)
    await origin.ask(large)
    assert [client.messages[0]["status"] for client in (small, large)] == [200, 503]
    for task in stalled_tasks:
        task.cancel()
    await asyncio.gather(*stalled_tasks, return_exceptions=True)


async def test_a_last_part_that_comes_too_late_makes_no_request() -> None:
    origin = Origin()
    origin.may_answer.set()
    late = Client(b"que", more=True)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        late.add(b"ry")
        await origin._answer(scope, receive, send)

    door = AdmissionMiddleware(answer, "/graphql", origin.admission, 1_000)
    origin.app = BodyTimeoutMiddleware(RequestDeadlineMiddleware(door, "/graphql", timeout_s=60.0), timeout_s=0.05)
    with pytest.raises(HTTPError) as refused:
        await origin.ask(late)
    assert refused.value.status == 408


NESTED = f'{{"query": "{{ __typename }}", "extensions": {{"x": {"[" * 400}{"]" * 400}}}}}'


@pytest.mark.parametrize(
    "body", [NESTED, f"[{NESTED}]", '{"query": {"a": 1}, "extensions": {"persistedQuery": [1]}}', "[[[", "1", "null"]
)
async def test_no_body_is_more_than_the_middleware_can_take(new_gateway: NewGateway, body: str) -> None:
    async with new_gateway() as gateway:
        answer = await gateway.client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code < 500
    assert answer.headers["content-type"].startswith("application/json")


def test_requests_of_the_same_shape_have_the_same_document_and_about_as_many_variables() -> None:
    first = b'{"query":"{ a }","variables":{"id":"1"}}'
    assert _shape(b"", first) == _shape(b"", first.replace(b"1", b"2"))
    others = [
        first.replace(b"a", b"b"),
        first.replace(b'"1"', b'"' + b"1" * 100 + b'"'),
        b'{"documentId":"a","variables":{"id":1}}',
        b'{"documentId":"b","variables":{"id":1}}',
        *(b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"%s"}}}' % name for name in (b"a", b"b")),
    ]
    assert len({_shape(b"", body) for body in [first, *others]}) == 1 + len(others)


async def test_a_refused_credential_is_answered_without_waiting() -> None:
    origin = Origin(places=0)
    client = Client(b"query")
    await origin.ask(client, **{VIEWER: Unauthenticated("bad")})
    assert origin.asked == 1


async def test_a_failure_gives_the_place_back() -> None:
    origin = Origin()
    origin.may_answer.set()

    def fail() -> Response:
        raise RuntimeError("broken")

    origin.respond = fail
    with pytest.raises(RuntimeError, match="broken"):
        await origin.ask(Client(b"query"))
    assert not any(held(origin.admission))
