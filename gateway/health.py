"""Is the process alive, and can it answer?"""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.stores import Stores
from loaders.stores.errors import SystemFault


async def live(_request: Request) -> Response:
    """200 as long as the event loop turns; asks nothing of the stores, so that a restart never follows their faults."""
    return PlainTextResponse("alive\n", headers={"Cache-Control": "no-store"})


async def ready(request: Request) -> Response:
    """200 when all three stores answer, 503 with the name of one that does not."""
    stores: Stores = request.app.state.stores
    try:
        await stores.ping()
    except SystemFault as fault:
        return JSONResponse({"ready": False, "store": fault.store}, 503, headers={"Cache-Control": "no-store"})
    return JSONResponse({"ready": True}, headers={"Cache-Control": "no-store"})


def routes() -> list[BaseRoute]:
    """The probes."""
    return [Route("/livez", live), Route("/readyz", ready)]
