"""The whole analysis of many aircraft as newline-delimited JSON, streamed batch by batch."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice

import orjson
import strawberry
from graphql import GraphQLObjectType, GraphQLSchema, get_named_type
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from gateway.auth.authentication import ViewerOf, everyone
from gateway.auth.errors import AuthenticationError
from gateway.stores import Stores
from loaders.fleet import FleetEntry, FleetQuery
from resolvers.context import RequestContext
from resolvers.scopes import Scope

BATCH = 50
"""Aircraft that are loaded and held at once: what bounds the memory of an export, whatever its length."""

MEDIA_TYPE = "application/x-ndjson"


class Exporter:
    """Answers GET /export/analysis.

    A line is `{"id": …, "aircraft": …}`: all that GraphQL answers of the aircraft with its defaults, null where nothing
    is known of the id. `ids` (separated by commas) gives the order; without it, all aircraft by tail number. `after`
    goes on after that id. Where a batch fails, the last line is `{"error": …, "after": …}`, and what has come is good.
    It needs every scope: its own, and those of what it holds.
    """

    def __init__(self, schema: strawberry.Schema, max_ids: int, viewer_of: ViewerOf) -> None:
        core: GraphQLSchema = schema._schema
        self._schema = schema
        self._query = f"query Export($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {selection(core, 'Aircraft')} }}"
        self._max_ids = max_ids
        self._viewer_of = viewer_of

    async def __call__(self, request: Request) -> Response:
        """Stream, or say in one sentence what is wrong with the request."""
        try:
            viewer = await self._viewer_of(request)
        except AuthenticationError as error:
            return _refused(str(error), error.status, error.headers)
        for scope in Scope:
            if scope not in viewer.scopes:
                return _refused(f"The export needs the scope {scope}.", 403)
        stores: Stores = request.app.state.stores
        after = request.query_params.get("after")
        listed = request.query_params.get("ids")
        if listed is None:
            batches = _all(stores, after)
        else:
            ids = [key for key in listed.split(",") if key]
            if len(ids) > self._max_ids:
                return _refused(f"At most {self._max_ids:,} ids can be exported, and these are {len(ids):,}.")
            if after is not None and after not in ids:
                return _refused("after must be one of the ids.")
            batches = _listed(ids[ids.index(after) + 1 :] if after is not None else ids)
        return StreamingResponse(self._lines(stores, batches, after), media_type=MEDIA_TYPE)

    async def _lines(
        self, stores: Stores, batches: AsyncIterator[Sequence[str]], after: str | None
    ) -> AsyncIterator[bytes]:
        """One batch ahead of the client at most: the next is loaded when this one has been taken."""
        async for ids in batches:
            context = RequestContext.of(stores.loaders())
            try:
                result = await self._schema.execute(self._query, variable_values={"ids": ids}, context_value=context)
            finally:
                await context.release()
            if result.errors or result.data is None:
                message = result.errors[0].message if result.errors else "No data."
                yield orjson.dumps({"error": message, "after": after}) + b"\n"
                return
            for key, aircraft in zip(ids, result.data["aircraftByIds"], strict=True):
                yield orjson.dumps({"id": key, "aircraft": aircraft}) + b"\n"
            after = ids[-1]


async def _all(stores: Stores, after: str | None) -> AsyncIterator[Sequence[str]]:
    """All tail numbers after one, in order, page by page."""
    fleet, place = stores.loaders().fleet, None if after is None else FleetEntry(after, after)
    while page := await fleet.page(FleetQuery(), BATCH, place):
        yield [entry.tail_number for entry in page]
        place = page[-1]


async def _listed(ids: Sequence[str]) -> AsyncIterator[Sequence[str]]:
    rest: Iterator[str] = iter(ids)
    while batch := list(islice(rest, BATCH)):
        yield batch


def selection(schema: GraphQLSchema, type_name: str) -> str:
    """All leaves of a type, and of the objects that it leads to, as a selection set."""
    declared = schema.type_map[type_name]
    fields = declared.fields.items() if isinstance(declared, GraphQLObjectType) else ()
    below = {name: get_named_type(field.type) for name, field in fields}
    leads = {name: selection(schema, kind.name) for name, kind in below.items() if isinstance(kind, GraphQLObjectType)}
    return "{ " + " ".join(f"{name} {leads.get(name, '')}" for name in below) + " }"


def _refused(message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"errors": [{"message": message}]}, status, headers)


def routes(schema: strawberry.Schema, max_ids: int, viewer_of: ViewerOf = everyone) -> list[BaseRoute]:
    """The export, for those who may."""
    return [Route("/export/analysis", Exporter(schema, max_ids, viewer_of).__call__)]
