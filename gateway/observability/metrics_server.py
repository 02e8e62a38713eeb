"""Serve metrics on a port of their own, from a thread, so that a busy event loop does not keep them."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

from gateway.observability.exposition import ProcessMetrics
from loaders.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.registry import Collector

PATH = "/metrics"
_MAX_SCRAPES = 8
"""Scrapes that are answered at once. A monitoring system has one, or two for availability."""
_CLIENT_S = 10.0
"""Time for a client to send its request and to take the answer. Without it, few slow ones would keep all others out."""
_POLL_S = 0.1
"""How long the end may take to be noticed, and a client that is late: the gateway has a limited time to stop."""


class CannotServeMetricsError(GatewayError):
    """The metrics' port cannot be listened on. The message says why, and what to do."""


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    server_version, sys_version = "fuseway", ""

    def do_GET(self) -> None:
        """Answer with all metrics, in the format that the client accepts."""
        if self.path.partition("?")[0] != PATH:
            self._send(404, "text/plain; charset=utf-8", f"Metrics are at {PATH}.\n".encode())
            return
        try:
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        except TypeError:  # of a version that is no number
            encode, content_type = choose_encoder("")
        self._send(200, content_type, encode(self.server.registry))

    do_HEAD = do_GET  # noqa: N815

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's signature)
        """Log nothing: a scrape comes every few seconds."""


class MetricsServer(ThreadingTCPServer):
    """An HTTP server of one collector's metrics, with a bounded number of threads, none of them for long.

    It is not http.server's own, which asks the resolver for its name when it starts, for as long as that takes.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, collector: Collector, client_s: float) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.registry = CollectorRegistry()
        self.registry.register(collector)
        self._places = threading.BoundedSemaphore(_MAX_SCRAPES)
        self._client_s = client_s
        self._ends: dict[Any, float] = {}
        """The connections that are answered, and when that has to end, by the monotonic clock."""
        super().__init__((host, port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Where no file can be opened, pause, since the connection waits and is tried at once."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(_POLL_S)
            raise

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Answer in a thread, or close the connection where there are too many."""
        if self._places.acquire(blocking=False):
            self._ends[request] = time.monotonic() + self._client_s
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Answer one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._ends[request]
            self._places.release()

    def service_actions(self) -> None:
        """Break off connections that take too long. It is called several times a second."""
        now = time.monotonic()
        for connection, ends_at in list(self._ends.items()):
            if now >= ends_at:
                with suppress(OSError):  # it has ended
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that leave, or take too long."""


@contextmanager
def metrics_served(
    host: str,
    port: int,
    collector: Collector | None = None,
    *,
    names: str = "GATEWAY_METRICS_PORT (or GATEWAY_METRICS_HOST)",
    client_s: float = _CLIENT_S,
) -> Iterator[int]:
    """Serve metrics, by default those of this process, in the block; yield the port, which is a free one for 0.

    A client that takes more than `client_s` seconds is broken off. Raises CannotServeMetricsError where the address
    cannot be listened on, with the `names` of what it comes from.
    """
    try:
        server = MetricsServer(host, port, collector or ProcessMetrics(), client_s)
    except OSError as error:
        raise CannotServeMetricsError(
            f"Cannot serve metrics on {host} port {port}: {error.strerror or error}. Stop what listens there, or set"
            f" {names} to another one."
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def metrics_text(collector: Collector | None = None) -> str:
    """Return metrics, by default those of this process, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(collector or ProcessMetrics())
    return generate_latest(registry).decode()
