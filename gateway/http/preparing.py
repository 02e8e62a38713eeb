"""What is known of a request's operations before any store is touched: whether they may be executed, at what price."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLError

from gateway.auth.errors import insufficient
from gateway.document_reader import DocumentReader
from gateway.execution.variables import coerced, counted, points_to_coerce
from gateway.explain import EXPLAIN
from gateway.http.errors import HTTPError, RequestError, request_error
from gateway.http.operation_result import OperationResult
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
    from gateway.rate_limit import CallerBudget
    from gateway.reading_thread import ReadingThread
    from gateway.schema import GatewaySchema

COST_HEADER = "graphql-cost"
_POINTS_TO_CHECK = 10
"""Of an operation that is refused when its document has been read: to find that out takes this process some hundred
microseconds, again each time that it is sent."""

_MAX_INTROSPECTED = 12_000
"""Places of the schema's own description in one request. graphql-core completes them in one go, four microseconds each:
without a bound, they would hold the event loop for a second. The query that tools send has 7,500."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be executed; `faults` of its variables and arguments are found by execution too."""

    asked: Asked
    document: Document
    operation: OperationDefinitionNode
    price: Price
    source: Document
    """The document as it was read. Execution finds it by its text for as long as somebody holds it."""
    faults: Sequence[GraphQLError] = ()


def cost_mode(request: Request) -> str:
    """What a request wants to know of its cost: `validate` and `report` are known."""
    return request.headers.get(COST_HEADER, "").lower()


class Preparing:
    """Finds, reads, checks and prices operations."""

    def __init__(self, schema: GatewaySchema, persisted: Persisted, thread: ReadingThread) -> None:
        self._schema = schema
        self._persisted = persisted
        self._reader = DocumentReader(schema.documents, thread)

    async def prepared(
        self,
        request: Request,
        asked: Received,
        viewer: Viewer,
        limits: Limits,
        budget: CallerBudget,
        *,
        in_parts: bool,
    ) -> Sequence[Prepared | OperationResult]:
        """Return each operation in order, or why it is refused.

        Raises HTTPError where nothing of the request may be executed. `in_parts` is whether @defer and @stream are
        heeded.
        """
        texts = await asyncio.gather(*map(self._persisted.text, asked.operations), return_exceptions=True)
        await budget.take(sum(points_to_coerce(one.variables, MOST_IDS) for one in asked.operations))
        prepared: list[Prepared | OperationResult] = []
        for one, document in zip(asked.operations, await self._read(texts, limits, budget), strict=True):
            if prepared:
                await asyncio.sleep(0)  # others wait
            try:
                prepared.append(self._prepared(one, document, request.method, limits, viewer, in_parts=in_parts))
            except HTTPError as error:
                if not asked.is_batch:
                    raise
                prepared.append(OperationResult(has_data=False, errors=[error.error], error_status=error.status))
        try:
            _check_price(together([one.price for one in prepared if isinstance(one, Prepared)]), limits)
            await budget.take(_points(prepared, is_told=cost_mode(request) == "validate"), is_price=True)
        except RequestError as refusal:
            prepared = _all_refused(prepared, refusal)
        budget.owe(_POINTS_TO_CHECK * sum(isinstance(one, OperationResult) for one in prepared))
        return prepared

    async def _read(
        self, texts: Sequence[str | BaseException], limits: Limits, budget: CallerBudget
    ) -> Sequence[Document | BaseException]:
        """The document of each text, or why there is none."""
        try:
            documents = await self._reader.read([one for one in texts if isinstance(one, str)], limits, budget)
        except RequestError as refusal:
            return [one if isinstance(one, BaseException) else refusal for one in texts]
        return [one if isinstance(one, BaseException) else documents[one] for one in texts]

    def _prepared(
        self,
        asked: Asked,
        document: Document | BaseException,
        method: str,
        limits: Limits,
        viewer: Viewer,
        *,
        in_parts: bool,
    ) -> Prepared | OperationResult:
        try:
            if isinstance(document, BaseException):
                raise document
            return self._prepare(asked, document, method, limits, viewer, in_parts=in_parts)
        except RequestError as refusal:
            return OperationResult.of_request_error(refusal)
        except HTTPError:
            raise
        except Exception as error:
            return OperationResult.of_exception(error)

    def _prepare(
        self, asked: Asked, document: Document, method: str, limits: Limits, viewer: Viewer, *, in_parts: bool
    ) -> Prepared:
        """What can be said of an operation before it is executed. Raises RequestError."""
        if method != "POST" and (kind := document.kind(asked.operation_name)) not in ("", "query"):
            message = f"A {kind} is asked for by POST."
            raise request_error(message, "METHOD_NOT_ALLOWED", status=405, headers={"Allow": "POST"})
        if document.errors:
            raise RequestError(document.errors)
        return self._checked(asked, document, document.executed(in_parts=in_parts), limits, viewer)

    def _checked(self, asked: Asked, source: Document, document: Document, limits: Limits, viewer: Viewer) -> Prepared:
        """An operation of a valid document. Raises RequestError."""
        operation, measures = document.operation(asked.operation_name)
        check(measures, limits)
        if asked.extensions.get(EXPLAIN) is True and scopes.Scope.EXPLAIN not in viewer.scopes:
            message = f"To have the plan explained needs the scope {scopes.Scope.EXPLAIN}."
            headers = insufficient(viewer, [scopes.Scope.EXPLAIN])
            raise request_error(message, scopes.FORBIDDEN, status=403, headers=headers)
        priced = self._price(asked, document, operation, limits, viewer)
        if isinstance(priced, Price):
            return Prepared(asked, document, operation, priced, source, priced.faults)
        return Prepared(asked, document, operation, Price(), source, priced)

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


def _all_refused(
    prepared: Sequence[Prepared | OperationResult], refusal: RequestError
) -> list[Prepared | OperationResult]:
    """Those that might have been executed refused too."""
    return [OperationResult.of_request_error(refusal) if isinstance(one, Prepared) else one for one in prepared]


def _points(prepared: Sequence[Prepared | OperationResult], *, is_told: bool) -> int:
    """What is paid before anything is executed: the price of what is executed together.

    Where its price is told alone (`is_told`), that is what telling it takes; an explanation looks up each section of
    each object besides.
    """
    sought = [one for one in prepared if isinstance(one, Prepared) and one.price.points]
    if not sought:
        return 0
    priced = together([one.price for one in sought])
    explained = [one for one in sought if one.asked.extensions.get(EXPLAIN) is True]
    return (priced.reading if is_told else priced.points) + sum(one.price.explaining() for one in explained)


def _check_price(priced: Price, limits: Limits) -> None:
    """Raise RequestError for operations that together would take too much."""
    if priced.statements > limits.statements:
        raise exceeded("statements", limits.statements, priced.statements)
    if (objects := priced.objects()) > MOST_IDS:
        raise exceeded("objects", MOST_IDS, objects, unit="different aircraft")
    if (introspected := sum(each.introspected for each in priced.root_fields)) > _MAX_INTROSPECTED:
        what = "values of the schema's description"
        raise exceeded("introspection", _MAX_INTROSPECTED, introspected, unit=what)
    if priced.points > limits.cost:
        raise exceeded("cost", limits.cost, priced.points, unit="points of cost")
    if priced.bytes > limits.response_bytes:
        raise exceeded("response_bytes", limits.response_bytes, priced.bytes, unit="bytes of an answer")
