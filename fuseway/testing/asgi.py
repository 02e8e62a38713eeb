"""Requests to an application in this process, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import orjson

if TYPE_CHECKING:
    from typing import Any

    from starlette.types import ASGIApp, Message


@dataclass(slots=True)
class Response:
    """A response: its status, headers in lower case, and body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as JSON."""
        return orjson.loads(self.body)


async def post(app: ASGIApp, path: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """Post JSON."""
    return await _send(app, "POST", path, "", {"content-type": "application/json", **headers}, orjson.dumps(payload))


async def get(app: ASGIApp, path: str, parameters: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    """Get a path with parameters."""
    return await _send(app, "GET", path, urlencode(parameters), headers, b"")


async def _send(app: ASGIApp, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Response:
    response, sent, answered = Response(), False, asyncio.Event()
    all_headers = {"host": "test", "accept": "application/json", "content-length": str(len(body)), **headers}

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await answered.wait()
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            response.body += message.get("body", b"")
            if not message.get("more_body", False):
                answered.set()

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in all_headers.items()],
        "server": ("test", 80),
        "client": ("127.0.0.1", 1),
    }
    try:
        await app(scope, receive, send)
    finally:
        answered.set()
    return response
