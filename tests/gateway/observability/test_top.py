"""`gateway top` over the metrics port: once as text or JSON, and clear sentences where there is nothing to read."""

import json
import os
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from deploy.embedded.process import free_port
from gateway.cli import main
from gateway.observability.metrics_server import metrics_served
from tests.gateway.observability.expositions import AFTER, BEFORE, SECONDS


class Scripted(Collector):
    """Yields the scrape before to the first who asks, and the one after to all others."""

    def __init__(self) -> None:
        self.asked = 0

    def collect(self) -> Iterable[Metric]:
        self.asked += 1
        return text_string_to_metric_families(AFTER if self.asked > 1 else BEFORE)


@pytest.fixture
def url() -> Iterator[str]:
    """Where a gateway's metrics are, which change from the first scrape to the second."""
    with metrics_served("127.0.0.1", 0, Scripted()) as port:
        yield f"http://127.0.0.1:{port}/metrics"


def test_one_interval_is_printed_for_a_pipe(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--once", "--url", url, "--interval", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{url}, the last 0.")
    sections = lines.index("Sections by time of their statements")
    assert lines[sections + 2].split()[:3] == ["Aircraft.analysis.monthly", "90", "%"]
    assert lines[sections + 3].split()[:3] == ["Aircraft.record", "10", "%"]


def test_json_has_base_units_and_all_rows(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--json", "--rows", "1", "--url", url, "--interval", "0.01"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert 0 < report["seconds"] < SECONDS
    assert [section["time_ratio"] for section in report["sections"]] == [0.9, 0.1]
    assert report["gateway"][0]["in_flight"] == 4


def test_all_since_the_start_takes_one_scrape(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--json", "--since-start", "--url", url]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["seconds"] is None
    assert report["gateway"][0]["requests_per_second"] is None
    assert report["gateway"][0]["cached_ratio"] == pytest.approx(50 / 150)


def test_a_gateway_without_metrics_is_said_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}/metrics"
    assert main(["top", "--once", "--url", url]) == 1
    assert capsys.readouterr().err == (
        f"gateway: {url} gives no metrics. No connection can be made: Connection refused. Start the gateway with"
        " GATEWAY_METRICS_PORT, or name its address with --url.\n"
    )


@pytest.fixture
def other_url() -> Iterator[str]:
    """A server that is no gateway's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"/html": b"<html>", "/other": b"other_metric 1\n", "/probe": b"fuseway_probe_up 1\n"}.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's signature)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/html", "It answers something else."),
        ("/other", "Its metrics are no gateway's."),
        ("/probe", "Its metrics are no gateway's."),
        ("/missing", "It answers with status 404."),
    ],
)
def test_what_is_no_gateways_metrics_is_said(
    other_url: str, path: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["top", "--once", "--url", other_url + path]) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--url", "127.0.0.1:9464"], "--url must be a URL such as http://127.0.0.1:8000/graphql."),
        (["--url", "http://u:s3cret@x/"], "--url must have no user and no password in it"),
        (["--interval", "0"], "--interval must be more than 0"),
        (["--rows", "0"], "--rows must be 1 or more."),
    ],
)
def test_options_that_cannot_be_are_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["top", *arguments]) == 1
    told = capsys.readouterr().err
    assert sentence in told
    assert "s3cret" not in told


@pytest.mark.slow
def test_without_the_extra_the_text_is_refused_and_json_is_not(url: str) -> None:
    script = f"import sys; sys.modules['rich'] = None; from gateway.cli import main; sys.exit(main(['top', '--url', {url!r}, '--interval', '0.01', *sys.argv[1:]]))"
    text, report = (
        subprocess.run([sys.executable, "-c", script, option], capture_output=True, text=True, check=False)
        for option in ("--once", "--json")
    )
    assert (text.returncode, report.returncode) == (1, 0)
    assert text.stderr.startswith("gateway: `gateway top` needs the extra `top`, which is not installed (")


def _shown(terminal: int, text: bytes) -> bytes:
    """Return what a terminal was sent until it has the text."""
    sent = b""
    while text not in sent:
        assert select.select([terminal], [], [], 30)[0], sent
        sent += os.read(terminal, 65_536)
    return sent


@pytest.mark.slow
def test_a_terminal_shows_one_interval_after_the_other_and_a_gateway_that_is_away() -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (60, 160))
    with metrics_served("127.0.0.1", 0, Scripted()) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        command = [sys.executable, "-m", "gateway", "top", "--url", url, "--interval", "0.1"]
        process = subprocess.Popen(command, stdout=theirs, env=os.environ | {"TERM": "xterm"})
        os.close(theirs)
        assert b"Aircraft.analysis.monthly" in _shown(ours, b"Statements by time")
        _shown(ours, b"Statements by time")
    _shown(ours, b"No connection can be made")
    process.send_signal(signal.SIGINT)
    while process.poll() is None and select.select([ours], [], [], 30)[0]:
        try:
            os.read(ours, 65_536)
        except OSError:  # the terminal has no other end any more
            break
    assert process.wait(30) == 130
    os.close(ours)
