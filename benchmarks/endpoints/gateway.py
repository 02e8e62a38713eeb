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

from benchmarks.endpoints.serving import CountedClickHouse, CountedPostgres, CountedStores, serve, usage
from deploy import SAMPLE_MODEL
from gateway.app import create_app
from loaders.model.databases import Kind


def counted_app() -> Starlette:
    """A worker's application; only its stores are stood in for."""
    os.environ.setdefault("GATEWAY_MODEL", SAMPLE_MODEL)
    app = create_app()
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(app):
            stores: Any = app.state.stores
            kinds: Any = {Kind.POSTGRES: CountedPostgres, Kind.CLICKHOUSE: CountedClickHouse}
            counted = {database: kinds[database.kind](store) for database, store in stores.databases.items()}
            by_kind = {database.kind: store for database, store in counted.items()}
            app.state.stores = dataclasses.replace(stores, databases=counted)
            app.state.counted = CountedStores(by_kind[Kind.POSTGRES], by_kind[Kind.CLICKHOUSE])
            yield

    app.router.lifespan_context = lifespan
    app.router.routes.append(Route("/usage", usage))
    return app


if __name__ == "__main__":
    serve(counted_app())
