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
from gateway.http.preparing import Prepared, Preparing
from gateway.http.reading import Asked, Received
from gateway.limits import Limits
from gateway.rate_limit import CallerBudget
from resolvers.pricing import Price


class Unguarded(Preparing):
    """Takes everything."""

    async def prepared(
        self,
        request: Request,  # noqa: ARG002
        asked: Received,
        viewer: Viewer,  # noqa: ARG002
        limits: Limits,  # noqa: ARG002
        budget: CallerBudget,  # noqa: ARG002
        *,
        in_parts: bool,
    ) -> Sequence[Prepared | OperationResult]:
        """Each operation."""
        return [self._found(one, in_parts=in_parts) for one in asked.operations]

    def _found(self, asked: Asked, *, in_parts: bool) -> Prepared:
        source = self._schema.documents.get(asked.query or "")
        document = source.executed(in_parts=in_parts)
        return Prepared(asked, document, document.operation(asked.operation_name)[0], Price(), source)


if __name__ == "__main__":
    app = counted_app()
    for route in app.routes:
        if isinstance(route, Route) and route.path == GRAPHQL_PATH and isinstance(route.endpoint, GraphQLEndpoint):
            endpoint = route.endpoint
            guarded = endpoint._preparing
            endpoint._preparing = Unguarded(guarded._schema, guarded._persisted, endpoint._thread)
    serve(app)
