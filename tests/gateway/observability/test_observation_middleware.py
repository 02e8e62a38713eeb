"""Each request is observed once, whatever becomes of it."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.observability.observation_middleware import ObservationMiddleware
from gateway.observability.operation_names import OperationNames
from gateway.observability.request_observation import CACHED, PARTIAL, observation_of
from tests.gateway.observability.scrapes import Samples, own, value

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


async def _receive() -> Message:
    return {"type": "http.disconnect"}


def _scope(path: str = "/graphql") -> Scope:
    return {"type": "http", "path": path, "method": "POST", "headers": []}


async def _sent(app: ASGIApp, path: str = "/graphql") -> list[Message]:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    middleware = ObservationMiddleware(app, OperationNames(["Dashboard"]), ("/livez",))
    await middleware(_scope(path), _receive, send)
    return messages


def _answering(status: int, operation: str | None = None, outcome: str = "") -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        observation = observation_of(scope)
        if observation is not None and operation is not None:
            observation.operation, observation.outcome = operation, outcome
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


def _requests(before: Samples, after: Samples) -> dict[tuple[str, str], float]:
    """Return how many requests of which operation and outcome were counted."""
    return {
        (labels["operation"], labels["outcome"]): number - before.get((name, pairs), 0)
        for (name, pairs), number in after.items()
        if name == "fuseway_http_requests_total" and number > before.get((name, pairs), 0)
        for labels in [dict(pairs)]
    }


@pytest.mark.parametrize(
    ("app", "counted"),
    [
        (_answering(200, "Dashboard", CACHED), ("Dashboard", "cached")),
        (_answering(200, "Dashboard", PARTIAL), ("Dashboard", "partial")),
        (_answering(200, ""), ("unnamed", "ok")),
        (_answering(404), ("unknown", "client_error")),
        (_answering(200, "Nobody_asks_often"), ("other", "ok")),
    ],
)
async def test_a_request_is_counted_by_its_operation_and_outcome(app: ASGIApp, counted: tuple[str, str]) -> None:
    before = own()
    messages = await _sent(app)
    after = own()

    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert _requests(before, after) == {counted: 1}
    durations = "fuseway_http_request_duration_seconds_count"
    assert value(after, durations, operation=counted[0]) == value(before, durations, operation=counted[0]) + 1


async def test_probes_are_not_counted() -> None:
    before = own()
    await _sent(_answering(200), "/livez")

    assert _requests(before, own()) == {}


async def test_a_request_that_is_cancelled_is_a_hang_up_and_in_flight_until_then() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    begun, before = asyncio.Event(), own()
    task = asyncio.create_task(_sent(app))
    await begun.wait()
    during = own()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    after, in_flight = own(), "fuseway_http_requests_in_flight"

    assert [value(taken, in_flight) - value(before, in_flight) for taken in (during, after)] == [1, 0]
    assert _requests(before, after) == {("unknown", "hang_up"): 1}


async def test_nothing_of_a_request_is_left_to_the_garbage_collector() -> None:
    class Cycle:
        """What the server keeps of a request, as uvicorn does: its scope, and how to send."""

        def __init__(self) -> None:
            self.scope = _scope()

        async def send(self, _message: Message) -> None:
            pass

    cycle = Cycle()
    kept = weakref.ref(cycle)
    await ObservationMiddleware(_answering(200), OperationNames(), ())(cycle.scope, _receive, cycle.send)
    gc.disable()
    try:
        del cycle
        assert kept() is None
    finally:
        gc.enable()


async def test_an_application_that_fails_is_counted_by_what_it_had_sent() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        raise RuntimeError

    before = own()
    with pytest.raises(RuntimeError):
        await _sent(app)

    assert _requests(before, own()) == {("unknown", "server_error"): 1}
