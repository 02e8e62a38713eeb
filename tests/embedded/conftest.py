"""A ClickHouse to test against: the server of CLICKHOUSE_URL, or the embedded one, started for these tests."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import clickhouse_connect
import httpx
import pytest
import pytest_asyncio
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

from deploy.embedded import clickhouse
from deploy.embedded.directory import DataDirectory
from deploy.embedded.process import Spawner


@dataclass(frozen=True, slots=True)
class Server:
    """A ClickHouse server and how to log in."""

    url: str

    @property
    def base_url(self) -> str:
        """The URL without user, password and database."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port}"

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password."""
        parts = urlsplit(self.url)
        return parts.username or "default", parts.password or ""

    @property
    def database(self) -> str:
        """The database of the URL."""
        return urlsplit(self.url).path.strip("/") or "default"


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    started = Spawner()
    yield started
    started.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if url := os.environ.get("CLICKHOUSE_URL"):
        yield Server(url)
        return
    data = DataDirectory(tmp_path_factory.mktemp("clickhouse"))
    spawner = Spawner()
    engine, url = clickhouse.start(data, spawner)
    yield Server(url)
    engine.stop()
    spawner.close()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[Client]:
    with clickhouse_connect.get_client(dsn=server.url, dedicated_pool=True) as connected:
        yield connected


@pytest_asyncio.fixture(scope="session")
async def async_client(server: Server) -> AsyncIterator[AsyncClient]:
    async with await clickhouse_connect.get_async_client(dsn=server.url) as connected:
        yield connected


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    params = {"database": server.database}
    with httpx.Client(base_url=server.base_url, auth=server.credentials, params=params, timeout=30) as connected:
        yield connected


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """An empty table of a number, a nullable text and a date."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    client.command(f"create table {name} (a UInt32, b Nullable(String), c Date) engine = MergeTree order by a")
    yield name
    client.command(f"drop table if exists {name}")
