"""An alert reaches who it is for, by Prometheus and Alertmanager as they are shipped, but for their waits."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.prometheus import running_alertmanager, running_prometheus
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from tests.conftest import Stores
from tests.deploy.programs import program
from tests.gateway.conftest import served

pytestmark = pytest.mark.deploy

_PATIENCE_S: Final = 150.0
_EVERY_S: Final = 2
"""How often Prometheus scrapes and evaluates."""


class Receiver:
    """Takes what Alertmanager sends, as a pager's webhook would."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []
        """Path and body of each."""
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def alerts(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Return path and content of each time that an alert was told as firing."""
        told = [(path, alert) for path, message in self.messages for alert in message["alerts"]]
        return [item for item in told if item[1]["labels"]["alertname"] == name and item[1]["status"] == "firing"]

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take messages in the block."""
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def wait_until(condition: Callable[[], object]) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.2)


def at_once(rules: str) -> str:
    """Return the rules with alerts that fire as soon as they are true."""
    return re.sub(r"(?m)^( +)for: \w+$", r"\1for: 0s", rules)


def gone(receiver: Receiver) -> bool:
    """Return whether it was told that no gateway of the job is left; before the first scrape, there is no job."""
    return any("job" in alert["labels"] for _, alert in receiver.alerts("FusewayGatewaysAbsent"))


def test_a_gateway_that_has_gone_is_told_to_who_it_is_for(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
    tmp_path: Path,
) -> None:
    binaries = program("prometheus"), program("prometheus-alertmanager")
    receiver, port = Receiver(), free_port()
    with ExitStack() as stack:
        stack.enter_context(receiver.listening())
        alertmanager = stack.enter_context(running_alertmanager(binaries[1], tmp_path, receiver.address))
        gateway = ExitStack()
        stack.push(gateway)
        gateway.enter_context(served(store_urls, GATEWAY_METRICS_PORT=str(port)))
        prometheus = stack.enter_context(
            running_prometheus(
                binaries[0],
                tmp_path,
                [f"127.0.0.1:{port}"],
                alertmanagers=[alertmanager],
                change_rules=at_once,
                every_s=_EVERY_S,
            )
        )
        wait_until(lambda: prometheus.value("count(fuseway_build_info)") == 1)
        assert all(item["labels"]["alertname"] != "FusewayGatewayDown" for item in prometheus.alerts())
        gateway.close()
        wait_until(lambda: receiver.alerts("FusewayGatewayDown") and gone(receiver))
    assert {path for path, _ in receiver.alerts("FusewayGatewaysAbsent")} == {"/pager/fuseway"}
    ((path, alert),) = receiver.alerts("FusewayGatewayDown")
    assert path == "/tickets/fuseway"
    assert alert["labels"]["instance"] == f"127.0.0.1:{port}"
    assert alert["annotations"]["runbook_url"] == "docs/operations.md#fusewaygatewaydown"
    assert f"127.0.0.1:{port}" in alert["annotations"]["summary"]


def test_only_the_waits_of_alerts_are_shortened() -> None:
    text = "      - alert: A\n        for: 2m\n        annotations:\n          summary: waits for: 2m\n"
    assert at_once(text) == text.replace("\n        for: 2m", "\n        for: 0s")
