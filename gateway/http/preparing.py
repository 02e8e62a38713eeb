"""What is known of a request's operations before any store is touched: whether they may be executed, at what price."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphql import GraphQLError

from gateway.auth.errors import insufficient
from gateway.execution.variables import coerced, counted
from gateway.explain import EXPLAIN
from gateway.http.faults import HTTPFault, Refused, refused
from gateway.http.outcome import Outcome
from gateway.limits import Limits, check, exceeded
from loaders.sections import MOST_IDS
from resolvers import scopes
from resolvers.pricing import Price, price, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import OperationDefinitionNode
    from starlette.requests import Request

    from gateway.auth.viewer import Viewer
    from gateway.documents import Document
    from gateway.http.reading import Asked, Received
    from gateway.persisted import Persisted
    from gateway.rate_limit import RateLimit
    from gateway.schema import GatewaySchema

COST_HEADER = "graphql-cost"
_POINTS_A_TOKEN = 5
"""Of a document that is read and not executed: to validate it takes this process fifty microseconds a token or more."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be executed; `faults` of its variables and arguments are found by execution too."""

    asked: Asked
    document: Document
    operation: OperationDefinitionNode
    price: Price
    faults: Sequence[GraphQLError] = ()
    points: int = 0
    """What it cost to read it: paid where that is all that is done."""


def cost_mode(request: Request) -> str:
    """What a request wants to know of its cost: `validate` and `report` are known."""
    return request.headers.get(COST_HEADER, "").lower()


