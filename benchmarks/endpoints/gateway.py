"""The gateway as it is, with its statements counted: `python -m benchmarks.endpoints.gateway PORT`.

Whether it caches is GATEWAY_CACHE's to say.
"""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from benchmarks.endpoints.serving import CountedClickHouse, CountedPostgres, serve, usage
from gateway.app import create_app


def counted_app() -> Starlette:
    """A worker's application; only its stores are stood in for."""
    app = create_app()
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(app):
            stores: Any = app.state.stores
            counted: dict[str, Any] = {
                "postgres": CountedPostgres(stores.postgres),
                "clickhouse": CountedClickHouse(stores.clickhouse),
            }
            app.state.stores = dataclasses.replace(stores, **counted)
            yield

    app.router.lifespan_context = lifespan
    app.router.routes.append(Route("/usage", usage))
    return app


if __name__ == "__main__":
    serve(counted_app())
