"""The gateway without what keeps it: `python -m benchmarks.endpoints.unguarded PORT`.

No limits, no price, no counting of what callers ask for; operations are found and executed.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import Route

from benchmarks.endpoints.gateway import counted_app
from benchmarks.endpoints.serving import serve
from gateway.app import GRAPHQL_PATH
from gateway.auth.viewer import Viewer
from gateway.http.endpoint import GraphQLEndpoint
from gateway.http.operation_result import OperationResult
from gateway.http.preparation import OperationPreparer, PreparedOperation
from gateway.http.request_parser import GraphQLRequest, RequestBatch
from gateway.limits import Limits
from gateway.rate_limit import CallerBudget
from resolvers.cost_estimate import CostEstimate


class Unguarded(OperationPreparer):
    """Takes everything."""

    async def prepare(
        self,
        request: Request,  # noqa: ARG002
        batch: RequestBatch,
        viewer: Viewer,  # noqa: ARG002
        limits: Limits,  # noqa: ARG002
        budget: CallerBudget,  # noqa: ARG002
        *,
        in_parts: bool,
    ) -> Sequence[PreparedOperation | OperationResult]:
        """Each operation."""
        return [self._found(item, in_parts=in_parts) for item in batch.operations]

    def _found(self, request: GraphQLRequest, *, in_parts: bool) -> PreparedOperation:
        source = self._schema.documents.get(request.query or "")
        document = source.executed(in_parts=in_parts)
        return PreparedOperation(
            request, document, document.operation(request.operation_name)[0], CostEstimate(), source
        )


if __name__ == "__main__":
    app = counted_app()
    for route in app.routes:
        if isinstance(route, Route) and route.path == GRAPHQL_PATH and isinstance(route.endpoint, GraphQLEndpoint):
            endpoint = route.endpoint
            guarded = endpoint._preparer
            endpoint._preparer = Unguarded(guarded._schema, guarded._persisted, endpoint._thread)
    serve(app)
