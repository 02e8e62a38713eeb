"""Debian's Prometheus and Alertmanager with the shipped configuration, for the length of a block."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.servers import answers, running
from deploy.embedded.process import free_port

_DEPLOY: Final = Path(__file__).parents[1] / "deploy"
_TIMEOUT_S: Final = 30.0
_EVERY_S: Final = 15
"""How often Prometheus scrapes and evaluates, as shipped."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer: its labels without the metric's name, and its value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def query(self, expression: str) -> list[Sample]:
        """Return what an expression has now. Raises httpx.HTTPStatusError where Prometheus refuses it."""
        result = self._get("query", query=expression)
        if result["resultType"] == "scalar":
            return [Sample({}, float(result["result"][1]))]
        return [
            Sample(
                {name: value for name, value in item["metric"].items() if name != "__name__"}, float(item["value"][1])
            )
            for item in result["result"]
        ]

    def value(self, expression: str) -> float | None:
        """Return the one value of an expression; None where it has none, or one that is no number."""
        samples = self.query(expression)
        return samples[0].value if len(samples) == 1 and math.isfinite(samples[0].value) else None

    def targets(self) -> list[dict[str, Any]]:
        """Return the targets that are scraped, with their `health`."""
        active: list[dict[str, Any]] = self._get("targets")["activeTargets"]
        return active

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing."""
        alerts: list[dict[str, Any]] = self._get("alerts")["alerts"]
        return alerts

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        answer = _client().get(f"{self.url}/api/v1/{path}", params=parameters)
        answer.raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data


@cache
def _client() -> httpx.Client:
    """Return the client of all questions: it takes longer to make than they do."""
    return httpx.Client(timeout=_TIMEOUT_S)


@contextmanager
def running_prometheus(
    program: str,
    folder: Path,
    gateways: Sequence[str],
    *,
    alertmanagers: Sequence[str] = (),
    change_rules: Callable[[str], str] = str,
    every_s: int = _EVERY_S,
) -> Iterator[Prometheus]:
    """Prometheus before the ports of metrics of these gateways, each `host:port`; its files in the folder.

    Only the lists of targets take the place of the shipped ones, and `every_s` that of how often it scrapes and
    evaluates; `change_rules` may change the files of rules.
    """
    shipped = folder / "prometheus"
    shutil.copytree(_DEPLOY / "prometheus", shipped)
    configuration = shipped / "prometheus.yml"
    configuration.write_text(_in_place_of(configuration, f"interval: {_EVERY_S}s", f"interval: {every_s}s"))
    configuration.write_text(_in_place_of(configuration, "timeout: 10s", f"timeout: {min(10, every_s)}s"))
    _write_targets(shipped / "targets" / "gateways.yaml", gateways)
    _write_targets(shipped / "targets" / "alertmanagers.yaml", alertmanagers)
    for path in (shipped / "rules").iterdir():
        path.write_text(change_rules(path.read_text()))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log, running(command, lambda: answers(f"{url}/-/ready"), log=log):
        yield Prometheus(url)


def _in_place_of(path: Path, shipped: str, ours: str) -> str:
    """Return a file's text with another one in the place of a shipped one. Raises ValueError where it has no such."""
    text = path.read_text()
    if shipped not in text:
        raise ValueError(f"{path.name} has no {shipped!r}.")
    return text.replace(shipped, ours)


def _write_targets(path: Path, addresses: Sequence[str]) -> None:
    path.write_text(f"- targets: {list(addresses)}\n")


@contextmanager
def running_alertmanager(program: str, folder: Path, receiver: str) -> Iterator[str]:
    """Alertmanager that sends both kinds of alerts to a receiver, `host:port`, at once; yield its own address."""
    configuration = folder / "alertmanager.yml"
    shutil.copy(_DEPLOY / "alertmanager" / "alertmanager.yml", configuration)
    for name in ("pager", "tickets"):
        configuration.write_text(_in_place_of(configuration, f"{name}.example:8080/", f"{receiver}/{name}/"))
    configuration.write_text(_in_place_of(configuration, "group_wait: 30s", "group_wait: 0s"))
    address = f"127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",  # no others to gossip with
    ]
    ready = f"http://{address}/-/ready"
    with (folder / "alertmanager.log").open("wb") as log, running(command, lambda: answers(ready), log=log):
        yield address
