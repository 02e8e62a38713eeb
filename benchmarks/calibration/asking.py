"""One request to the gateway's application, in this process: what it cost, and the CPU that it took."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar

import orjson
from starlette.types import ASGIApp

from benchmarks.calibration.cpu import PARTS, since, used_s
from benchmarks.calibration.shapes import Shape
from gateway.rate_limit import RateLimit


class Metered(RateLimit):
    """Fair use that notes the points that are taken, of whatever caller."""

    points: ClassVar[int] = 0

    async def _taken(self, scope: Any, points: int, viewer: str, maximum: int) -> Any:
        Metered.points += points
        return await super()._taken(scope, points, viewer, maximum)

    def owe(self, scope: Any, points: int, **whose: Any) -> None:
        """Note them too."""
        Metered.points += points
        super().owe(scope, points, **whose)


@dataclass(frozen=True, slots=True)
class Measured:
    """A shape's points, and the median CPU in seconds by part of several rounds."""

    shape: Shape
    status: int
    points: int
    cpu_s: dict[str, float]

    @property
    def us_a_point(self) -> float:
        """Microseconds of CPU, of gateway and stores together."""
        return sum(self.cpu_s.values()) * 1e6 / max(1, self.points)


async def measured(
    app: ASGIApp, shape: Shape, ids: Sequence[str], rounds: int, forget: Callable[[], Awaitable[None]]
) -> Measured:
    """Ask once, so that documents are remembered; then in rounds, with new periods where the shape has any.

    `forget` empties the cache before each.
    """
    await _ask(app, shape, ids)
    used: list[dict[str, float]] = []
    status = points = 0
    for _ in range(rounds):
        await forget()
        before = used_s()
        status, points = await _ask(app, shape, ids)
        used.append(since(before))
    return Measured(shape, status, points, {part: median(item[part] for item in used) for part in PARTS})


async def _ask(app: ASGIApp, shape: Shape, ids: Sequence[str]) -> tuple[int, int]:
    """The status, and the points that were taken."""
    path, _, query = shape.path.replace("$ids", ",".join(ids[: shape.size])).partition("?")
    body = b"" if shape.path else orjson.dumps(shape.body(ids))
    headers = {"host": "gateway", "content-type": "application/json", "accept-encoding": "gzip", **shape.headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET" if shape.path else "POST",
        "scheme": "http",
        "path": path or "/graphql",
        "raw_path": (path or "/graphql").encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 1),
        "server": ("gateway", 80),
    }
    started: dict[str, Any] = {}
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])
    answered = asyncio.Event()

    async def receive() -> Any:
        for request in requests:
            return request
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.update(message)

    Metered.points = 0
    await app(scope, receive, send)
    answered.set()
    return started["status"], Metered.points
