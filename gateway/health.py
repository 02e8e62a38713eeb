"""Is the process alive, and can it answer?"""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.stores import Stores

PATHS = LIVE, READY = "/livez", "/readyz"


async def live(_request: Request) -> Response:
    """200 as long as the event loop turns; asks nothing of the stores, so that a restart never follows their faults."""
    return PlainTextResponse("alive\n", headers={"Cache-Control": "no-store"})


async def ready(request: Request) -> Response:
    """200 while PostgreSQL answers, since nothing is known of any aircraft without it; else 503.

    The other stores are named and do not count: what they hold is null or comes from elsewhere while they are away, and
    taking every replica out of service would lose the rest too.
    """
    stores: Stores = request.app.state.stores
    states = await stores.states()
    status = 200 if states["postgresql"] == "ok" else 503
    content: dict[str, object] = {"ready": status == 200, "stores": states}
    if stores.hearing is not None and stores.hearing.reason is not None:
        content["warnings"] = [stores.hearing.reason]
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})


def routes() -> list[BaseRoute]:
    """The probes."""
    return [Route(LIVE, live), Route(READY, ready)]
