"""Debian's nginx with the edge's configuration, and a stand-in for the gateway that counts what it is asked."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import NoReturn, Protocol
from urllib.parse import urlsplit
from zlib import crc32

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TEMPLATE = Path(__file__).parents[2] / "deploy" / "nginx" / "gateway.conf.template"
PATIENCE_S = 20.0

# What Debian's own nginx.conf has around the edge; some of it the edge has to turn off again.
NGINX_CONF = """
{user}
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    sendfile on;
    tcp_nopush on;
    gzip on;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/gateway.conf;
}}
"""

Answer = Callable[[Request], Awaitable[Response]]


def answering(body: str = "answer", cache: str = "public, max-age=60") -> Answer:
    """An answer whose ETag follows from its body: 304 to whoever has it."""
    headers = {"cache-control": cache, "etag": f'"{crc32(body.encode())}"'}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    return answer


@dataclass
class Upstream:
    """What stands in for the gateway."""

    answer: Answer = field(default_factory=answering)
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    async def _endpoint(self, request: Request) -> Response:
        self.asked.append(request)
        return await self.answer(request)

    def start(self) -> None:
        """Serve, in a thread."""
        app = Starlette(routes=[Route("/{path:path}", self._endpoint, methods=["GET", "HEAD", "POST"])])
        # Without proxy_headers, a request's client is the edge's end of the connection.
        config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="off", proxy_headers=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@dataclass(frozen=True)
class Edge:
    """A running nginx: where it speaks HTTP/1.1, HTTP/2 without and HTTP/2 with TLS, and its cache."""

    url: str
    h2c_socket: Path
    tls_socket: Path
    cache: Path


class StartEdge(Protocol):
    """Call it with the gateways' addresses, and with what changes the configuration."""

    def __call__(self, *gateways: str, change: Callable[[str], str] = ...) -> Edge: ...


def leave_out(reason: str) -> NoReturn:
    """Skip what this machine lacks something for; fail where nothing may be skipped."""
    if os.environ.get("GATEWAY_TESTS_SKIP_NOTHING"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str:
    """Where a program is. Debian's nginx is where only root looks."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return path or leave_out(f"{name} is not installed")


def rendered(edge: Edge, gateways: Iterable[str]) -> str:
    """The configuration with its variables filled in, as envsubst does; nginx's own stay."""
    values = {
        "EDGE_LISTEN": urlsplit(edge.url).netloc,
        "EDGE_LISTEN_H2C": f"unix:{edge.h2c_socket}",
        "EDGE_GATEWAYS": " ".join(f"server {address};" for address in gateways),
        "EDGE_CACHE": edge.cache,
    }
    return Template(TEMPLATE.read_text()).safe_substitute(values)


def with_tls(configuration: str, certificate: Path, key: Path, listen: Path) -> str:
    """The configuration with its lines for TLS uncommented."""
    given = {"443": f"unix:{listen}", "/etc/ssl/certs/gateway.pem": certificate, "/etc/ssl/private/gateway.key": key}
    configuration = re.sub(r"#(listen|ssl_)", r"\1", configuration)
    for default, path in given.items():
        configuration = configuration.replace(default, str(path))
    return configuration


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
    running: list[subprocess.Popen[bytes]] = []
    nginx = program("nginx")

    def start(*gateways: str, change: Callable[[str], str] = str) -> Edge:
        edge = Edge(f"http://127.0.0.1:{free_port()}", folder / "h2c", folder / "tls", folder / "cache")
        (folder / "gateway.conf").write_text(change(rendered(edge, gateways)))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX_CONF.format(user=user, folder=folder))
        with (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=stderr)
        running.append(process)
        wait_until(lambda: process.poll() is not None or _listens(edge.url))
        if process.poll() is not None:
            raise RuntimeError(f"nginx did not start: {(folder / 'stderr').read_text()}")
        return edge

    yield start
    for process in running:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture
def edge(start_edge: StartEdge, upstream: Upstream) -> Edge:
    """The edge before the stand-in, with nothing cached."""
    return start_edge(upstream.address)


@pytest.fixture
def client(edge: Edge) -> Iterator[httpx.Client]:
    """A client of the edge that keeps its connection."""
    with httpx.Client(base_url=edge.url, timeout=PATIENCE_S) as client:
        yield client


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once it is so. Raises TimeoutError where it never comes to be."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("It did not come to be.")
        time.sleep(0.01)


def _listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0
