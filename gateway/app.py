"""The application: what answers on which path."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway import graphiql, health
from gateway.http import GraphQLEndpoint
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.stores import open_stores

GRAPHQL_PATH = "/graphql"


def create_app() -> Starlette:
    """The application of a worker process, with the settings of its environment."""
    return build_app(Settings.from_environment())


def build_app(settings: Settings) -> Starlette:
    """The application with these settings. Its stores are opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_stores(settings) as stores:
            app.state.stores = stores
            yield

    return Starlette(routes=_routes(settings), lifespan=lifespan)


def _routes(settings: Settings) -> list[BaseRoute]:
    endpoint = GraphQLEndpoint(build_schema(), settings.max_ids)
    pages = [Route("/", _home), *graphiql.routes(GRAPHQL_PATH)] if settings.graphiql else []
    return [Route(GRAPHQL_PATH, endpoint), *health.routes(), *pages]


async def _home(_request: object) -> Response:
    return RedirectResponse("/graphiql")
