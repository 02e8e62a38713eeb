"""Serve metrics on a port of their own, from a thread, so that a busy event loop does not keep them."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

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
_CLIENT_TIMEOUT_S = 5.0
"""Time for a client to send its request, and to take each part of the answer."""


_POLL_S = 0.1
"""How long the end may take to be noticed: the gateway has a limited time to stop."""


class CannotServeMetricsError(GatewayError):
    """The metrics' port cannot be listened on. The message says why, and what to do."""


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    server_version, sys_version = "fuseway", ""
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        """Answer with all metrics, in the format that the client accepts."""
        if self.path.partition("?")[0] != PATH:
            self._send(404, "text/plain; charset=utf-8", f"Metrics are at {PATH}.\n".encode())
            return
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
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


class MetricsServer(ThreadingHTTPServer):
    """An HTTP server of one collector's metrics, with a bounded number of threads."""

    daemon_threads = True

    def __init__(self, host: str, port: int, collector: Collector) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.registry = CollectorRegistry()
        self.registry.register(collector)
        self._places = threading.BoundedSemaphore(_MAX_SCRAPES)
        super().__init__((host, port), _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Answer in a thread, or close the connection where there are too many."""
        if self._places.acquire(blocking=False):
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
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that leave, or take too long."""


@contextmanager
def metrics_served(host: str, port: int, collector: Collector | None = None) -> Iterator[int]:
    """Serve metrics, by default those of this process, in the block; yield the port, which is a free one for 0.

    Raises CannotServeMetricsError where the address cannot be listened on.
    """
    try:
        server = MetricsServer(host, port, collector or ProcessMetrics())
    except OSError as error:
        raise CannotServeMetricsError(
            f"Cannot serve metrics on {host} port {port}: {error.strerror or error}. Stop what listens there, or set"
            " GATEWAY_METRICS_PORT (or GATEWAY_METRICS_HOST) to another one."
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
