"""What is known of a request's operations before any store is touched: whether they may be executed, at what price."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
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
"""Of a document that is refused after validation, which takes this process fifty microseconds a token, and more."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be executed; `faults` of its variables and arguments are found by execution too."""

    asked: Asked
    document: Document
    operation: OperationDefinitionNode
    price: Price
    faults: Sequence[GraphQLError] = ()


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
        prices = [one.price for one in prepared if isinstance(one, Prepared)]
        invalid = sum(one.points for one in prepared if isinstance(one, Outcome))
        if not prices and not invalid:
            return prepared
        whole = together(prices) if prices else Price()
        try:
            _check_price(whole, limits)
            await self._rate_limit.count(
                request.scope,
                invalid + (_told_points(prepared) if cost_mode(request) == "validate" else whole.points),
                viewer="" if viewer.is_anonymous else viewer.name,
                cost_per_minute=viewer.limits.cost_per_minute,
            )
        except Refused as refusal:
            return [Outcome.of_refusal(refusal) if isinstance(one, Prepared) else one for one in prepared]
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
        document = self._schema.documents.get(text, limits=limits)
        points = _POINTS_A_TOKEN * (document.tokens or limits.tokens // 4)
        if method != "POST" and document.kind(asked.operation_name) not in ("", "query"):
            raise _to_be_posted(document.kind(asked.operation_name), points)
        if document.errors:
            raise Refused(document.errors, points=points)
        document = document.executed(in_parts=in_parts)
        operation, measures = document.operation(asked.operation_name)
        try:
            check(measures, limits)
        except Refused as refusal:
            refusal.points = _POINTS_A_TOKEN * document.tokens  # it was validated, which is what takes long
            raise
        if asked.extensions.get(EXPLAIN) is True and scopes.Scope.EXPLAIN not in viewer.scopes:
            message = f"To have the plan explained needs the scope {scopes.Scope.EXPLAIN}."
            headers = insufficient(viewer, [scopes.Scope.EXPLAIN])
            raise refused(message, scopes.FORBIDDEN, status=403, headers=headers)
        priced = self._price(asked, document, operation, limits, viewer)
        if isinstance(priced, Price):
            return Prepared(asked, document, operation, priced, priced.faults)
        return Prepared(asked, document, operation, Price(), priced)

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


def _to_be_posted(kind: str, points: int) -> Refused:
    """What says so to a GET; the document was validated by then."""
    message = f"A {kind} is asked for by POST."
    fault = refused(message, "METHOD_NOT_ALLOWED", status=405, headers={"Allow": "POST"})
    fault.points = points
    return fault


def _told_points(prepared: Sequence[Prepared | Outcome]) -> int:
    """Of operations that are not executed: to explain one is to look up each section of each object in the cache."""
    points = 0
    for one in prepared:
        if isinstance(one, Prepared):
            points += 1
            if one.asked.extensions.get(EXPLAIN) is True:
                points += sum(each.looked_up() for each in one.price.root_fields)
    return points


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
