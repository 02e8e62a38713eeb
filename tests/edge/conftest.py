"""Debian's nginx with the edge's configuration, before a stand-in for the gateway."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, Protocol

import httpx
import pytest

from benchmarks.nginx import Edge, running_edge
from benchmarks.servers import installed
from tests.edge.upstream import Upstream

PATIENCE_S = 20.0


class StartEdge(Protocol):
    """Call it with the gateways' addresses, and with what changes the configuration."""

    def __call__(self, *gateways: str, change: Callable[[str], str] = ...) -> Edge: ...


def leave_out(reason: str) -> NoReturn:
    """Skip what this machine lacks something for; fail where nothing may be skipped."""
    if os.environ.get("GATEWAY_TESTS_SKIP_NOTHING"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str:
    """Where a program is."""
    return installed(name) or leave_out(f"{name} is not installed")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name, since those of Unix sockets are limited to some 100 characters."""
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        yield Path(folder)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """The stand-in, serving."""
    upstream = Upstream()
    upstream.start()
    yield upstream
    upstream.stop()


@pytest.fixture
def start_edge(folder: Path) -> Iterator[StartEdge]:
    """Call it for a running edge before these gateways, whose configuration may be changed; stopped at the end."""
    nginx = program("nginx")
    with ExitStack() as running:

        def start(*gateways: str, change: Callable[[str], str] = str) -> Edge:
            return running.enter_context(running_edge(nginx, folder, gateways, change))

        yield start


@pytest.fixture
def edge(start_edge: StartEdge, upstream: Upstream) -> Edge:
    """The edge before the stand-in, with nothing cached."""
    return start_edge(upstream.address)


@pytest.fixture
def client(edge: Edge) -> Iterator[httpx.Client]:
    """A client of the edge that keeps its connection."""
    with httpx.Client(base_url=edge.url, timeout=PATIENCE_S) as client:
        yield client
