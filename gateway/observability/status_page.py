"""GET /status: what the gateway does right now, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from gateway.auth.errors import AuthenticationError, insufficient
from gateway.http.errors import HTTPError
from gateway.http.responses import respond_error
from gateway.observability.html_page import html_page, html_table
from gateway.observability.recent_scrapes import RecentScrapes
from gateway.observability.status_tables import status_tables
from resolvers import scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.auth.authentication import ViewerOf

PATH = "/status"
_REFRESH_S = 5
_NEEDED = scopes.Scope.STATUS


class StatusPage:
    """Answers GET /status with the tables of `gateway top`, over all workers. It needs the scope `status`."""

    def __init__(self, recent: RecentScrapes, viewer_of: ViewerOf) -> None:
        self._recent = recent
        self._viewer_of = viewer_of

    async def __call__(self, request: Request) -> Response:
        """Return the page, or say in one sentence why it is not shown."""
        try:
            await self._require_scope(request)
        except HTTPError as error:
            return await respond_error(request, error)
        interval = await self._recent.interval()
        body = "\n".join(html_table(table) for table in status_tables(interval))
        about = (
            f"<p>The last {interval.seconds:.0f} s of all workers. The page is loaded again every {_REFRESH_S} s.</p>"
        )
        return html_page("Gateway status", f"{about}\n{body}", refresh_s=_REFRESH_S, cache_control="no-store")

    async def _require_scope(self, request: Request) -> None:
        """Raise HTTPError for a viewer without the scope."""
        try:
            viewer = await self._viewer_of(request)
        except AuthenticationError as error:
            raise HTTPError(error.status, str(error), error.code, error.headers) from error
        if _NEEDED not in viewer.scopes:
            headers = insufficient(viewer, [_NEEDED])
            raise HTTPError(403, f"The status page needs the scope {_NEEDED}.", scopes.FORBIDDEN, headers)


def routes(collect: Callable[[], Iterable[Metric]], viewer_of: ViewerOf) -> list[BaseRoute]:
    """Return the page over the metrics that `collect` yields, of all workers."""
    return [Route(PATH, StatusPage(RecentScrapes(collect), viewer_of).__call__)]
