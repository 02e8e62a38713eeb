"""A gateway over engines and a sample of its own, for the length of a measurement."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.embedded.engines import EmbeddedEngines
from deploy.sample.prepare import prepare
from gateway.settings import Settings

START_TIMEOUT_S = 60.0


@contextmanager
def served_gateway() -> Iterator[str]:
    """The URL of a gateway in a process of its own, with the sample loaded."""
    with tempfile.TemporaryDirectory(prefix="fleet-gateway-bench-") as folder, _engines(Path(folder)) as environment:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"], env=environment, stdout=subprocess.DEVNULL
        )
        url = f"http://127.0.0.1:{environment['GATEWAY_PORT']}"
        try:
            _wait_for(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(START_TIMEOUT_S)


@contextmanager
def _engines(folder: Path) -> Iterator[dict[str, str]]:
    engines = EmbeddedEngines(folder)
    try:
        urls = engines.start()
        stores = {"DATABASE_URL": urls.database_url, "CLICKHOUSE_URL": urls.clickhouse_url, "REDIS_URL": urls.redis_url}
        asyncio.run(prepare(Settings.from_environment(stores)))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        yield os.environ | stores | {"GATEWAY_PORT": str(port)}
    finally:
        engines.stop()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"The gateway did not serve at {url}.")
