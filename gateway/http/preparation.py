"""Prepare operations: find, read, check and price them before any store is queried."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLError, OperationType

from gateway.auth.errors import insufficient
from gateway.document_reader import DocumentReader
from gateway.execution.variables import coerced, counted, points_to_coerce
from gateway.explain import EXPLAIN
from gateway.http.admission import TICKET
from gateway.http.errors import HTTPError, RequestError, request_error
from gateway.http.operation_result import OperationResult
from gateway.limits import Limits, check, exceeded
from gateway.observability.operation_names import BATCH, UNKNOWN
from gateway.observability.request_observation import observation_of, queueing
from loaders.objects.object_loader import MAX_OBJECTS
from resolvers import scopes
from resolvers.cost_estimate import CostEstimate, combine_costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import OperationDefinitionNode
    from starlette.requests import Request

    from gateway.admission.admission import Ticket
    from gateway.auth.viewer import Viewer
    from gateway.documents import Document
    from gateway.http.request_parser import GraphQLRequest, RequestBatch
    from gateway.persisted import Persisted
    from gateway.rate_limit import CallerBudget
    from gateway.reading_thread import ReadingThread
    from gateway.schema import GatewaySchema

COST_HEADER = "graphql-cost"
_POINTS_TO_CHECK = 10
"""Price of an operation that is rejected after its document was read. Rejecting it takes this process about a hundred
microseconds each time it is sent."""

_MAX_INTROSPECTED = 12_000
"""Maximum values of introspection in one request. graphql-core completes them in one go, at four microseconds each, so
that more would block the event loop. The introspection query of common tools has 7,500."""


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """An operation that may be executed.

    `errors` are those of its variables and arguments. Execution finds them too.
    """

    request: GraphQLRequest
    document: Document
    operation: OperationDefinitionNode
    cost: CostEstimate
    source: Document
    """The document as it was read. While it is held here, execution finds it by its text."""
    errors: Sequence[GraphQLError] = ()

    @property
    def is_mutation(self) -> bool:
        """Whether executing it may change something."""
        return self.operation.operation is OperationType.MUTATION


def cost_mode(request: Request) -> str:
    """Return the request's GraphQL-Cost header in lower case. `validate` and `report` have a meaning."""
    return request.headers.get(COST_HEADER, "").lower()


class OperationPreparer:
    """Finds, reads, checks and prices operations before any store is queried."""

    def __init__(self, schema: GatewaySchema, persisted: Persisted, thread: ReadingThread) -> None:
        self._schema = schema
        self._persisted = persisted
        self._reader = DocumentReader(schema.documents, thread)

    async def prepare(
        self,
        request: Request,
        batch: RequestBatch,
        viewer: Viewer,
        limits: Limits,
        budget: CallerBudget,
        *,
        in_parts: bool,
    ) -> Sequence[PreparedOperation | OperationResult]:
        """Return each operation in order, or the result that rejects it.

        With `in_parts`, @defer and @stream are heeded. Raises HTTPError if nothing of the request may be executed.
        """
        texts = await asyncio.gather(*map(self._persisted.text, batch.operations), return_exceptions=True)
        await budget.charge(sum(points_to_coerce(item.variables, MAX_OBJECTS) for item in batch.operations))
        operations: list[PreparedOperation | OperationResult] = []
        for item, document in zip(batch.operations, await self._read(texts, limits, budget), strict=True):
            if operations:
                await asyncio.sleep(0)  # let other requests run
            try:
                operations.append(
                    self._prepared_or_error(item, document, request.method, limits, viewer, in_parts=in_parts)
                )
            except HTTPError as error:
                if not batch.is_batch:
                    raise
                operations.append(OperationResult(has_data=False, errors=[error.error], error_status=error.status))
        observation = observation_of(request.scope)
        if observation is not None:
            observation.operation, observation.operation_type = _name_and_type(operations)
        try:
            await _pay(operations, request, limits, budget)
        except RequestError as error:
            operations = _reject_all(operations, error)
        budget.owe(_POINTS_TO_CHECK * sum(isinstance(item, OperationResult) for item in operations))
        return operations

    async def _read(
        self, texts: Sequence[str | BaseException], limits: Limits, budget: CallerBudget
    ) -> Sequence[Document | BaseException]:
        """Return the document of each text, or the error that prevents it from being read."""
        try:
            documents = await self._reader.read([text for text in texts if isinstance(text, str)], limits, budget)
        except RequestError as error:
            return [text if isinstance(text, BaseException) else error for text in texts]
        return [text if isinstance(text, BaseException) else documents[text] for text in texts]

    def _prepared_or_error(
        self,
        request: GraphQLRequest,
        document: Document | BaseException,
        method: str,
        limits: Limits,
        viewer: Viewer,
        *,
        in_parts: bool,
    ) -> PreparedOperation | OperationResult:
        try:
            if isinstance(document, BaseException):
                raise document
            return self._prepare(request, document, method, limits, viewer, in_parts=in_parts)
        except RequestError as error:
            return OperationResult.of_request_error(error)
        except HTTPError:
            raise
        except Exception as error:
            return OperationResult.of_exception(error)

    def _prepare(
        self,
        request: GraphQLRequest,
        document: Document,
        method: str,
        limits: Limits,
        viewer: Viewer,
        *,
        in_parts: bool,
    ) -> PreparedOperation:
        """Check an operation and its document. Raises RequestError."""
        if method != "POST" and (kind := document.kind(request.operation_name)) not in ("", "query"):
            message = f"A {kind} must be sent by POST."
            raise request_error(message, "METHOD_NOT_ALLOWED", status=405, headers={"Allow": "POST"})
        if document.errors:
            raise RequestError(document.errors)
        return self._checked(request, document, document.executed(in_parts=in_parts), limits, viewer)

    def _checked(
        self, request: GraphQLRequest, source: Document, document: Document, limits: Limits, viewer: Viewer
    ) -> PreparedOperation:
        """Check and price an operation of a valid document. Raises RequestError."""
        operation, measures = document.operation(request.operation_name)
        check(measures, limits)
        if request.extensions.get(EXPLAIN) is True and scopes.Scope.EXPLAIN not in viewer.scopes:
            message = f"The extension {EXPLAIN!r} needs the scope {scopes.Scope.EXPLAIN}."
            headers = insufficient(viewer, [scopes.Scope.EXPLAIN])
            raise request_error(message, scopes.FORBIDDEN, status=403, headers=headers)
        estimate = self._estimate(request, document, operation, limits, viewer)
        if isinstance(estimate, CostEstimate):
            return PreparedOperation(request, document, operation, estimate, source, estimate.errors)
        return PreparedOperation(request, document, operation, CostEstimate(), source, estimate)

    def _estimate(
        self,
        request: GraphQLRequest,
        document: Document,
        operation: OperationDefinitionNode,
        limits: Limits,
        viewer: Viewer,
    ) -> CostEstimate | Sequence[GraphQLError]:
        """Return the cost, or the errors of the variables and directives."""
        core = self._schema._schema
        if document.node is None:
            return CostEstimate()
        if (items := counted(request.variables, MAX_OBJECTS)) > MAX_OBJECTS:  # checking each would block the event loop
            raise exceeded("variable_items", MAX_OBJECTS, items, unit="values in the variables")
        values = coerced(core, document.node, operation, request.variables)
        if isinstance(values, list):
            return values
        try:
            estimate = self._schema.estimate(operation, document.fragments, values, viewer.scopes, viewer.tenant)
        except GraphQLError as error:
            return [error]
        for field in estimate.root_fields:
            if field.asked > limits.ids:
                raise exceeded("ids", limits.ids, field.asked, unit="ids in one field")
        return estimate


