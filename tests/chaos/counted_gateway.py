"""`gateway serve` that tells its process and its tasks at /tasks: `python -m tests.chaos.counted_gateway serve`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway import app
from gateway.cli import main

_create_app = app.create_app


async def _tasks(_request: Request) -> Response:
    names = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    return JSONResponse({"pid": os.getpid(), "tasks": names})


def _counted_app() -> Starlette:
    application = _create_app()
    application.router.routes.append(Route("/tasks", _tasks))
    return application


if __name__ == "__main__":
    app.create_app = _counted_app
    sys.exit(main())
