"""A response that is sent in parts."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from starlette.types import Receive, Scope, Send


class StreamedResponse(StreamingResponse):
    """Sends parts as they come, then closes what yields them. Where the client leaves, HangUpMiddleware ends it.

    Starlette's own method waits for that in tasks, which leave what they were cancelled with to the garbage collector.
    """

    def __init__(
        self, parts: AsyncGenerator[bytes, None], status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        self._parts = parts
        super().__init__(parts, status, headers, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Send the parts."""
        async with aclosing(self._parts):
            await self.stream_response(send)
