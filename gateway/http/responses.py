"""Build HTTP responses from the results of operations: status, headers and body."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from starlette.responses import Response

from gateway.execution.json_chunks import encode
from gateway.http.compression import MIN_BYTES, chosen, compressed, compressed_in_parts
from gateway.http.errors import HTTPError, RequestError
from gateway.http.incremental import MultipartResponse
from gateway.http.media import JSON, listed, multipart
from gateway.http.operation_result import OperationResult
from gateway.http.response_cache import matches
from gateway.http.security_headers import SAFE
from gateway.http.streamed_response import StreamedResponse
from gateway.limits import exceeded
from gateway.observability.outcomes import outcome_of_error
from gateway.observability.request_observation import CLIENT_ERROR, observation_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from starlette.requests import Request

    from gateway.auth.viewer import Viewer
    from gateway.http.operation_result import OperationResult
    from loaders.cache_policy import CachePolicy

_MAX_WHOLE_BODY = 1 << 20
"""Bytes that are sent as one body; it costs less for small answers, and holds the event loop for large ones."""
_VARY = "Accept, Accept-Encoding, Authorization, X-API-Key, GraphQL-Cost"
_UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Makes nginx pass on each part as it comes."""


@dataclass(frozen=True, slots=True)
class ResponseData:
    """All results of a request, in order.

    `status` is that of a fault, or of one result in GraphQL's own media type; `max_bytes` is of the answer as JSON.
    """

    results: Sequence[OperationResult]
    is_batch: bool
    media: str = JSON
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int | None = None

    def too_large(self, size: int) -> ResponseData:
        """Return the data with each result replaced by an error about the size of the whole."""
        if self.max_bytes is None:
            return self
        refused = OperationResult.of_request_error(
            exceeded("response_bytes", self.max_bytes, size, unit="bytes of an answer")
        )
        return replace(
            self,
            results=[refused] * len(self.results),
            status=None if self.is_batch else refused.error_status,
            max_bytes=None,
        )

    @classmethod
    def nothing(cls, headers: Mapping[str, str]) -> ResponseData:
        """No body at all."""
        return cls((), is_batch=False, headers=headers)


async def respond(
    request: Request, response: ResponseData, policy: CachePolicy | None = None, viewer: Viewer | None = None
) -> Response:
    """Build the response. Without `policy` it is an error, and must not be cached."""
    if not response.results:
        return Response(status_code=204, headers=dict(response.headers))
    payloads = [result.payload() for result in response.results]
    first = response.results[0]
    incremental = first.incremental
    chunks = encode(
        payloads
        if response.is_batch
        else payloads[0] | (incremental.initial_members() if incremental is not None else {})
    )
    if response.max_bytes is not None and (size := sum(map(len, chunks))) > response.max_bytes:
        if incremental is not None:
            await incremental.close()
        _observe(request, CLIENT_ERROR)
        return await respond(request, response.too_large(size), policy)
    if incremental is not None:
        headers = {"Cache-Control": "no-store", "Vary": _VARY, **SAFE, **_UNBUFFERED, **first.headers}
        media = multipart(listed(request.headers, "accept")) or response.media
        return MultipartResponse(chunks, incremental, headers, media, response.max_bytes)
    status = _status(response, policy)
    headers = {"Cache-Control": _cache_control(response.results, policy, viewer), "Vary": _VARY, **SAFE}
    for result in response.results:
        headers |= result.headers
    if request.method != "POST" and status == 200 and sum(map(len, chunks)) <= _MAX_WHOLE_BODY:
        headers["ETag"] = etag = _tag(chunks)
        if matches(listed(request.headers, "if-none-match").encode(), etag.encode()):
            return Response(status_code=304, headers=headers)
    return await _body(request, chunks, status, headers, f"{response.media}; charset=utf-8")


async def respond_error(request: Request, refused: HTTPError | RequestError, media: str = JSON) -> Response:
    """Return the response to a request that is rejected as a whole."""
    errors = refused.errors if isinstance(refused, RequestError) else [refused.error]
    _observe(request, outcome_of_error(refused.status, errors[0]))
    result = OperationResult(has_data=False, errors=errors, headers=refused.headers)
    return await respond(request, ResponseData([result], is_batch=False, media=media, status=refused.status))


def _observe(request: Request, outcome: str) -> None:
    observation = observation_of(request.scope)
    if observation is not None:
        observation.worsen(outcome)


def _status(response: ResponseData, policy: CachePolicy | None) -> int:
    if policy is not None and (response.media == JSON or response.status is None):
        forced = {result.error_status for result in response.results if not result.has_data} - {400}
        return forced.pop() if len(forced) == 1 and not response.is_batch else 200
    return response.status or 200


def _cache_control(results: Sequence[OperationResult], policy: CachePolicy | None, viewer: Viewer | None) -> str:
    """Return the Cache-Control header. The least fresh value determines the time; errors are not cached."""
    if policy is None or len(results) > 1 or any(result.errors for result in results):
        return "no-store"
    whose = "public" if viewer is not None and viewer.is_anonymous else "private"
    if policy.fresh_until is None or not policy.is_kept:
        return "no-cache" if whose == "public" else "private, no-cache"
    fresh_s = int(policy.fresh_for_s())
    if fresh_s == 0:
        return f"{whose}, max-age=0"  # of what is stale already, nobody shall serve more without asking
    return f"{whose}, max-age={fresh_s}, stale-while-revalidate={policy.stale_while_revalidate_s}"


def _tag(chunks: Sequence[bytes]) -> str:
    """Return the ETag of the content: a weak one, since all encodings share it."""
    digest = hashlib.blake2b(digest_size=16)
    for chunk in chunks:
        digest.update(chunk)
    return f'W/"{digest.hexdigest()}"'


async def _body(request: Request, chunks: list[bytes], status: int, headers: dict[str, str], media: str) -> Response:
    """Return the response in one body, or streamed in chunks if it is large, so that it is never copied."""
    size = sum(map(len, chunks))
    encoding = chosen(listed(request.headers, "accept-encoding")) if size >= MIN_BYTES else None
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    if size > _MAX_WHOLE_BODY:
        if encoding is not None:
            return StreamedResponse(compressed_in_parts(taken(chunks), encoding), status, headers, media)
        headers["Content-Length"] = str(size)
        return StreamedResponse(taken(chunks), status, headers, media)
    body = b"".join(chunks)
    return Response(await compressed(body, encoding) if encoding is not None else body, status, headers, media)


async def taken(chunks: list[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the chunks in order, release each once it is sent, and let other tasks run from time to time.

    A client that reads fast never makes the server wait, so that sending would block the event loop to the end.
    """
    since = 0
    for index, chunk in enumerate(chunks):
        chunks[index] = b""
        yield chunk
        since += len(chunk)
        if since > _MAX_WHOLE_BODY:
            since = 0
            await asyncio.sleep(0)
