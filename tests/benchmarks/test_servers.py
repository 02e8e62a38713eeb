"""Processes that are waited for, and ended."""

import sys

import httpx
import pytest

from benchmarks.servers import accepts, answers, running
from deploy.embedded.process import free_port

pytestmark = pytest.mark.slow

SERVER = """
import sys, time
from http.server import *

time.sleep(0.3)
HTTPServer(("127.0.0.1", int(sys.argv[1])), {handler}).serve_forever()
"""


def _server(handler: str, port: int) -> list[str]:
    return [sys.executable, "-c", SERVER.format(handler=handler), str(port)]


def test_a_block_begins_when_its_server_is_ready_and_ends_with_it() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(_server("SimpleHTTPRequestHandler", port), lambda: answers(url)):
        assert httpx.get(url).status_code == 200
    assert not accepts(port)


def test_the_server_ends_with_a_block_that_fails() -> None:
    port = free_port()
    with pytest.raises(ZeroDivisionError), running(_server("SimpleHTTPRequestHandler", port), lambda: accepts(port)):
        raise ZeroDivisionError
    assert not accepts(port)


def test_a_server_that_ends_before_it_is_ready_is_not_waited_for() -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match="ended with status 3"), running(command, lambda: False):
        pass


def test_an_answer_that_is_not_200_is_none() -> None:
    port = free_port()
    with running(_server("BaseHTTPRequestHandler", port), lambda: accepts(port)):
        assert not answers(f"http://127.0.0.1:{port}")
