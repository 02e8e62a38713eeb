"""The least that an ASGI application can do: `python -m benchmarks.endpoints.bare PORT BYTES [NAME:VALUE …]`.

It answers so many bytes, with these headers.
"""

import sys
from collections.abc import Sequence
from typing import Any

import uvicorn

from gateway.server import bind


def application(size: int, named: Sequence[str]) -> Any:
    """The same answer to everything; `named` are headers as NAME:VALUE."""
    body = b"x" * size
    lines = [f"content-length:{size}", *(named or ["content-type:application/json"])]
    headers = [tuple(part.encode() for part in line.split(":", 1)) for line in lines]

    async def bare(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return bare


if __name__ == "__main__":
    app = application(int(sys.argv[2]), sys.argv[3:])
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
    with bind("127.0.0.1", int(sys.argv[1])) as bound:
        uvicorn.Server(config).run(sockets=[bound])
