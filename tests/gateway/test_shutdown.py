"""A gateway that is told to stop: new connections are refused at once, and requests under way are answered."""

import errno
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any
from urllib.parse import urlsplit

import psutil
import pytest
import uvicorn

from benchmarks.servers import answers as is_live
from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway.graceful_shutdown import Server, accept_all, accept_last, drop_new, end_listening, refuse_all
from gateway.http_connection import ConnectionLimits
from gateway.http_protocol import ProtocolFactory
from tests.gateway.conftest import OPEN, environment_of
from tests.gateway.raw import HEAD, LIVE, TYPENAME, answers, connected, one_answer, receive

pytestmark = pytest.mark.slow

BEGUN = HEAD + b"Content-Length: %d\r\n\r\n" % len(TYPENAME) + TYPENAME[:5]


@contextmanager
def gateway(
    urls: StoreUrls, workers: int, *before: str, log: IO[bytes] | None = None, **changed: Any
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A gateway's process, which a terminal controls, and its URL; `before` is what its command begins with."""
    port = free_port()
    settings = {"GATEWAY_PORT": str(port), "GATEWAY_WORKERS": str(workers), "GATEWAY_SHUTDOWN_TIMEOUT_S": "20"}
    environment = os.environ | environment_of(urls) | OPEN | settings | changed
    command = [*before, sys.executable, "-m", "gateway", "serve"]
    with _terminal() as (terminal, control):
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=terminal,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
            preexec_fn=control,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: is_live(f"{url}/livez"))
            yield process, url
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def _terminal() -> Iterator[tuple[int, Callable[[], object]]]:
    """A terminal, and what a new process calls so that it is controlled by it."""
    ours, theirs = os.openpty()
    try:
        yield theirs, lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    finally:
        os.close(theirs)
        os.close(ours)


def is_refused(url: str) -> bool:
    """Whether nobody listens."""
    parts = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((parts.hostname or "", parts.port or 0)) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("workers", [1, 3])
def test_new_connections_are_refused_while_requests_under_way_are_answered(
    store_urls: StoreUrls, workers: int, number: int
) -> None:
    with gateway(store_urls, workers) as (process, url), connected(url) as busy, connected(url) as idle:
        idle.sendall(LIVE)
        assert one_answer(idle).status == 200
        busy.sendall(BEGUN)
        time.sleep(0.3)  # it is read, and other workers may still be starting
        if number == signal.SIGTERM:
            process.send_signal(number)
        else:  # a terminal's, which all processes get
            os.killpg(process.pid, number)
        wait_until(lambda: is_refused(url))
        assert process.poll() is None, "a request is under way"
        assert receive(idle) == b"", "what waits for a request is closed"
        for _ in range(20):
            assert is_refused(url)
            time.sleep(0.02)
        busy.sendall(TYPENAME[5:])
        answer = one_answer(busy)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert process.wait(60) in (0, -signal.SIGINT, -signal.SIGTERM)


