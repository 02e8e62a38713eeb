"""Deliver results incrementally: the initial part first, deferred and streamed parts later, as multipart/mixed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError
from starlette.responses import StreamingResponse

from gateway.errors import first_errors, masked
from gateway.execution.field_errors import merge_errors
from gateway.execution.json_chunks import encode
from gateway.limits import exceeded
from gateway.observability.outcomes import outcome_of_error
from gateway.observability.request_observation import PARTIAL
from loaders.concurrency import cancel_and_wait

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence

    from graphql import ExperimentalIncrementalExecutionResults
    from graphql.execution import IncrementalResult as CoreIncrementalResult
    from graphql.execution import SubsequentIncrementalExecutionResult
    from graphql.execution.types import CompletedResult
    from starlette.types import Receive, Scope, Send

    from gateway.http.request_deadline import RequestDeadline
    from gateway.observability.request_observation import RequestObservation
    from loaders.request_stats import RequestStats

_PART = b"\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
_DELIMITER = b"---"
_MAX_WHOLE_PART = 1 << 20
"""Bytes of a part that are sent in one go; larger ones are sent in the chunks that they are encoded in."""


@dataclass(slots=True)
class IncrementalResult:
    """The parts of a result after the initial one.

    `causes` are the masked causes of errors so far, with the ids under which they are logged. `stats`, if given, are
    reported with the last part. `held` is closed at the end. What is not there by the `deadline` fails.
    """

    result: ExperimentalIncrementalExecutionResults
    causes: dict[BaseException, str] = field(default_factory=dict)
    stats: RequestStats | None = None
    held: AsyncExitStack = field(default_factory=AsyncExitStack)
    deadline: RequestDeadline | None = None
    observation: RequestObservation | None = None
    """The record of the request."""

    def initial_members(self) -> dict[str, Any]:
        """Return the members of the initial part that announce the later ones."""
        return {"pending": [item.formatted for item in self.result.initial_result.pending], "hasNext": True}

    async def encoded(self, sent: int, max_bytes: int | None) -> AsyncIterator[list[bytes]]:
        """Encode the later parts as JSON, in chunks. Each part is requested once the previous one was sent.

        `sent` is the size of the initial part. If the parts exceed `max_bytes` together, or the deadline passes, a last
        part fails everything that is pending; by then everything has been released.
        """
        pending = {item.id: None for item in self.result.initial_result.pending}
        async for result in self._results():
            if isinstance(result, GraphQLError):
                failure = result
                break
            chunks = encode(self._payload(result))
            sent += sum(map(len, chunks))
            if max_bytes is not None and sent > max_bytes:
                (failure,) = exceeded("response_bytes", max_bytes, sent, unit="bytes of an answer").errors
                break
            yield chunks
            pending |= {item.id: None for item in result.pending or ()}
            for item in result.completed or ():
                del pending[item.id]
        else:
            return
        await self.close()
        self._observe(outcome_of_error(200, failure))
        yield encode(self._failed(pending, failure))

    async def close(self) -> None:
        """Close the result, and release what it holds."""
        try:
            await self.result.subsequent_results.aclose()
        finally:
            await self.held.aclose()

    def _payload(self, result: SubsequentIncrementalExecutionResult) -> dict[str, Any]:
        payload: dict[str, Any] = {"hasNext": result.has_next}
        if result.pending:
            payload["pending"] = [item.formatted for item in result.pending]
        if result.incremental:
            payload["incremental"], more = self._values(result.incremental)
            if more:
                payload["extensions"] = {"furtherErrors": more}
        if result.completed:
            payload["completed"] = [self._completed(item) for item in result.completed]
        return payload if result.has_next else self._accounted(payload)

    async def _results(self) -> AsyncIterator[SubsequentIncrementalExecutionResult | GraphQLError]:
        """Yield the later parts; at the deadline, an error and no more."""
        parts, deadline = self.result.subsequent_results, self.deadline
        while True:
            try:
                async with deadline.answer.enforced() if deadline is not None else nullcontext():
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if deadline is None or deadline.answer.left_s():
                    raise
                yield deadline.error()
                return
            yield part

    def _failed(self, pending: Iterable[str], error: GraphQLError) -> dict[str, Any]:
        """Return the last part, with the error for each id that is waited for."""
        completed = [{"id": item, "errors": [error.formatted]} for item in pending]
        return self._accounted({"hasNext": False, **({"completed": completed} if completed else {})})

    def _observe(self, outcome: str) -> None:
        if self.observation is not None:
            self.observation.worsen(outcome)

    def _accounted(self, last: dict[str, Any]) -> dict[str, Any]:
        if self.stats is not None:
            last.setdefault("extensions", {})["accounting"] = self.stats.report()
        return last

    def _values(self, values: Sequence[CoreIncrementalResult]) -> tuple[list[dict[str, Any]], int]:
        """The values, of their errors the first ones, and how many are left out. Those of a failed field are merged."""
        merged = merge_errors(error for item in values for error in item.errors or ())
        if merged:
            self._observe(PARTIAL)
        errors = dict(zip(map(id, merged), masked(merged, self.causes), strict=True))
        full = set(map(id, first_errors(errors.values())))
        formatted = []
        for item in values:
            own = [errors[id(error)] for error in item.errors or () if id(error) in errors]
            few = [dict(error.formatted) for error in own if id(error) in full]
            item.errors = None
            formatted.append({**item.formatted, **({"errors": few} if few else {})})
        return formatted, len(errors) - len(full)

    def _completed(self, item: CompletedResult) -> dict[str, Any]:
        """Return a completion notice, with one error if it failed. Without an error it would mean success."""
        errors: list[GraphQLError] = masked((item.errors or [])[:1], self.causes)
        if errors:
            self._observe(PARTIAL)
        return {"id": item.id, **({"errors": [dict(error.formatted) for error in errors]} if errors else {})}


class MultipartResponse(StreamingResponse):
    """Sends the parts as they come, and closes the result when the last is sent, or when the client has left.

    `first` is the initial part as JSON, in chunks; `max_bytes` is the limit of all parts together.
    """

    def __init__(
        self,
        first: list[bytes],
        result: IncrementalResult,
        headers: dict[str, str],
        media: str,
        max_bytes: int | None = None,
    ) -> None:
        self._result = result
        self._body = _multipart(first, result, max_bytes)
        super().__init__(self._body, 200, headers, media)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Send the parts. Starlette's own method would also cancel the clean-up at the end."""
        sending = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            try:
                await cancel_and_wait((sending, leaving))
            finally:
                await self._closed()
        if sending.done() and not sending.cancelled():
            sending.result()

    async def _closed(self) -> None:
        try:
            await self._body.aclose()
        finally:
            await self._result.close()


async def _multipart(
    first: list[bytes], result: IncrementalResult, max_bytes: int | None
) -> AsyncGenerator[bytes, None]:
    """Return the body: each part is followed by the delimiter, which tells the client that the part is complete."""
    sent = sum(map(len, first))
    for chunk in _part(first, start=_DELIMITER):
        yield chunk
    first.clear()
    async for chunks in result.encoded(sent, max_bytes):
        for chunk in _part(chunks):
            yield chunk
    yield b"--\r\n"


def _part(chunks: list[bytes], start: bytes = b"") -> Sequence[bytes]:
    whole = [start, _PART, *chunks, b"\r\n", _DELIMITER]
    return whole if sum(map(len, chunks)) > _MAX_WHOLE_PART else [b"".join(whole)]
