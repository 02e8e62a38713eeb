"""The client of commands: it trusts no unknown certificate, follows no redirect, and says why there is no answer."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.embedded.process import free_port
from gateway.http_client import HTTPClient, UnreachableError
from tests.certificates import authority, signed


class Handler(BaseHTTPRequestHandler):
    """Sends those who ask somewhere else."""

    def do_GET(self) -> None:
        self.send_response(307)
        self.send_header("Location", "http://other.invalid/")
        self.send_header("Set-Cookie", "a=b")
        self.end_headers()
        self.wfile.write((self.headers["Cookie"] or "none").encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's signature)
        pass


class Server(ThreadingHTTPServer):
    """Keeps quiet of clients that do not trust it."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """A server at a free port."""
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_redirect_is_an_answer_and_no_cookie_is_kept(server: Server) -> None:
    async with HTTPClient(timeout_s=10, max_bytes=100) as client:
        for _ in range(2):
            answer = await client.get(f"http://127.0.0.1:{server.server_port}/")
            assert (answer.status, answer.body) == (307, b"none")


async def test_a_certificate_of_nobody_known_is_not_trusted(server: Server, tmp_path: Path) -> None:
    files = signed(tmp_path, authority(tmp_path, "authority"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    await _fails(f"https://127.0.0.1:{server.server_port}/", "Its certificate is not trusted.")


async def test_what_speaks_no_tls_is_said(server: Server) -> None:
    await _fails(f"https://127.0.0.1:{server.server_port}/", "It speaks no TLS that is understood.")


async def test_a_name_without_an_address_is_said() -> None:
    await _fails("http://no.such.invalid/", "Its name has no address.")


async def test_a_port_that_nobody_listens_on_is_said() -> None:
    await _fails(f"http://127.0.0.1:{free_port()}/", "No connection can be made: Connection refused.")


@pytest.mark.parametrize(("host", "credential"), [("a..b", "good"), ("127.0.0.1", "s3cret\nX-Header: 1")])
async def test_what_cannot_be_sent_is_said_without_it(server: Server, host: str, credential: str) -> None:
    sentence = "The request cannot be sent: its URL or a header has characters that may not be there."
    await _fails(f"http://{host}:{server.server_port}/", sentence, {"Authorization": credential})


async def _fails(url: str, sentence: str, headers: Mapping[str, str] | None = None) -> None:
    async with HTTPClient(timeout_s=10, max_bytes=100) as client:
        with pytest.raises(UnreachableError) as raised:
            await client.request("GET", url, headers=headers)
    assert str(raised.value) == sentence
