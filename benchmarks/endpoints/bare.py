"""The least that an ASGI application can do: `python -m benchmarks.endpoints.bare PORT BYTES` answers so many bytes."""

import sys
from typing import Any

import uvicorn

from gateway.server import listen


def application(size: int) -> Any:
    """The same answer to everything."""
    body = b"x" * size
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]

    async def bare(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return bare


if __name__ == "__main__":
    config = uvicorn.Config(
        application(int(sys.argv[2])), log_level="warning", access_log=False, server_header=False, lifespan="off"
    )
    with listen("127.0.0.1", int(sys.argv[1])) as listening:
        uvicorn.Server(config).run(sockets=[listening])
