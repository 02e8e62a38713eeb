"""GraphQL over HTTP: requests in, orjson bytes out."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import strawberry
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.types import ExecutionResult

from gateway.answers import ACCOUNT, matches
from gateway.execution.pieces import encode
from gateway.stores import Stores
from loaders.account import begin, current
from resolvers.context import RequestContext

MEDIA_TYPE = "application/json"
_CONTEXT = "gateway.context"

ACCOUNTING = "accounting"
"""The extension of a request that asks for an account, and of the answer that has it."""

_LARGEST_BODY = 1 << 20
"""Bytes that are sent as one body; it costs less for small answers, and holds the event loop for large ones."""


class GraphQLEndpoint(GraphQL[RequestContext, None]):
    """Strawberry's endpoint with this gateway's context and encoder."""

    def __init__(self, schema: strawberry.Schema, max_ids: int) -> None:
        super().__init__(schema, graphql_ide=None)
        self.max_ids = max_ids

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:  # noqa: ARG002
        """Loaders of its own for each request, over the process's stores."""
        stores: Stores = request.app.state.stores
        request.scope[ACCOUNT] = begin()
        context = RequestContext.of(stores.loaders(), self.max_ids, encode_in_pieces=True)
        request.scope[_CONTEXT] = context
        return context

    async def run(self, request: Request | WebSocket, *args: Any, **kwargs: Any) -> Any:
        """The answer, with all that was loaded for it let go of before it is sent."""
        try:
            response = await super().run(request, *args, **kwargs)
            if isinstance(request, Request) and isinstance(response, Response) and request.method == "GET":
                return _revalidated(request, response)
            return response
        finally:
            context: RequestContext | None = request.scope.pop(_CONTEXT, None)
            if context is not None:
                await context.release()

    async def execute_single(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        """The answer; where the request's extensions ask for it, with an account of what it took."""
        asked: GraphQLRequestData = kwargs["request_data"]
        account = current() if (asked.extensions or {}).get(ACCOUNTING) is True else None
        if account is not None:
            account.measures_bytes = True
        result = await super().execute_single(*args, **kwargs)
        if account is not None:
            account.is_kept = False  # of this request, and no other's
            result.extensions = {**(result.extensions or {}), ACCOUNTING: account.report()}
        return result

    def decode_json(self, data: str | bytes) -> Any:
        """A JSON object; anything else is no request, and is answered with 400."""
        try:
            request = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, "The request is not JSON.") from error
        if not isinstance(request, dict):
            raise HTTPException(400, "The request is not a JSON object.")
        return request

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """The answer as one body, or in pieces where it is large: then it is never copied, and sent as it is taken."""
        pieces = encode(response_data)
        size = sum(map(len, pieces))
        headers = {"Content-Length": str(size), "Cache-Control": _cache_control(response_data), "Vary": "Accept"}
        status = sub_response.status_code or 200
        response: Response
        if size > _LARGEST_BODY:
            response = StreamingResponse(taken(pieces), status, headers, MEDIA_TYPE)
        else:
            response = Response(b"".join(pieces), status, headers, MEDIA_TYPE)
        response.headers.raw.extend(sub_response.headers.raw)
        return response


def _cache_control(response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse]) -> str:
    """How long the answer may be kept: as the least fresh of it says; one with errors not at all."""
    account = current()
    if isinstance(response_data, list) or response_data.get("errors"):
        return "no-store"
    if account is None or account.fresh_until is None or not account.is_kept:
        return "no-cache"
    fresh_s = int(account.fresh_for_s())
    if fresh_s == 0:
        return "public, max-age=0"  # of what is stale already, nobody shall serve more without asking
    return f"public, max-age={fresh_s}, stale-while-revalidate={account.stale_while_revalidate_s}"


def _revalidated(request: Request, response: Response) -> Response:
    """With a tag of its bytes; without them where the client has them."""
    if response.status_code != 200 or isinstance(response, StreamingResponse):
        return response
    etag = f'W/"{hashlib.blake2b(response.body, digest_size=16).hexdigest()}"'  # weak: a proxy may compress it
    response.headers["ETag"] = etag
    if not matches(request.headers.get("if-none-match", "").encode(), etag.encode()):
        return response
    kept = {name: response.headers[name] for name in ("Cache-Control", "ETag", "Vary") if name in response.headers}
    return Response(status_code=304, headers=kept)


async def taken(pieces: list[bytes]) -> AsyncIterator[bytes]:
    """The pieces in order, each let go of when it has been taken, with a turn for others now and then.

    A client that reads fast never makes the server wait, and sending would hold the event loop until all is sent.
    """
    since = 0
    for at, piece in enumerate(pieces):
        pieces[at] = b""
        yield piece
        since += len(piece)
        if since > _LARGEST_BODY:
            since = 0
            await asyncio.sleep(0)
