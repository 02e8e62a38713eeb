"""A probe tells what came of each check, whatever the server does, and keeps asking."""

import asyncio
import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import orjson
import pytest
from prometheus_client import generate_latest
from starlette.requests import Request

from benchmarks.servers import wait_until
from deploy.embedded.process import free_port
from gateway.probe.checks import Check
from gateway.probe.history import History, HistoryError
from gateway.probe.metrics import ProbeMetrics
from gateway.probe.probe import Asker, Probe, open_client
from gateway.probe.serving import PublicPage
from gateway.probe.verdict import OUTCOMES, Verdict
from tests.gateway.probe.servers import Answer, scripted, sent

CHECK = Check("orders", "{ orders { id } }", every_s=1, timeout_s=0.5, variables={"ids": ["1"]})
GOOD = sent(b'{"data": {"orders": []}}')


async def _asked(url: str, credential: str = "", check: Check = CHECK) -> Verdict:
    async with open_client() as client:
        _, verdict = await Asker(client, url, credential).ask(check)
    return verdict


async def test_a_check_sends_its_operation_with_its_credential() -> None:
    with scripted(GOOD) as server:
        assert (await _asked(server.url, "fgk_key")).outcome == "ok"
        assert (await _asked(server.url)).outcome == "ok"
    (with_key, body), (without, _) = server.asked
    assert (with_key, without) == ("Bearer fgk_key", None)
    assert orjson.loads(body) == {"query": "{ orders { id } }", "variables": {"ids": ["1"]}}


def _hang(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.rfile.read(1)  # until the client gives up


def _break_off(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"data":')


def _flood(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(80):
            handler.wfile.write(b" " * (1 << 20))
    except OSError:
        pass  # the client has enough


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_hang, "timeout"),
        (_break_off, "unreachable"),
        (sent(b"<html>", 502), "status"),
        (sent(b"", 302), "status"),
        (sent(b'{"errors": [{"message": "x"}], "data": null}'), "errors"),
    ],
)
async def test_whatever_a_server_does_is_an_outcome(answer: Answer, outcome: str) -> None:
    with scripted(answer) as server:
        assert (await _asked(server.url)).outcome == outcome


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    with scripted(_flood) as server:
        slow = Check("orders", "{ a }", every_s=60, timeout_s=30)
        verdict = await _asked(server.url, check=slow)
    assert (verdict.outcome, verdict.reason) == ("invalid", "The answer has more than 67,108,864 bytes.")


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    verdict = await _asked(f"http://127.0.0.1:{free_port()}/graphql")
    assert verdict == Verdict("unreachable", "No connection can be made: Connection refused.")


async def _until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition)


def _metric(metrics: ProbeMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"check": "orders", **labels})


async def test_a_probe_goes_on_and_tells_history_metrics_and_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history, metrics = History(tmp_path / "history"), ProbeMetrics([CHECK])
    assert _metric(metrics, "fuseway_probe_up") is None
    assert {_metric(metrics, "fuseway_probe_checks_total", outcome=each) for each in OUTCOMES} == {0}
    with scripted(GOOD) as server, caplog.at_level(logging.WARNING):
        running = asyncio.create_task(Probe([CHECK], server.url, "", history, metrics).run())
        await _until(lambda: _metric(metrics, "fuseway_probe_up") == 1)
        server.answer = sent(b'{"data": {"s3cret": 1}, "errors": [{"message": "s3cret"}]}')
        await _until(lambda: _metric(metrics, "fuseway_probe_up") == 0)
        server.answer = GOOD
        await _until(lambda: _metric(metrics, "fuseway_probe_up") == 1)
        running.cancel()
        await asyncio.wait([running])
    assert (await history.latest())["orders"].outcome == "ok"
    history.close()
    assert [record.message for record in caplog.records] == [
        "The check orders fails (errors): The answer has 1 errors.",
        "The check orders passes again.",
    ]
    assert b"s3cret" not in generate_latest(metrics.registry) + (tmp_path / "history").read_bytes()


async def test_a_history_that_cannot_be_written_does_not_end_the_checks_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history, metrics = History(tmp_path / "history"), ProbeMetrics([CHECK])
    history.close()
    with scripted(GOOD) as server:
        running = asyncio.create_task(Probe([CHECK], server.url, "", history, metrics).run())
        await _until(lambda: (metrics.registry.get_sample_value("fuseway_probe_history_failures_total") or 0) >= 2)
        running.cancel()
        await asyncio.wait([running])
    (message,) = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert message.startswith("Results are lost to the history until it can be written again: ")
    with pytest.raises(HistoryError):
        await history.latest()


async def test_visitors_of_a_page_without_a_history_share_one_answer_and_one_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(tmp_path / "history")
    history.close()
    page, request = PublicPage("Shop", [CHECK], history), Request({"type": "http"})
    assert [(await page(request)).status_code for _ in range(3)] == [503] * 3
    assert [record.name for record in caplog.records if record.levelno == logging.ERROR] == ["gateway.probe"]
