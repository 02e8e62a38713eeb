"""Answers in parts: the first when it is there, what was deferred or streamed after it (multipart/mixed)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from gateway.errors import MOST_ERRORS, masked
from gateway.execution.pieces import encode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from graphql import ExperimentalIncrementalExecutionResults, GraphQLError
    from graphql.execution import IncrementalResult, SubsequentIncrementalExecutionResult
    from graphql.execution.types import CompletedResult
    from starlette.types import Receive, Scope, Send

    from loaders.account import Account

_PART = b"\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
_DELIMITER = b"---"
_LARGEST_PART = 1 << 20
"""Bytes of a part that are sent in one go; larger ones are sent in the pieces that they are encoded in."""


@dataclass(slots=True)
class Parts:
    """What comes after the first part of an answer.

    `causes` are the masked causes of errors so far, with the ids that they are shown by. `account` is reported with the
    last part, where it is given. `held` is what is let go of at the end.
    """

    result: ExperimentalIncrementalExecutionResults
    causes: dict[BaseException, str] = field(default_factory=dict)
    account: Account | None = None
    held: AsyncExitStack = field(default_factory=AsyncExitStack)

    def announced(self) -> dict[str, Any]:
        """What the first part says of the others."""
        return {"pending": [one.formatted for one in self.result.initial_result.pending], "hasNext": True}

    async def payloads(self) -> AsyncIterator[dict[str, Any]]:
        """The others. Each is only asked for when the one before it has been taken."""
        async for result in self.result.subsequent_results:
            payload = self._payload(result)
            if self.account is not None and not result.has_next:
                payload.setdefault("extensions", {})["accounting"] = self.account.report()
            yield payload

    async def close(self) -> None:
        """Whatever has come, and whatever has not."""
        try:
            await self.result.subsequent_results.aclose()
        finally:
            await self.held.aclose()

    def _payload(self, result: SubsequentIncrementalExecutionResult) -> dict[str, Any]:
        payload: dict[str, Any] = {"hasNext": result.has_next}
        if result.pending:
            payload["pending"] = [one.formatted for one in result.pending]
        if result.incremental:
            payload["incremental"], more = self._values(result.incremental)
            if more:
                payload["extensions"] = {"furtherErrors": more}
        if result.completed:
            payload["completed"] = [self._completed(one) for one in result.completed]
        return payload

    def _values(self, values: Sequence[IncrementalResult]) -> tuple[list[dict[str, Any]], int]:
        """The values, of their errors the first ones, and how many are left out."""
        errors = masked([error for one in values for error in one.errors or ()], self.causes)
        shown, formatted = iter(errors[:MOST_ERRORS]), []
        for one in values:
            few = [dict(error.formatted) for _, error in zip(one.errors or (), shown, strict=False)]
            one.errors = None
            formatted.append({**one.formatted, **({"errors": few} if few else {})})
        return formatted, max(0, len(errors) - MOST_ERRORS)

    def _completed(self, one: CompletedResult) -> dict[str, Any]:
        """With one error where it failed: without any, it would be taken for a success."""
        errors: list[GraphQLError] = masked((one.errors or [])[:1], self.causes)
        return {"id": one.id, **({"errors": [dict(error.formatted) for error in errors]} if errors else {})}


class PartsResponse(StreamingResponse):
    """Sends the parts as they come, and lets go of all when the last is sent, or when its client has left."""

    def __init__(self, first: dict[str, Any], parts: Parts, headers: dict[str, str], media: str) -> None:
        self._parts = parts
        self._body = _multipart({**first, **parts.announced()}, parts)
        super().__init__(self._body, 200, headers, media)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Starlette's own would cancel whatever is done at the end, too."""
        sending = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.wait((sending, leaving))
            await self._body.aclose()
            await self._parts.close()
        if not sending.cancelled():
            sending.result()


async def _multipart(first: dict[str, Any], parts: Parts) -> AsyncGenerator[bytes, None]:
    """The body: each part with the delimiter after it, which tells the client that it is whole."""
    pieces = encode(first)
    first.clear()
    for piece in _part(pieces, start=_DELIMITER):
        yield piece
    async for payload in parts.payloads():
        for piece in _part(encode(payload)):
            yield piece
    yield b"--\r\n"


def _part(pieces: list[bytes], start: bytes = b"") -> Sequence[bytes]:
    whole = [start, _PART, *pieces, b"\r\n", _DELIMITER]
    return whole if sum(map(len, pieces)) > _LARGEST_PART else [b"".join(whole)]
