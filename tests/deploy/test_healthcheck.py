"""The image's health check asks the port that the gateway listens on, and ends with a sentence where it is not answered."""

from __future__ import annotations

import runpy
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "image" / "healthcheck.py"


class Probes(BaseHTTPRequestHandler):
    """A process that is alive, and not ready."""

    def do_GET(self) -> None:
        self.send_response({"/livez": 200, "/readyz": 503}[self.path])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", ""])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """The probes, at the addresses that a setting says."""
    server = HTTPServer((request.param, 0), Probes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("GATEWAY_HOST", request.param)
    monkeypatch.setenv("GATEWAY_PORT", str(server.server_port))
    yield server
    server.shutdown()
    server.server_close()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Return what the script ends with: None for 0, or its sentence."""
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except SystemExit as end:
        return end.code
    return None


@pytest.mark.usefixtures("server")
def test_a_process_that_lives_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch) is None


@pytest.mark.usefixtures("server")
def test_one_that_is_not_ready_is_told_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "/readyz") == "/readyz is answered 503."


def test_one_that_does_not_listen_is_told(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.shutdown()
    server.server_close()
    assert run(monkeypatch) == "/livez is not answered: [Errno 111] Connection refused"
