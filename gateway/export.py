"""The whole analysis of many aircraft as newline-delimited JSON, streamed batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, get_named_type
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from gateway.auth.authentication import ViewerOf, everyone
from gateway.auth.errors import AuthenticationError, insufficient
from gateway.errors import masked
from gateway.execution.variables import coerced
from gateway.http.errors import HTTPError, RequestError, bad_request
from gateway.http.responses import respond_error
from loaders.fleet import FleetEntry, FleetQuery
from loaders.planning.cost import RECORDS_POINTS
from resolvers import scopes
from resolvers.context import RequestContext
from resolvers.pricing import estimate_cost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from starlette.types import Scope

    from gateway.auth.viewer import Viewer
    from gateway.rate_limit import RateLimit
    from gateway.schema import GatewaySchema
    from gateway.stores import Stores

BATCH = 50
"""Aircraft that are loaded and held at once: what bounds the memory of an export, whatever its length."""

PATH = "/export/analysis"
MEDIA_TYPE = "application/x-ndjson"
_PARAMETERS = ("ids", "after")


@dataclass(frozen=True, slots=True)
class ExportBudget:
    """The budget of an export's viewer, whom `viewer_of` authenticates again for each charge."""

    rate_limit: RateLimit
    scope: Scope
    viewer_of: Callable[[], Awaitable[Viewer]]

    async def charge(self, points: int, *, waits: bool = False) -> None:
        """Charge points, with `waits` as soon as the budget has them.

        Raises RequestError for more than a minute has, and HTTPError if the viewer may not export any more or, without
        `waits`, if the budget is used up for now.
        """
        viewer = await self.viewer_of()
        charge = self.rate_limit.wait if waits else self.rate_limit.charge
        await charge(self.scope, points, viewer=viewer.budget_name, cost_per_minute=viewer.limits.cost_per_minute)