class Preparing:
    """Finds, checks and prices operations."""

    def __init__(self, schema: GatewaySchema, persisted: Persisted, rate_limit: RateLimit) -> None:
        self._schema = schema
        self._persisted = persisted
        self._rate_limit = rate_limit

    async def prepared(
        self, request: Request, asked: Received, viewer: Viewer, limits: Limits, *, in_parts: bool
    ) -> Sequence[Prepared | Outcome]:
        """Each operation in order, or why it is refused. Raises HTTPFault where nothing of the request may be executed.

        `in_parts` is whether @defer and @stream are heeded.
        """
        texts = await asyncio.gather(*map(self._persisted.text, asked.operations), return_exceptions=True)
        prepared: list[Prepared | Outcome] = []
        for one, text in zip(asked.operations, texts, strict=True):
            if prepared:
                await asyncio.sleep(0)  # validating may take a tenth of a second, and others wait
            try:
                prepared.append(self._prepared(one, text, request.method, limits, viewer, in_parts=in_parts))
            except HTTPFault as fault:
                if not asked.is_batch:
                    raise
                prepared.append(Outcome(has_data=False, errors=[fault.error], refused_status=fault.status))
        try:
            _check_price(together([one.price for one in prepared if isinstance(one, Prepared)]), limits)
        except Refused as refusal:
            prepared = _all_refused(prepared, refusal)
        return await self._counted(request, viewer, prepared)

    async def _counted(
        self, request: Request, viewer: Viewer, prepared: Sequence[Prepared | Outcome]
    ) -> Sequence[Prepared | Outcome]:
        """The same, paid for. What was read is paid in any case, as far as a minute's budget goes."""
        name, most = "" if viewer.is_anonymous else viewer.name, viewer.limits.cost_per_minute
        points = _points(prepared, is_told=cost_mode(request) == "validate")
        try:
            if points:
                await self._rate_limit.count(request.scope, points, viewer=name, cost_per_minute=most)
        except Refused as refusal:
            prepared = _all_refused(prepared, refusal)
            read = _points(prepared, is_told=False)
            await self._rate_limit.pay(request.scope, read, viewer=name, cost_per_minute=most)
        return prepared

    def _prepared(
        self, asked: Asked, text: str | BaseException, method: str, limits: Limits, viewer: Viewer, *, in_parts: bool
    ) -> Prepared | Outcome:
        """`text` is the document's, or why there is none."""
        try:
            if isinstance(text, BaseException):
                raise text
            return self._prepare(asked, text, method, limits, viewer, in_parts=in_parts)
        except Refused as refusal:
            return Outcome.of_refusal(refusal)

    def _prepare(
        self, asked: Asked, text: str, method: str, limits: Limits, viewer: Viewer, *, in_parts: bool
    ) -> Prepared:
        """What can be said of an operation before it is executed. Raises Refused."""
        points = _POINTS_A_TOKEN * (limits.tokens // 4)
        try:
            document = self._schema.documents.get(text, limits=limits)
            points = _POINTS_A_TOKEN * document.tokens or points
            if method != "POST" and (kind := document.kind(asked.operation_name)) not in ("", "query"):
                message = f"A {kind} is asked for by POST."
                raise refused(message, "METHOD_NOT_ALLOWED", status=405, headers={"Allow": "POST"})
            if document.errors:
                raise Refused(document.errors)
            return self._checked(asked, document.executed(in_parts=in_parts), limits, viewer, points)
        except Refused as refusal:
            refusal.points = points
            raise

    def _checked(self, asked: Asked, document: Document, limits: Limits, viewer: Viewer, points: int) -> Prepared:
        """An operation of a valid document; `points` are what it cost to read. Raises Refused."""
        operation, measures = document.operation(asked.operation_name)
        check(measures, limits)
        if asked.extensions.get(EXPLAIN) is True and scopes.Scope.EXPLAIN not in viewer.scopes:
            message = f"To have the plan explained needs the scope {scopes.Scope.EXPLAIN}."
            headers = insufficient(viewer, [scopes.Scope.EXPLAIN])
            raise refused(message, scopes.FORBIDDEN, status=403, headers=headers)
        priced = self._price(asked, document, operation, limits, viewer)
        if isinstance(priced, Price):
            return Prepared(asked, document, operation, priced, priced.faults, points)
        return Prepared(asked, document, operation, Price(), priced, points)

    def _price(
        self, asked: Asked, document: Document, operation: OperationDefinitionNode, limits: Limits, viewer: Viewer
    ) -> Price | Sequence[GraphQLError]:
        """The price, or what is wrong with the variables or directives."""
        core = self._schema._schema
        if document.node is None:
            return Price()
        if (items := counted(asked.variables, MOST_IDS)) > MOST_IDS:  # to look at each would hold the event loop
            raise exceeded("variable_items", MOST_IDS, items, unit="values in the variables")
        values = coerced(core, document.node, operation, asked.variables)
        if isinstance(values, list):
            return values
        try:
            priced = price(core, operation, document.fragments, values, viewer.scopes)
        except GraphQLError as error:
            return [error]
        for each in priced.root_fields:
            if each.asked > limits.ids:
                raise exceeded("ids", limits.ids, each.asked, unit="ids in one field")
        return priced


def _all_refused(prepared: Sequence[Prepared | Outcome], refusal: Refused) -> list[Prepared | Outcome]:
    """Those that might have been executed refused too, each for what it cost to read."""
    return [
        replace(Outcome.of_refusal(refusal), points=one.points) if isinstance(one, Prepared) else one
        for one in prepared
    ]


def _points(prepared: Sequence[Prepared | Outcome], *, is_told: bool) -> int:
    """What is paid: the price of what is executed together, and what it cost to read what is not.

    Where its price is told alone (`is_told`), that is a point; to explain it is to look up each section of each object.
    """
    sought = [one for one in prepared if isinstance(one, Prepared) and one.price.points]
    read = sum(one.points for one in prepared if isinstance(one, Outcome) or not one.price.points)
    if not is_told:
        return read + (together([one.price for one in sought]).points if sought else 0)
    explained = [one for one in sought if one.asked.extensions.get(EXPLAIN) is True]
    return read + len(sought) + sum(each.looked_up() for one in explained for each in one.price.root_fields)


def _check_price(priced: Price, limits: Limits) -> None:
    """Raise Refused for operations that together would take too much."""
    if priced.statements > limits.statements:
        raise exceeded("statements", limits.statements, priced.statements)
    if (objects := priced.objects()) > MOST_IDS:
        raise exceeded("objects", MOST_IDS, objects, unit="different aircraft")
    if priced.points > limits.cost:
        raise exceeded("cost", limits.cost, priced.points, unit="points of cost")
    if priced.bytes > limits.response_bytes:
        raise exceeded("response_bytes", limits.response_bytes, priced.bytes, unit="bytes of an answer")
