"""The way of a request: what it asks for, whether it may, what it came to."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphql import ExperimentalIncrementalExecutionResults, GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.auth.errors import AuthenticationError
from gateway.documents import Document
from gateway.errors import masked
from gateway.execution.variables import coerced
from gateway.explain import EXPLAIN, explained
from gateway.http.answers import ACCOUNT, VIEWER
from gateway.http.faults import HTTPFault, Refused, refused
from gateway.http.incremental import Parts
from gateway.http.media import multipart, negotiated
from gateway.http.outcome import Outcome
from gateway.http.reading import METHODS, Asked, Received, received
from gateway.http.responses import Answered, respond
from gateway.limits import Limits, check, exceeded
from loaders.account import Account, begin
from loaders.stores.errors import CallerError
from resolvers import scopes
from resolvers.context import RequestContext
from resolvers.pricing import Price, price, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import OperationDefinitionNode
    from starlette.types import Receive, Scope, Send

    from gateway.auth.viewer import Viewer
    from gateway.persisted import Persisted
    from gateway.rate_limit import RateLimit
    from gateway.schema import GatewaySchema
    from gateway.stores import Stores

ACCOUNTING = "accounting"
"""The extension of a request that asks for an account, and of the answer that has it."""
COST_HEADER = "graphql-cost"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be executed."""

    asked: Asked
    document: Document
    operation: OperationDefinitionNode
    price: Price


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
        self._draft_statuses = draft_statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        self._rate_limit.tell(scope, response)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        account = request.scope[ACCOUNT] = begin()
        media = "application/json"
        try:
            if request.method == "OPTIONS":
                return await respond(request, Answered.nothing({"Allow": ", ".join(METHODS)}))
            media = negotiated(request.headers.get("accept", ""))
            viewer = _viewer(request)
            limits = replace(self._limits, ids=viewer.limits.ids_per_field or self._limits.ids)
            asked = await received(request, most_bytes=limits.body_bytes, most_operations=limits.operations)
            outcomes = await self._outcomes(request, asked, limits, account)
        except HTTPFault as fault:
            return await _faulty(request, fault, media)
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody waits for
        except Exception as error:  # whatever it is: it is logged, and its client has an answer
            (shown,) = masked([GraphQLError("", original_error=error)])
            return await _faulty(request, HTTPFault(500, shown.message, **(shown.extensions or {})), media)
        if outcomes[0].parts is not None:
            media = multipart(request.headers.get("accept", "")) or media
        status = None if asked.is_batch else outcomes[0].status(drafts=self._draft_statuses)
        answered = Answered(outcomes, asked.is_batch, media, status, most_bytes=limits.response_bytes)
        return await respond(request, answered, account, viewer)

    async def _outcomes(self, request: Request, asked: Received, limits: Limits, account: Account) -> Sequence[Outcome]:
        """Each operation's, in order: what may be executed is, together."""
        viewer, in_parts = _viewer(request), _takes_parts(request, asked)
        waited = (self._prepared(one, request.method, limits, viewer, in_parts) for one in asked.operations)
        prepared = await asyncio.gather(*waited)
        good = [one for one in prepared if isinstance(one, Prepared)]
        if good:
            whole = together([one.price for one in good])
            try:
                self._check_price(whole, limits)
                points = len(good) if _mode(request) == "validate" else whole.points
                await self._rate_limit.count(
                    request.scope,
                    points,
                    viewer="" if viewer.is_anonymous else viewer.name,
                    cost_per_minute=viewer.limits.cost_per_minute,
                )
            except Refused as refusal:
                return [Outcome.of_refusal(refusal) if isinstance(one, Prepared) else one for one in prepared]
        stores: Stores = request.app.state.stores
        context = RequestContext.of(stores.loaders(), encode_in_pieces=True, in_parts=in_parts, scopes=viewer.scopes)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(context.release)
            outcomes = await asyncio.gather(*(self._outcome(one, context, request, account) for one in prepared))
            for parts in (one.parts for one in outcomes if one.parts is not None):
                parts.held = stack.pop_all()
            return outcomes

    async def _prepared(
        self, asked: Asked, method: str, limits: Limits, viewer: Viewer, in_parts: bool
    ) -> Prepared | Outcome:
        try:
            return await self._prepare(asked, method, limits, viewer, in_parts)
        except Refused as refusal:
            return Outcome.of_refusal(refusal)

    async def _prepare(self, asked: Asked, method: str, limits: Limits, viewer: Viewer, in_parts: bool) -> Prepared:
        """What can be said of an operation before it is executed. Raises Refused, or HTTPFault for the wrong method."""
        document = self._schema.documents.get(await self._persisted.text(asked), most_tokens=limits.tokens)
        if document.errors:
            raise Refused(document.errors)
        document = document.executed(in_parts=in_parts)
        operation, measures = document.operation(asked.operation_name)
        if method != "POST" and operation.operation.value != "query":
            message = f"A {operation.operation.value} is asked for by POST."
            raise HTTPFault(405, message, "METHOD_NOT_ALLOWED", {"Allow": "POST"})
        check(measures, limits)
        if asked.extensions.get(EXPLAIN) is True and scopes.Scope.EXPLAIN not in viewer.scopes:
            message = f"To have the plan explained needs the scope {scopes.Scope.EXPLAIN}."
            raise refused(message, scopes.FORBIDDEN, status=403)
        return Prepared(asked, document, operation, self._price(asked, document, operation, limits, viewer))

    def _price(
        self, asked: Asked, document: Document, operation: OperationDefinitionNode, limits: Limits, viewer: Viewer
    ) -> Price:
        """Nothing for what execution will refuse for its variables or arguments."""
        core = self._schema._schema
        if document.node is None:
            return Price()
        values = coerced(core, document.node, operation, asked.variables)
        if values is None:
            return Price()
        try:
            priced = price(core, operation, document.fragments, values, viewer.scopes)
        except (CallerError, GraphQLError):
            return Price()
        for each in priced.root_fields:
            if each.asked > limits.ids:
                raise exceeded("ids", limits.ids, each.asked, unit="ids in one field")
        return priced

    def _check_price(self, priced: Price, limits: Limits) -> None:
        """Raise Refused for operations that together would take too much."""
        if priced.statements > limits.statements:
            raise exceeded("statements", limits.statements, priced.statements)
        if priced.points > limits.cost:
            raise exceeded("cost", limits.cost, priced.points, unit="points of cost")
        if priced.bytes > limits.response_bytes:
            raise exceeded("response_bytes", limits.response_bytes, priced.bytes, unit="bytes of an answer")

    async def _outcome(
        self, prepared: Prepared | Outcome, context: RequestContext, request: Request, account: Account
    ) -> Outcome:
        if isinstance(prepared, Outcome):
            return prepared
        await self._persisted.keep(prepared.asked)
        mode = _mode(request)
        explanation: dict[str, Any] = {}
        if prepared.asked.extensions.get(EXPLAIN) is True:
            account.is_kept = False
            explanation = {EXPLAIN: await explained(prepared.price, context.loaders)}
        if mode == "validate":
            account.is_kept = False
            return Outcome(extensions={"cost": {"estimated": prepared.price.report()}, **explanation})
        accounts = prepared.asked.extensions.get(ACCOUNTING) is True
        account.measures_bytes |= accounts or mode == "report"
        outcome = await self._execute(prepared, context)
        if accounts or mode == "report":
            account.is_kept = False  # of this request, and no other's
            if accounts and outcome.parts is not None:
                outcome.parts.account = account
            elif accounts:
                outcome.extensions |= {ACCOUNTING: account.report()}
            outcome.extensions |= {"cost": {"estimated": prepared.price.report()}} if mode == "report" else {}
        outcome.extensions |= explanation
        return outcome

    async def _execute(self, prepared: Prepared, context: RequestContext) -> Outcome:
        asked = prepared.asked
        result: Any = await self._schema.execute(
            prepared.document.text,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
        )
        if isinstance(result, ExperimentalIncrementalExecutionResults):
            parts, first = Parts(result), result.initial_result
            return Outcome(first.data, errors=masked(first.errors or (), parts.causes), parts=parts)
        has_data = result.data is not None or any(error.path for error in result.errors or ())
        codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
        status = 403 if codes == {scopes.FORBIDDEN} else 400
        return Outcome(result.data, has_data, result.errors or (), refused_status=status)


def _viewer(request: Request) -> Viewer:
    """Who asks. Raises HTTPFault where that is refused."""
    viewer: Viewer | AuthenticationError = request.scope[VIEWER]
    if isinstance(viewer, AuthenticationError):
        raise HTTPFault(viewer.status, str(viewer), "UNAUTHENTICATED", viewer.headers)
    return viewer


def _mode(request: Request) -> str:
    """What a request wants to know of its cost: `validate` and `report` are known."""
    return request.headers.get(COST_HEADER, "").lower()


def _takes_parts(request: Request, asked: Received) -> bool:
    """Whether @defer and @stream are heeded: not for GET, whose whole answer may be kept and shared."""
    return request.method == "POST" and not asked.is_batch and multipart(request.headers.get("accept", "")) is not None


async def _faulty(request: Request, fault: HTTPFault, media: str) -> Response:
    outcome = Outcome(has_data=False, errors=[fault.error], headers=fault.headers)
    return await respond(request, Answered([outcome], is_batch=False, media=media, status=fault.status))
