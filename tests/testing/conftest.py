"""Projects of strangers, with a model and tests of their own, which runs of pytest below this one test."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

from deploy.embedded.engines import StoreUrls
from fuseway.testing import ModelDatabases
from fuseway.testing.databases import new_databases
from fuseway.testing.model_session import ModelSession
from loaders.model.loading import load_model
from tests.conftest import Stores

collect_ignore = ["library"]
FLEET, ANALYTICS = "deploy.fleet.model", "deploy.analytics.model"
LIBRARY = Path(__file__).parent / "library"
CONFTEST = """
import json, os
import pytest
from deploy.embedded.engines import StoreUrls

@pytest.fixture(scope="session")
def fuseway_engines():
    return StoreUrls(**json.loads(os.environ["ENGINES"]))
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
async def fuseway_sessions(
    store_urls: StoreUrls, sample_stores: Stores
) -> AsyncIterator[Callable[[str], ModelSession]]:
    """The sample models: the fleet over its sample, which is only read, and analytics over databases of its own."""
    assert sample_stores
    fleet = load_model(FLEET)
    urls = {"DATABASE_URL": store_urls.database_url, "CLICKHOUSE_URL": store_urls.clickhouse_url}
    analytics = load_model(ANALYTICS)
    databases = await asyncio.to_thread(new_databases, analytics, store_urls)
    sessions = {
        FLEET: ModelSession(fleet, ModelDatabases(urls, store_urls.redis_url, is_existing=True)),
        ANALYTICS: ModelSession(analytics, databases),
    }
    yield sessions.__getitem__
    for session in sessions.values():
        await asyncio.to_thread(session.close)


def library_project(folder: Path) -> Path:
    """Return a new project with the library's model in a package, and its team's tests beside it."""
    project = folder / "project"
    shutil.copytree(LIBRARY, project / "library", ignore=shutil.ignore_patterns("__pycache__", "test_*"))
    shutil.copy(LIBRARY / "test_library.py", project)
    (project / "conftest.py").write_text(CONFTEST)
    (project / "pytest.ini").write_text("[pytest]\nfuseway_model = library/model.py\nfilterwarnings = error\n")
    return project


def run_pytest_with(
    python: str | Path, urls: StoreUrls, project: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the tests of a project by an interpreter, over these engines."""
    off = [option for name in ("cacheprovider", "xdist", "asyncio") for option in ("-p", f"no:{name}")]
    command = [str(python), "-P", "-m", "pytest", *off, *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GATEWAY_"))}
    known = {**clean, "ENGINES": json.dumps(asdict(urls)), **environment}
    return subprocess.run(command, env=known, cwd=project, capture_output=True, text=True, timeout=300)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A project with the library's model and its team's tests."""
    return library_project(tmp_path)


@pytest.fixture
def run_pytest(store_urls: StoreUrls) -> Run:
    """Call it with a project and arguments for a run of pytest there, over the engines of this run."""
    return partial(run_pytest_with, sys.executable, store_urls)
