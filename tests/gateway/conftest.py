"""The real gateway over the sample, and folders of GraphiQL's for tests to change."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from gateway.graphiql import build
from tests.conftest import Stores

SOURCE = Path(build.__file__).parent
START_TIMEOUT_S = 30.0


@pytest.fixture(scope="session")
def gateway_url(store_urls: StoreUrls, sample_stores: Stores) -> Iterator[str]:  # noqa: ARG001 - loaded before it serves
    """`gateway serve` in a process of its own; without a slash at the end."""
    with served(store_urls) as url:
        yield url


def environment_of(urls: StoreUrls) -> dict[str, str]:
    """The settings that name the stores."""
    return {"DATABASE_URL": urls.database_url, "CLICKHOUSE_URL": urls.clickhouse_url, "REDIS_URL": urls.redis_url}


@contextmanager
def served(urls: StoreUrls, **settings: str) -> Iterator[str]:
    """`gateway serve` over these stores, for the length of the block; its URL without a slash at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | environment_of(urls) | {"GATEWAY_PORT": str(port)}
    command = [sys.executable, "-m", "gateway", "serve"]
    process = subprocess.Popen(command, env=environment | settings, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(START_TIMEOUT_S)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/livez", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"The gateway did not serve at {url}.")


@pytest.fixture
def unbuilt(tmp_path: Path) -> Path:
    """A copy of the sources in a package of their own, as after a fresh checkout."""
    directory = tmp_path / "gateway" / "graphiql"
    shutil.copytree(SOURCE, directory, ignore=shutil.ignore_patterns("assets", "node_modules", "__pycache__"))
    (tmp_path / "gateway" / "__init__.py").touch()
    return directory


@pytest.fixture
def built(unbuilt: Path) -> Path:
    """The same with a finished build of one script and one style sheet."""
    assets = unbuilt / "assets"
    (assets / "hashed").mkdir(parents=True)
    (assets / "hashed" / "graphiql-AAAA.js").write_text("export {};")
    (assets / "hashed" / "graphiql-BBBB.css").write_text("body {}")
    (assets / "manifest.json").write_text('{"script": "graphiql-AAAA.js", "style": "graphiql-BBBB.css"}')
    return unbuilt
