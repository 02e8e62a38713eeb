"""GraphQL over HTTP: requests in, orjson bytes out."""

import json
from typing import Any

import orjson
import strawberry
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from gateway.stores import Stores
from resolvers.context import RequestContext


class GraphQLEndpoint(GraphQL[RequestContext, None]):
    """Strawberry's endpoint with this gateway's context and encoder."""

    def __init__(self, schema: strawberry.Schema, max_ids: int) -> None:
        super().__init__(schema, graphql_ide=None)
        self.max_ids = max_ids

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:  # noqa: ARG002
        """Loaders of its own for each request, over the process's stores."""
        stores: Stores = request.app.state.stores
        return RequestContext.of(stores.loaders(), self.max_ids, encode_in_pieces=True)

    def decode_json(self, data: str | bytes) -> Any:
        """A JSON object; anything else is no request, and is answered with 400."""
        try:
            request = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, "The request is not JSON.") from error
        if not isinstance(request, dict):
            raise HTTPException(400, "The request is not a JSON object.")
        return request

    def encode_json(self, data: object) -> Any:
        """Bytes, several times as fast as the standard library's text."""
        try:
            return orjson.dumps(data)
        except TypeError:  # a lone surrogate that an error repeats; the standard library can write it, escaped
            return json.dumps(data, default=_written).encode()


def _written(fragment: object) -> Any:
    """What the standard library can write of a piece that is already encoded."""
    return json.loads(orjson.dumps(fragment))
