"""Servers in processes of their own, for the length of a block: what is measured, and what tests ask."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

import psutil

TIMEOUT_S = 60.0


def installed(name: str) -> str | None:
    """Where a program is, None where it is not. Debian's nginx is where only root looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def running(
    command: Sequence[str],
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
) -> Iterator[None]:
    """The command's process, from when it is ready to the end of the block; `environment` is added to this process's.

    What it logs goes to `log`, or to where this process's does.
    Raises RuntimeError where it ends before it is ready, and TimeoutError where it never is.
    """
    added = os.environ | dict(environment or {})
    process = subprocess.Popen(command, env=added, stdout=subprocess.DEVNULL, stderr=log)

    def ready_or_ended() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}.")
        return ready()

    try:
        wait_until(ready_or_ended)
        yield
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once it is so. Raises TimeoutError where it never comes to be."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("It did not come to be.")
        time.sleep(0.01)


def answers(url: str) -> bool:
    """Whether a GET of it is answered with status 200.

    It is asked a hundred times a second while a server starts, and a client of httpx would first read all certificates
    of the machine, for 30 ms of CPU that the server needs.
    """
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def accepts(port: int) -> bool:
    """Whether somebody takes connections at this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listening(port: int) -> psutil.Process:
    """Return the process that listens at this port: this one, or one that it started."""
    own = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return next(
        item
        for item in own
        if any(each.laddr.port == port for each in item.net_connections("inet") if each.status == psutil.CONN_LISTEN)
    )


def connections_to(url: str) -> int:
    """Return how many connections this process has to a server."""
    port = urlsplit(url).port
    own = psutil.Process().net_connections("tcp")
    return sum(item.status == psutil.CONN_ESTABLISHED and item.raddr.port == port for item in own if item.raddr)


async def until_asked(url: str, clients: Sequence[asyncio.Task[Any]], *, others: int = 0) -> None:
    """Wait until each client has a connection to a server, or its answer. Clients must not share or keep connections.

    `others` is how many connections this process has besides. Raises TimeoutError.
    """

    def are_asked() -> bool:
        return connections_to(url) - others + sum(client.done() for client in clients) >= len(clients)

    await asyncio.to_thread(wait_until, are_asked)
