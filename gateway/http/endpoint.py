"""The GraphQL endpoint: parse, prepare and execute a request, and build its response."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphql import ExperimentalIncrementalExecutionResults, GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.auth.errors import AuthenticationError, insufficient
from gateway.errors import masked
from gateway.explain import EXPLAIN, explain
from gateway.http.errors import HTTPError, RequestError
from gateway.http.hang_up import ignore_hang_up
from gateway.http.incremental import IncrementalResult
from gateway.http.media import listed, multipart, negotiated
from gateway.http.operation_result import OperationResult
from gateway.http.preparation import OperationPreparer, PreparedOperation, cost_mode
from gateway.http.request_deadline import RequestDeadline, request_deadline
from gateway.http.request_parser import METHODS, RequestBatch, parse_request, read_body
from gateway.http.response_cache import CACHE_POLICY, VIEWER
from gateway.http.responses import ResponseData, respond, respond_error
from gateway.limits import Limits
from gateway.observability.outcomes import outcome_of_result
from gateway.observability.request_observation import observation_of
from gateway.rate_limit import CallerBudget
from gateway.reading_thread import ReadingThread
from gateway.request_context import open_context
from loaders.concurrency import cancel_within
from loaders.request_tracker import RequestTracker, begin_request
from resolvers import scopes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from starlette.types import Receive, Scope, Send

    from gateway.auth.viewer import Viewer
    from gateway.persisted import Persisted
    from gateway.rate_limit import RateLimit
    from gateway.schema import GatewaySchema
    from gateway.stores import Stores
    from resolvers.request_context import RequestContext

ACCOUNTING = "accounting"
"""The extension of a request that asks for statistics, and of the answer that has them."""
_ENDING_S = 0.05
"""How long an answer waits for operations that are cancelled. They take no time unless a function of the model's author
goes on in spite of it."""


class GraphQLEndpoint:
    """GraphQL at one path: GET and POST, one operation or a batch."""

    def __init__(
        self,
        schema: GatewaySchema,
        limits: Limits,
        *,
        persisted: Persisted,
        rate_limit: RateLimit,
        draft_statuses: bool = False,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._persisted = persisted
        self._rate_limit = rate_limit
        self._thread = ReadingThread()
        self._preparer = OperationPreparer(schema, persisted, self._thread)
        self._draft_statuses = draft_statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        self._rate_limit.add_headers(scope, response)
        request_deadline(scope).add_header(response)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        tracker = begin_request()
        request.scope[CACHE_POLICY] = tracker.cache_policy
        observation = observation_of(request.scope)
        if observation is not None:
            observation.tracker = tracker
        media = "application/json"
        try:
            if request.method == "OPTIONS":
                return await respond(request, ResponseData.nothing({"Allow": ", ".join(METHODS)}))
            viewer = _viewer(request)
            limits = replace(self._limits, ids=viewer.limits.ids_per_field or self._limits.ids)
            budget = CallerBudget(self._rate_limit, request.scope, viewer)
            deadline = request_deadline(request.scope)
            async with deadline.before_execution():
                await budget.begin()
                media = negotiated(listed(request.headers, "accept"))
                body = await read_body(request, limits)
                batch = await parse_request(request, body, limits, budget, self._thread)
                in_parts = _takes_parts(request, batch)
                prepared = await self._preparer.prepare(request, batch, viewer, limits, budget, in_parts=in_parts)
            deadline.stores.settle()
            results = await self._results(request, prepared, viewer, tracker, in_parts=in_parts)
        except RequestError as refusal:
            return await respond_error(request, refusal, media)
        except HTTPError as error:
            return await respond_error(request, error, media)
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody waits for
        except Exception as error:  # whatever it is: it is logged, and its client has an answer
            (shown,) = masked([GraphQLError("", original_error=error)])
            ours = HTTPError(500, shown.message, **(shown.extensions or {}))
            return await respond_error(request, ours, media)
        if observation is not None:
            for result in results:
                observation.worsen(outcome_of_result(result))
        status = None if batch.is_batch else results[0].status(drafts=self._draft_statuses)
        response = ResponseData(results, batch.is_batch, media, status, max_bytes=limits.response_bytes)
        return await respond(request, response, tracker.cache_policy, viewer)

    async def _results(
        self,
        request: Request,
        prepared: Sequence[PreparedOperation | OperationResult],
        viewer: Viewer,
        tracker: RequestTracker,
        *,
        in_parts: bool,
    ) -> Sequence[OperationResult]:
        """Return the result of each operation, in order. They are executed together."""
        deadline = request_deadline(request.scope)
        stores: Stores = request.app.state.stores
        is_mutation = any(isinstance(item, PreparedOperation) and item.is_mutation for item in prepared)
        if is_mutation:  # a copy would answer the next such request without executing it, or with what it has changed
            tracker.cache_policy.is_kept = False
            ignore_hang_up(request.scope)
        context = open_context(
            stores, viewer.scopes, viewer.tenant, encode_in_chunks=True, in_parts=in_parts, past_cache=is_mutation
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(context.release)
            results = await _all(
                [self._result_or_error(item, context, request, tracker) for item in prepared], deadline
            )
            for incremental in (item.incremental for item in results if item.incremental is not None):
                incremental.held, incremental.deadline = stack.pop_all(), deadline
                incremental.observation = observation_of(request.scope)
            return results

    async def _result_or_error(
        self,
        prepared: PreparedOperation | OperationResult,
        context: RequestContext,
        request: Request,
        tracker: RequestTracker,
    ) -> OperationResult:
        """Return the result of one operation. An unexpected failure is a result too."""
        try:
            return await self._result(prepared, context, request, tracker)
        except Exception as error:
            return OperationResult.of_exception(error)

    async def _result(
        self,
        prepared: PreparedOperation | OperationResult,
        context: RequestContext,
        request: Request,
        tracker: RequestTracker,
    ) -> OperationResult:
        if isinstance(prepared, OperationResult):
            return prepared
        await self._persisted.keep(prepared.request)
        mode = cost_mode(request)
        explanation: dict[str, Any] = {}
        if prepared.request.extensions.get(EXPLAIN) is True:
            tracker.cache_policy.is_kept = False
            explanation = {EXPLAIN: await explain(prepared.cost, context)}
        if mode == "validate":
            tracker.cache_policy.is_kept = False
            extensions = {"cost": {"estimated": prepared.cost.report()}, **explanation}
            errors = masked(prepared.errors)
            return OperationResult(has_data=not errors, errors=errors, extensions=extensions)
        reports_stats = prepared.request.extensions.get(ACCOUNTING) is True
        tracker.stats.measures_bytes |= reports_stats or mode == "report"
        result = await self._execute(prepared, context, _viewer(request))
        if reports_stats or mode == "report":
            tracker.cache_policy.is_kept = False  # of this request, and no other's
            if reports_stats and result.incremental is not None:
                result.incremental.stats = tracker.stats
            elif reports_stats:
                result.extensions |= {ACCOUNTING: tracker.stats.report()}
            result.extensions |= {"cost": {"estimated": prepared.cost.report()}} if mode == "report" else {}
        result.extensions |= explanation
        return result

    async def _execute(self, prepared: PreparedOperation, context: RequestContext, viewer: Viewer) -> OperationResult:
        result: Any = await self._schema.execute(
            prepared.document.text,
            variable_values=prepared.request.variables,
            context_value=context,
            operation_name=prepared.request.operation_name,
        )
        if isinstance(result, ExperimentalIncrementalExecutionResults):
            incremental, first = IncrementalResult(result), result.initial_result
            return OperationResult(
                first.data, errors=masked(first.errors or (), incremental.causes), incremental=incremental
            )
        has_data = result.data is not None or any(error.path for error in result.errors or ())
        causes = [error.original_error for error in result.errors or ()]
        denied = [cause.scopes for cause in causes if isinstance(cause, scopes.ForbiddenError)]
        if has_data or not denied or len(denied) < len(causes):
            return OperationResult(result.data, has_data, result.errors or ())
        headers = insufficient(viewer, {scope for needed in denied for scope in needed})
        return OperationResult(has_data=False, errors=result.errors, error_status=403, headers=headers)


async def _all(
    operations: Iterable[Coroutine[Any, Any, OperationResult]], deadline: RequestDeadline
) -> list[OperationResult]:
    """Return the results in order, at the deadline an error in the place of those that are not there.

    However it ends, no operation goes on: what they share is released next.
    """
    tasks = [asyncio.create_task(item) for item in operations]
    try:
        with suppress(TimeoutError):
            async with deadline.answer.enforced():  # which may be shortened
                await asyncio.wait(tasks)
        late = OperationResult(has_data=False, errors=[deadline.error()], error_status=504)
        return [task.result() if task.done() else late for task in tasks]
    finally:
        await cancel_within(tasks, _ENDING_S)


def _viewer(request: Request) -> Viewer:
    """Return the viewer of a request. Raises HTTPError if it was rejected."""
    viewer: Viewer | AuthenticationError = request.scope[VIEWER]
    if isinstance(viewer, AuthenticationError):
        raise HTTPError(viewer.status, str(viewer), viewer.code, viewer.headers)
    return viewer


def _takes_parts(request: Request, batch: RequestBatch) -> bool:
    """Return whether @defer and @stream are heeded. They are not for GET, whose whole response may be cached and
    shared."""
    return request.method == "POST" and not batch.is_batch and multipart(listed(request.headers, "accept")) is not None