class Exporter:
    """Answers GET /export/analysis.

    A line is `{"id": …, "aircraft": …}`: all that GraphQL answers of the aircraft with its defaults, null where nothing
    is known of the id. `ids` (separated by commas) gives the order; without it, all aircraft by tail number. `after`
    goes on after that id. Where a batch fails, the last line is `{"error": …, "extensions": …, "after": …}`, and what
    has come is good. It needs every scope: its own, and those of what it holds. Each batch is counted before it is
    loaded; the first one is refused where the budget is used up, the others wait for it.
    """

    def __init__(self, schema: GatewaySchema, max_ids: int, rate_limit: RateLimit, viewer_of: ViewerOf) -> None:
        core: GraphQLSchema = schema._schema
        self._schema = schema
        self._query = f"query Export($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {selection(core, 'Aircraft')} }}"
        self._max_ids = max_ids
        self._rate_limit = rate_limit
        self._viewer_of = viewer_of

    async def __call__(self, request: Request) -> Response:
        """Stream, or say in one sentence what is wrong with the request."""
        response: Response
        try:
            await self._viewer(request)
            after, ids = self._asked(request)
            budget = ExportBudget(self._rate_limit, request.scope, partial(self._viewer, request))
            if request.method != "HEAD" and (ids is None or ids):
                await budget.charge(self._points(ids))
        except (HTTPError, RequestError) as refused:
            response = await respond_error(request, refused)
        else:
            is_head = request.method == "HEAD"
            lines = nothing() if is_head else self._lines(request.app.state.stores, after, ids, budget)
            response = StreamingResponse(lines, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)
        self._rate_limit.add_headers(request.scope, response)
        return response

    async def _viewer(self, request: Request) -> Viewer:
        try:
            viewer = await self._viewer_of(request)
        except AuthenticationError as error:
            raise HTTPError(error.status, str(error), error.code, error.headers) from error
        for scope in scopes.Scope:
            if scope not in viewer.scopes:
                headers = insufficient(viewer, scopes.Scope)
                raise HTTPError(403, f"The export needs the scope {scope}.", scopes.FORBIDDEN, headers)
        return viewer

    def _asked(self, request: Request) -> tuple[str | None, Sequence[str] | None]:
        """After which aircraft to go on, and the listed ones that are left, None for all.

        Without ids in it, `ids` lists nothing: it never means all aircraft.
        """
        given = parameters(request)
        after, listed = given.get("after") or None, given.get("ids")
        if after is not None and not after.isprintable():
            raise HTTPError(400, "after must be an id, and ids have printable characters only.", "BAD_USER_INPUT")
        if listed is None:
            return after, None
        ids = [key for key in listed.split(",") if key]
        if len(ids) > self._max_ids:
            message = f"At most {self._max_ids:,} ids can be exported, and these are {len(ids):,}."
            raise HTTPError(400, message, "LIMIT_EXCEEDED", limit="ids", max=self._max_ids, value=len(ids))
        if after is not None and after not in ids:
            raise HTTPError(400, "after must be one of the ids.", "BAD_USER_INPUT")
        return after, ids[ids.index(after) + 1 :] if after is not None else ids

    def _points(self, ids: Sequence[str] | None) -> int:
        """The price of the first batch of these, as the same query has it; of all aircraft, that of a page of them."""
        document = self._schema.documents.get(self._query)
        operation, _ = document.operation(None)
        batch = [""] * BATCH if ids is None else list(ids[:BATCH])
        core: Any = self._schema._schema
        values: Any = coerced(core, document.node, operation, {"ids": batch})  # type: ignore[arg-type]
        estimate = estimate_cost(core, operation, document.fragments, values, scopes.ALL_SCOPES)
        return estimate.points + (RECORDS_POINTS if ids is None else 0)

    async def _lines(
        self, stores: Stores, after: str | None, ids: Sequence[str] | None, budget: ExportBudget
    ) -> AsyncIterator[bytes]:
        """One batch ahead of the client at most: the next is loaded when this one has been taken."""
        try:
            batches = self._all(stores, after, budget) if ids is None else self._listed(ids, budget)
            async for batch in batches:
                for key, aircraft in zip(batch, await self._aircraft(stores, batch), strict=True):
                    yield orjson.dumps({"id": key, "aircraft": aircraft}) + b"\n"
                after = batch[-1]
        except Exception as error:  # whatever it is: the client learns that these are not all
            shown = shown_error(error)
            yield orjson.dumps({"error": shown.message, "extensions": shown.extensions, "after": after}) + b"\n"

    async def _aircraft(self, stores: Stores, ids: Sequence[str]) -> Sequence[Any]:
        """Return them as GraphQL answers them. Raises the first of its errors."""
        context = RequestContext.of(stores.loaders())
        try:
            result = await self._schema.execute(self._query, variable_values={"ids": ids}, context_value=context)
        finally:
            await context.release()
        if result.errors:
            raise result.errors[0]
        aircraft: Sequence[Any] = (result.data or {})["aircraftByIds"]
        return aircraft

    async def _all(self, stores: Stores, after: str | None, budget: ExportBudget) -> AsyncIterator[Sequence[str]]:
        """All tail numbers after one, in order, page by page, the first of which is counted."""
        fleet, place = stores.loaders().fleet, None if after is None else FleetEntry(after, after)
        while page := await fleet.page(FleetQuery(), BATCH, place):
            yield [entry.tail_number for entry in page]
            if len(page) < BATCH:
                return
            place = page[-1]
            await budget.charge(self._points(None), waits=True)

    async def _listed(self, ids: Sequence[str], budget: ExportBudget) -> AsyncIterator[Sequence[str]]:
        """The ids in order, batch by batch, the first of which is counted."""
        for at in range(0, len(ids), BATCH):
            if at:
                await budget.charge(self._points(ids[at:]), waits=True)
            yield ids[at : at + BATCH]


async def nothing() -> AsyncIterator[bytes]:
    """Yield no lines: HEAD loads nothing."""
    for line in list[bytes]():
        yield line


def parameters(request: Request) -> dict[str, str]:
    """Return the URL's parameters. Raises HTTPError for one that is unknown or repeated.

    A misspelt `ids` would export all aircraft, and of a repeated one all but the last would be lost.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in _PARAMETERS:
            known = " and ".join(_PARAMETERS)
            raise bad_request(f"The export has no parameter {name[:100]!r}: it takes {known}.")
        if name in given:
            raise bad_request(f"The parameter {name} is there twice: send it once, with several ids between commas.")
        given[name] = value
    return given


def shown_error(error: Exception) -> GraphQLError:
    if isinstance(error, HTTPError):
        return error.error
    return error if isinstance(error, GraphQLError) else masked([GraphQLError("", original_error=error)])[0]


def selection(schema: GraphQLSchema, type_name: str) -> str:
    """All leaves of a type, and of the objects that it leads to, as a selection set."""
    declared = schema.type_map[type_name]
    fields = declared.fields.items() if isinstance(declared, GraphQLObjectType) else ()
    below = {name: get_named_type(field.type) for name, field in fields}
    leads = {name: selection(schema, kind.name) for name, kind in below.items() if isinstance(kind, GraphQLObjectType)}
    return "{ " + " ".join(f"{name} {leads.get(name, '')}" for name in below) + " }"


def routes(
    schema: GatewaySchema, max_ids: int, rate_limit: RateLimit, viewer_of: ViewerOf = everyone
) -> list[BaseRoute]:
    """The export, for those who may."""
    if schema.model is not None:
        return []  # gateway.export_endpoint has those of a model
    return [Route(PATH, Exporter(schema, max_ids, rate_limit, viewer_of).__call__)]
