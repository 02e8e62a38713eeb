"""Cancel what a request does when its client hangs up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.http_connection import CONNECTION
from gateway.observability.request_observation import HANG_UP_KEY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from gateway.http_connection import Connection


class HangUp:
    """Called when the client hangs up: cancels the task that answers it, unless that has begun to change something."""

    __slots__ = ("_task", "has_left")

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self._task = task
        self.has_left = False

    def __call__(self) -> None:
        """Cancel the task."""
        if self._task is not None:
            self.has_left = True
            self._task.cancel()

    def ignore(self) -> None:
        """Have the task go on from now on: a mutation must not be left half done."""
        self._task = None


class HangUpMiddleware:
    """ASGI middleware that ends a request whose client has hung up, as the gateway's own HTTP protocol tells it.

    A callback of the connection costs less than a task that waits for `http.disconnect`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        connection: Connection | None = scope.get(CONNECTION)
        if connection is None:
            await self._app(scope, receive, send)
            return
        if connection.transport.is_closing():  # while the request waited for its turn, or its credential was looked up
            await _until_disconnected(receive)
            return
        hang_up = connection.on_hang_up = scope[HANG_UP_KEY] = HangUp(asyncio.current_task())
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not hang_up.has_left or (task is not None and task.uncancel()):
                raise
        finally:
            connection.on_hang_up = None


async def _until_disconnected(receive: Receive) -> None:
    """Wait until the server knows that the client has left: it would take an earlier return for a mistake."""
    while (await receive())["type"] != "http.disconnect":
        pass


def ignore_hang_up(scope: Scope) -> None:
    """Have a request go on though its client hangs up: what it changes must not be left half done."""
    hang_up: HangUp | None = scope.get(HANG_UP_KEY)
    if hang_up is not None:
        hang_up.ignore()
