"""Serve GraphiQL at /graphiql, from the gateway's own build, or from a CDN if there is none."""

from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from gateway.graphiql.examples import Example
from gateway.graphiql.files import HashedFiles
from gateway.graphiql.page import graphiql_page

HERE = Path(__file__).parent
PATH = "/graphiql"


def routes(examples: Sequence[Example], graphql_path: str = "graphql", directory: Path = HERE) -> list[BaseRoute]:
    """Return the page and its files; the page posts to `graphql_path` on its own origin.

    All of its links are relative to its own URL, so that it works below any prefix that a proxy has for the gateway.
    `directory` holds the sources and, once built, the assets. It is looked at on every request for the page, so a
    build that ends after the start is served without another one. The page of a first visit has a
    tab for each of the examples, of which there is at least one.
    """

    def page(_request: Request) -> Response:
        return graphiql_page(directory, graphql_path, examples)

    files = HashedFiles(directory / "assets" / "hashed")
    return [Route(PATH, page), Mount("/graphiql/assets", files)]
