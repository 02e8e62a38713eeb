"""The gateway as it is, with its statements counted: `python -m benchmarks.endpoints.gateway PORT`.

Whether it caches is GATEWAY_CACHE's to say.
"""

import dataclasses
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from benchmarks.endpoints.serving import CountedClickHouse, CountedPostgres, serve, usage
from gateway.app import create_app
from gateway.databases import FLEET_DATABASES
from gateway.served_model import FLEET


def counted_app() -> Starlette:
    """A worker's application; only its stores are stood in for."""
    os.environ.setdefault("GATEWAY_MODEL", FLEET)
    app = create_app()
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(app):
            stores: Any = app.state.stores
            counted = (CountedPostgres(stores.postgres), CountedClickHouse(stores.clickhouse))
            app.state.stores = dataclasses.replace(stores, databases=dict(zip(FLEET_DATABASES, counted, strict=True)))
            yield

    app.router.lifespan_context = lifespan
    app.router.routes.append(Route("/usage", usage))
    return app


if __name__ == "__main__":
    serve(counted_app())
