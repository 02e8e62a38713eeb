"""A stand-in for the gateway that counts what it is asked."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from zlib import crc32

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Answer = Callable[[Request], Awaitable[Response]]


def answering(body: str = "answer", cache: str = "public, max-age=60") -> Answer:
    """An answer whose ETag follows from its body: 304 to whoever has it."""
    headers = {"cache-control": cache, "etag": f'"{crc32(body.encode())}"'}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    return answer


def slowly(answer: Answer, seconds: float = 0.3) -> Answer:
    """The same answer, after a while."""

    async def later(request: Request) -> Response:
        await asyncio.sleep(seconds)
        return await answer(request)

    return later


def held(answer: Answer, until: threading.Event) -> Answer:
    """The same answer, once the event is set."""

    async def later(request: Request) -> Response:
        await asyncio.to_thread(until.wait, 10)
        return await answer(request)

    return later


@dataclass
class Upstream:
    """What stands in for the gateway."""

    answer: Answer = field(default_factory=answering)
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    async def _endpoint(self, request: Request) -> Response:
        self.asked.append(request)
        return await self.answer(request)

    def start(self) -> None:
        """Serve, in a thread."""
        app = Starlette(routes=[Route("/{path:path}", self._endpoint, methods=["GET", "HEAD", "POST"])])
        # Without proxy_headers, a request's client is the edge's end of the connection.
        config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="off", proxy_headers=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
