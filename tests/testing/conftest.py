"""Projects of strangers, with a model and tests of their own, which runs of pytest below this one test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from deploy.embedded.engines import StoreUrls

collect_ignore = ["library"]
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


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A project with the library's model in a package, and its team's tests beside it."""
    project = tmp_path / "project"
    shutil.copytree(LIBRARY, project / "library", ignore=shutil.ignore_patterns("__pycache__", "test_*"))
    shutil.copy(LIBRARY / "test_library.py", project)
    (project / "conftest.py").write_text(CONFTEST)
    (project / "pytest.ini").write_text("[pytest]\nfuseway_model = library/model.py\nfilterwarnings = error\n")
    return project


@pytest.fixture
def run_pytest(store_urls: StoreUrls) -> Run:
    """Call it with a project and arguments for a run of pytest there, over the engines of this run."""

    def run(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-P",
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-p",
            "no:asyncio",
            *arguments,
        ]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GATEWAY_"))}
        known = {**clean, "ENGINES": json.dumps(asdict(store_urls)), **environment}
        return subprocess.run(command, env=known, cwd=project, capture_output=True, text=True, timeout=300)

    return run