def _name_and_type(operations: Sequence[PreparedOperation | OperationResult]) -> tuple[str, str]:
    """Return the name and the type of the only operation, as of a RequestObservation."""
    if len(operations) > 1:
        return BATCH, ""
    for item in operations:
        if isinstance(item, PreparedOperation):
            name = item.operation.name.value if item.operation.name is not None else ""
            return name, item.operation.operation.value
    return UNKNOWN, ""


def _reject_all(
    operations: Sequence[PreparedOperation | OperationResult], error: RequestError
) -> list[PreparedOperation | OperationResult]:
    """Replace the operations that might have been executed by results with this error."""
    return [
        OperationResult.of_request_error(error) if isinstance(item, PreparedOperation) else item for item in operations
    ]


async def _pay(
    operations: Sequence[PreparedOperation | OperationResult], request: Request, limits: Limits, budget: CallerBudget
) -> None:
    """Charge the price of a request's operations, once it has been let in for it. Raises HTTPError if it may not be."""
    combined = combine_costs([item.cost for item in operations if isinstance(item, PreparedOperation)])
    _check_cost(combined, limits)
    points = _points(operations, is_estimate=cost_mode(request) == "validate")
    observation = observation_of(request.scope)
    if observation is not None:
        observation.points = points
    ticket: Ticket | None = request.scope.get(TICKET)
    if ticket is not None:
        with queueing(request.scope):
            await ticket.price(points, combined.bytes)
    await budget.charge(points, is_price=True)


def _points(operations: Sequence[PreparedOperation | OperationResult], *, is_estimate: bool) -> int:
    """Return the points to charge before anything is executed, for all operations together.

    With `is_estimate`, nothing will be executed, and the points are those of the estimate itself. An explanation costs
    more, since it looks up each section of each object.
    """
    executable = [item for item in operations if isinstance(item, PreparedOperation) and item.cost.points]
    if not executable:
        return 0
    combined = combine_costs([item.cost for item in executable])
    explained = [item for item in executable if item.request.extensions.get(EXPLAIN) is True]
    return (combined.reading if is_estimate else combined.points) + sum(item.cost.explaining() for item in explained)


def _check_cost(cost: CostEstimate, limits: Limits) -> None:
    """Raise RequestError if the operations together exceed a limit."""
    if cost.statements > limits.statements:
        raise exceeded("statements", limits.statements, cost.statements)
    if (objects := cost.objects()) > MAX_OBJECTS:
        raise exceeded("objects", MAX_OBJECTS, objects, unit="different objects")
    if (introspected := sum(field.introspected for field in cost.root_fields)) > _MAX_INTROSPECTED:
        unit = "values of the schema's description"
        raise exceeded("introspection", _MAX_INTROSPECTED, introspected, unit=unit)
    if cost.points > limits.cost:
        raise exceeded("cost", limits.cost, cost.points, unit="points of cost")
    if cost.bytes > limits.response_bytes:
        raise exceeded("response_bytes", limits.response_bytes, cost.bytes, unit="bytes of an answer")
