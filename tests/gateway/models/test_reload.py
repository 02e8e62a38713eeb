"""`gateway serve --reload`: each good version of a model is served, and the last good one while it is wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from benchmarks.servers import answers, wait_until
from deploy.embedded.process import free_port
from gateway.reload import is_good
from tests.gateway.models.conftest import Analytics

MODEL = Path(__file__).parents[3] / "deploy" / "analytics" / "model.py"


def started(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("w") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


async def test_each_good_version_is_served_and_the_last_one_meanwhile(analytics: Analytics, tmp_path: Path) -> None:
    text = MODEL.read_text()
    file, log, port = tmp_path / "model.py", tmp_path / "log", free_port()
    file.write_text(text)
    url, headers = f"http://127.0.0.1:{port}", await analytics.key(0)

    def ask(field: str) -> object:
        query = {"query": f"{{ workspace {{ {field} }} }}"}
        try:
            return (
                httpx.post(f"{url}/graphql", json=query, headers=headers, timeout=10, verify=False).json().get("data")
            )
        except httpx.TransportError:
            return None  # it is being started

    def until(condition: Callable[[], bool]) -> asyncio.Future[None]:
        return asyncio.ensure_future(asyncio.to_thread(wait_until, condition))

    environment = {
        **os.environ,
        **dict(analytics.settings["named_urls"]),
        "GATEWAY_DATABASE_URL": analytics.new.database_url,
        "REDIS_URL": analytics.redis_url,
        "GATEWAY_PORT": str(port),
    }
    command = [sys.executable, "-m", "gateway", "serve", "--reload", "--model", str(file)]
    process = started(command, environment, log)
    try:
        await until(lambda: answers(f"{url}/readyz"))
        assert await asyncio.to_thread(ask, "name") == {"workspace": {"name": "Workspace 1"}}
        file.write_text(text.replace("    name: str\n", "    name: Sting\n", 1))
        await until(lambda: "The last good model is served" in log.read_text())
        assert "Workspace.name: Sting names Sting" in log.read_text()
        assert await asyncio.to_thread(ask, "name") == {"workspace": {"name": "Workspace 1"}}
        file.write_text(text.replace("    name: str\n", '    title: str = m.column("name")\n', 1))
        await until(lambda: ask("title") == {"workspace": {"title": "Workspace 1"}})
        assert await asyncio.to_thread(ask, "name") is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert not answers(f"{url}/livez")


async def test_a_server_that_cannot_start_ends_it(analytics: Analytics, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL.read_text())
    environment = {**os.environ, **dict(analytics.settings["named_urls"]), "REDIS_URL": ""}
    command = [sys.executable, "-m", "gateway", "serve", "--reload", "--model", str(tmp_path / "model.py")]
    process = started(command, environment, tmp_path / "log")
    assert await asyncio.to_thread(process.wait, 60) == 1
    assert (tmp_path / "log").read_text().startswith("gateway: REDIS_URL is missing")


@pytest.mark.slow
def test_a_version_that_never_ends_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.py").write_text("while True:\n    pass\n")
    monkeypatch.setenv("GATEWAY_MODEL", str(tmp_path / "model.py"))
    assert not is_good(within_s=3)
    assert capfd.readouterr().err == (
        "The model takes longer than 3 s to be loaded.\nThe last good model is served until these are corrected.\n"
    )
