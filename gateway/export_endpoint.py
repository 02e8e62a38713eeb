"""GET /export/{object}: the objects of one type of a model as newline-delimited JSON."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import orjson
from graphql import GraphQLError
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth.errors import AuthenticationError, insufficient
from gateway.errors import masked
from gateway.export import Batches, ObjectExport, export_types
from gateway.http.errors import HTTPError, RequestError, bad_request
from gateway.http.request_deadline import RequestDeadline
from gateway.http.responses import respond_error
from gateway.http.streamed_response import StreamedResponse
from gateway.observability.gateway_metrics import (
    EXPORT_FAILED,
    EXPORT_LEFT,
    EXPORT_OBJECTS,
    EXPORTED,
    EXPORTS_IN_FLIGHT,
)
from gateway.observability.operation_names import EXPORT
from gateway.observability.request_observation import PARTIAL, observation_of
from resolvers import scopes
from resolvers.time_limits import DEADLINE_EXCEEDED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Scope

    from gateway.auth.authentication import ViewerOf
    from gateway.auth.viewer import Viewer
    from gateway.http.application import Application
    from gateway.observability.request_observation import RequestObservation
    from gateway.rate_limit import RateLimit
    from gateway.schema import GatewaySchema
    from loaders.model.model import Model

_FOLDER = "/export"
_MEDIA_TYPE = "application/x-ndjson"
_NAMES = ("ids", "after")
"""The parameters of an export."""


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


def paths(model: Model) -> tuple[str, ...]:
    """Return the paths of the exports of a model."""
    return tuple(f"{_FOLDER}/{name}" for name in export_types(model))


def routes(
    schema: GatewaySchema,
    max_ids: int,
    rate_limit: RateLimit,
    viewer_of: ViewerOf,
    batch_timeout_s: float | None = None,
) -> list[BaseRoute]:
    """Return the exports of a model's object types. Each of their batches may take `batch_timeout_s`."""
    exports = {
        name: ObjectExport.of(schema, type_name, batch_timeout_s)
        for name, type_name in export_types(schema.model).items()
    }
    return [
        Route(f"{_FOLDER}/{name}", ObjectExporter(export, max_ids, rate_limit, viewer_of).__call__)
        for name, export in exports.items()
    ]


class ObjectExporter:
    """Answers GET /export/{object} with a line for each object: `{"id": …, "<object>": {…}}`.

    Without parameters these are all objects of the viewer's tenant, in the order of the model's page of them; a line
    has its `cursor` too, and `after` goes on after one. `ids` (separated by commas) lists objects in place of that,
    null where nothing is known of an id; `after` is one of them then. Where a batch fails, or the gateway stops, the
    last line is `{"error": …, "extensions": …, "after": …}`, and what has come is good. It needs the scope `export` and
    those of the model. Each batch is charged before it is loaded; the first one is refused where the budget is used up,
    the others wait for it.
    """

    def __init__(self, export: ObjectExport, max_ids: int, rate_limit: RateLimit, viewer_of: ViewerOf) -> None:
        self._export = export
        self._needed = sorted({*export.schema.field_scopes, scopes.Scope.EXPORT.value})
        self._max_ids = max_ids
        self._rate_limit = rate_limit
        self._viewer_of = viewer_of

    async def __call__(self, request: Request) -> Response:
        """Stream the lines, or say in one sentence what is wrong with the request."""
        observation = observation_of(request.scope)
        if observation is not None:
            observation.operation = EXPORT
        response: Response
        try:
            viewer = await self._viewer(request)
            batches = self._batches(request, viewer.tenant)
            budget = ExportBudget(self._rate_limit, request.scope, partial(self._viewer, request))
            if request.method != "HEAD" and batches.is_any():
                await budget.charge(self._export.points(batches.query, batches.variables, viewer.scopes, viewer.tenant))
        except (HTTPError, RequestError) as error:
            response = await respond_error(request, error)
        else:
            is_head = request.method == "HEAD"
            deadline = RequestDeadline.until_stopped(request.scope)
            lines = (
                _nothing() if is_head else _counted(_lines(request.app, batches, viewer, budget, deadline), observation)
            )
            response = StreamedResponse(lines, 200, {"Cache-Control": "no-store"}, _MEDIA_TYPE)
        self._rate_limit.add_headers(request.scope, response)
        return response

    async def _viewer(self, request: Request) -> Viewer:
        try:
            viewer = await self._viewer_of(request)
        except AuthenticationError as error:
            raise HTTPError(error.status, str(error), error.code, error.headers) from error
        for scope in self._needed:
            if scope not in viewer.scopes:
                headers = insufficient(viewer, self._needed)
                raise HTTPError(403, f"The export needs the scope {scope}.", scopes.FORBIDDEN, headers)
        return viewer

    def _batches(self, request: Request, tenant: str | None) -> Batches:
        """Return what to export. Without ids in it, `ids` lists nothing: it never means all objects."""
        values = _parameters(request)
        after, listed = values.get("after") or None, values.get("ids")
        if after is not None and not after.isprintable():
            raise HTTPError(400, "after must be an id, and ids have printable characters only.", "BAD_USER_INPUT")
        if listed is None:
            return self._export.pages(after, tenant)
        ids = [key for key in listed.split(",") if key]
        if len(ids) > self._max_ids:
            message = f"At most {self._max_ids:,} ids can be exported, and these are {len(ids):,}."
            raise HTTPError(400, message, "LIMIT_EXCEEDED", limit="ids", max=self._max_ids, value=len(ids))
        if after is not None and after not in ids:
            raise HTTPError(400, "after must be one of the ids.", "BAD_USER_INPUT")
        return self._export.listed(ids[ids.index(after) + 1 :] if after is not None else ids)


