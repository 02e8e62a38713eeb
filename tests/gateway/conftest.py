"""The real gateway over the sample, and folders of GraphiQL's for tests to change."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext

from benchmarks.servers import answers, running
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway.graphiql import build
from tests.conftest import Stores
from tests.gateway.browser import launched_chromium, leave_out
from tests.gateway.command_line import CommandResult, run_command

SOURCE = Path(build.__file__).parent


@pytest.fixture(scope="session")
def gateway_url(store_urls: StoreUrls, sample_stores: Stores) -> Iterator[str]:  # noqa: ARG001 - loaded before it serves
    """`gateway serve` in a process of its own; without a slash at the end."""
    with served(store_urls) as url:
        yield url


OPEN = {
    "GATEWAY_ANONYMOUS": "all",
    "GATEWAY_GRAPHIQL": "true",
    "GATEWAY_INTROSPECTION": "true",
    "GATEWAY_SUGGESTIONS": "true",
    "GATEWAY_RATE_COST_PER_MINUTE": "1000000000",
}
"""The settings that `gateway run` opens, and a budget for all tests, which ask from one address."""


def environment_of(urls: StoreUrls) -> dict[str, str]:
    """The settings that name the stores."""
    return {"DATABASE_URL": urls.database_url, "CLICKHOUSE_URL": urls.clickhouse_url, "REDIS_URL": urls.redis_url}


def invalidate(urls: StoreUrls, *arguments: str) -> CommandResult:
    """Run `gateway invalidate` over these stores."""
    return run_command("invalidate", *arguments, environment=os.environ | environment_of(urls))


@contextmanager
def served(urls: StoreUrls, log: IO[bytes] | None = None, /, **settings: str) -> Iterator[str]:
    """`gateway serve` over these stores, for the length of the block; its URL without a slash at the end.

    What it logs goes to `log`.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gateway", "serve"]
    environment = {**environment_of(urls), **OPEN, "GATEWAY_PORT": str(port), **settings}
    with running(command, lambda: answers(f"{url}/livez"), environment, log):
        yield url


@pytest.fixture(scope="module")
def strict_url(store_urls: StoreUrls) -> Iterator[str]:
    """A gateway whose heads may have 4 KiB, 20 headers and 60 s."""
    settings = {"GATEWAY_MAX_HEAD_KIB": "4", "GATEWAY_MAX_HEADERS": "20", "GATEWAY_HEAD_TIMEOUT_S": "60"}
    with served(store_urls, None, **settings) as url:
        yield url


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


@pytest.fixture(scope="session")
def own_copy() -> None:
    """GraphiQL built with npm, as the gateway serves it."""
    if not build.ensure_built():
        leave_out("GraphiQL's own copy is not built: npm or its packages cannot be had")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with launched_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A browser without a history."""
    context = await chromium.new_context(viewport={"width": 1400, "height": 900})
    yield context
    await context.close()