@pytest.mark.parametrize("workers", [1, 2])
def test_under_nohup_a_closed_terminal_changes_nothing(store_urls: StoreUrls, workers: int) -> None:
    with gateway(store_urls, workers, "nohup") as (process, url):
        wait_until(lambda: workers == 1 or len(_workers(process)) == workers)
        os.killpg(process.pid, signal.SIGHUP)
        time.sleep(0.7)  # more than the parent takes to see that a worker has ended
        assert process.poll() is None
        assert all(is_live(f"{url}/livez") for _ in range(8))
        process.send_signal(signal.SIGQUIT)
        assert process.wait(60) in (0, -signal.SIGTERM)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_connection_is_left_without_an_answer(store_urls: StoreUrls, workers: int) -> None:
    outcomes: list[str] = []
    stopped = threading.Event()

    def ask(url: str) -> None:
        parts = urlsplit(url)
        while not stopped.is_set():
            try:
                client = socket.create_connection((parts.hostname, parts.port), 30)
            except ConnectionRefusedError:
                outcomes.append("refused")
                return
            with client:
                try:
                    client.sendall(LIVE.replace(b"Host", b"Connection: close\r\nHost"))
                    received = receive(client)
                except OSError as error:
                    received = repr(error).encode()
                outcomes.append(received[9:12].decode() if received.startswith(b"HTTP/1.1 ") else f"lost {received!r}")

    with gateway(store_urls, workers) as (process, url):
        threads = [threading.Thread(target=ask, args=(url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        process.terminate()
        for thread in threads:
            thread.join(30)
        stopped.set()
        process.wait(60)
    assert set(outcomes) <= {"200", "503", "refused"}
    assert outcomes.count("refused") == 8
    assert outcomes.count("200") > 8


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(store_urls: StoreUrls) -> None:
    with gateway(store_urls, 2) as (process, url):
        wait_until(lambda: len(_workers(process)) == 2)
        first = _workers(process)
        first[0].kill()
        wait_until(lambda: len(_workers(process)) == 2 and first[0] not in _workers(process))
        first[1].terminate()  # told to stop, one ends its own listening alone
        wait_until(lambda: len(_workers(process)) == 2 and first[1] not in _workers(process))
        wait_until(lambda: is_live(f"{url}/livez"))
        for _ in range(20):
            assert is_live(f"{url}/livez")


def _workers(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    result = []
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # one that has ended has no command
            if "spawn_main" in " ".join(child.cmdline()):
                result.append(child)
    return result


@contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A socket that listens, and its URL."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(10)
        listening.setblocking(False)
        yield listening, "http://{}:{}".format(*listening.getsockname())


def test_a_connection_that_waits_to_be_accepted_is_answered_503() -> None:
    with listener() as (listening, url), connected(url) as first, connected(url) as second:
        second.sendall(LIVE)
        accepted = accept_last([listening])
        assert is_refused(url)
        assert len(accepted) == 2
        refuse_all(accepted)
        for client in (first, second):
            (answer,) = answers(receive(client))
            assert (answer.status, answer.error["code"]) == (503, "UNAVAILABLE")
            assert answer.headers["retry-after"] == "1"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no packet filter of a socket's own")
def test_before_a_socket_stops_listening_connections_that_have_begun_are_made_and_new_ones_are_not() -> None:
    with listener() as (listening, url), socket.socket() as late:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)  # the handshake ends with the first data
        with connected(url) as begun:
            drop_new([listening])
            assert accept_all([listening]) == []
            late.setblocking(False)
            assert late.connect_ex(listening.getsockname()) == errno.EINPROGRESS
            begun.sendall(LIVE)
            assert select.select([listening], [], [], 30)[0], "its handshake ends"
            (accepted,) = accept_all([listening])
            end_listening([listening])
            with accepted:
                assert accepted.recv(1 << 16) == LIVE
                accepted.sendall(b"served")
                assert begun.recv(6) == b"served"
        assert select.select([], [late], [], 30)[1], "it tries again"
        assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_connections_that_send_nothing_are_closed_within_a_second_together(monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (listening, url), ExitStack() as stack:
        clients = [stack.enter_context(connected(url)) for _ in range(10)]
        accepted = accept_last([listening])
        began = time.monotonic()
        refuse_all(accepted)
        assert time.monotonic() - began < 5, "ten seconds, one after the other"
        assert [answers(receive(client))[0].status for client in clients] == [503] * 10
        silent, other = socket.socketpair()
        with silent:
            monkeypatch.setattr("gateway.graceful_shutdown._ANSWER_S", 20.0)
            began = time.monotonic()
            refuse_all([other], ends_at=began)
            assert time.monotonic() - began < 5, "it would wait for 20 s otherwise"


async def test_hundreds_of_connections_may_wait_while_the_event_loop_stands_still() -> None:
    server = _server()
    with listener() as (listening, url), ExitStack() as stack:
        await server.startup([listening])
        for _ in range(300):
            stack.enter_context(connected(url))
        await server.shutdown([listening])


def _server() -> Server:
    """A server that answers everything, whose `startup` has not been called."""

    async def application(
        _scope: object, _receive: object, send: Callable[[dict[str, object]], Awaitable[None]]
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        await send({"type": "http.response.body", "body": b"served"})

    limits = ConnectionLimits(head_bytes=8192, headers=64, head_timeout_s=30, body_timeout_s=30, connections=10)
    factory: Any = ProtocolFactory(limits)
    server = Server(uvicorn.Config(application, lifespan="off", http=factory, log_level="error"))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    return server


async def test_a_server_that_notices_late_that_it_is_to_stop_answers_connections_that_wait() -> None:
    server = _server()
    with listener() as (listening, url):
        await server.startup([listening])
        with connected(url) as client:  # the event loop does not run meanwhile, and so accepts nothing
            client.sendall(LIVE)
            await server.shutdown([listening])
            received = receive(client)
    assert [(answer.status, answer.body) for answer in answers(received)] == [(200, b"served")]