async def _counted(
    lines: AsyncGenerator[bytes | _LastLine, None], observation: RequestObservation | None
) -> AsyncGenerator[bytes, None]:
    """Yield the lines, and count them and how the export ended."""
    outcome = EXPORT_LEFT
    EXPORTS_IN_FLIGHT.value += 1
    try:
        async with aclosing(lines):
            async for line in lines:
                if isinstance(line, bytes):
                    EXPORT_OBJECTS.value += 1
                    yield line
                    continue
                if observation is not None:
                    observation.worsen(PARTIAL)
                yield line.text
                outcome = EXPORT_FAILED
                return
        outcome = EXPORTED
    finally:
        EXPORTS_IN_FLIGHT.value -= 1
        outcome.value += 1


@dataclass(frozen=True, slots=True)
class _LastLine:
    """The line of an export that broke off."""

    text: bytes


async def _lines(
    app: Application, batches: Batches, viewer: Viewer, budget: ExportBudget, deadline: RequestDeadline
) -> AsyncGenerator[bytes | _LastLine, None]:
    """Yield the lines, one batch ahead of the client at most: the next is loaded when this one has been taken."""

    @asynccontextmanager
    async def turn() -> AsyncIterator[None]:
        async with _in_time(deadline), app.admission.background():
            yield

    async def charge(points: int) -> None:
        async with _in_time(deadline):
            await budget.charge(points, waits=True)

    try:
        async for line in batches.lines(app.state.stores, viewer.scopes, viewer.tenant, charge, turn):
            yield line
    except Exception as error:  # whatever it is: the client learns that these are not all
        yield _last_line(error, batches.after)


@asynccontextmanager
async def _in_time(deadline: RequestDeadline) -> AsyncIterator[None]:
    """Raise HTTPError in the block when the deadline passes."""
    try:
        async with deadline.answer.enforced():
            yield
    except TimeoutError:
        if deadline.answer.left_s():
            raise
        message = f"The export was not done {deadline.limit}: go on after the last line."
        raise HTTPError(503, message, DEADLINE_EXCEEDED) from None


async def _nothing() -> AsyncGenerator[bytes, None]:
    """Yield no lines: HEAD loads _nothing."""
    for line in list[bytes]():
        yield line


def _parameters(request: Request) -> dict[str, str]:
    """Return the URL's parameters. Raises HTTPError for one that is unknown or repeated.

    A misspelt `ids` would export all objects, and of a repeated one all but the last would be lost.
    """
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in _NAMES:
            known = " and ".join(_NAMES)
            raise bad_request(f"The export has no parameter {name[:100]!r}: it takes {known}.")
        if name in values:
            raise bad_request(f"The parameter {name} is there twice: send it once, with several ids between commas.")
        values[name] = value
    return values


def _last_line(error: Exception, after: str | None) -> _LastLine:
    shown = _shown(error)
    return _LastLine(orjson.dumps({"error": shown.message, "extensions": shown.extensions, "after": after}) + b"\n")


def _shown(error: Exception) -> GraphQLError:
    if isinstance(error, HTTPError):
        return error.error
    return error if isinstance(error, GraphQLError) else masked([GraphQLError("", original_error=error)])[0]
