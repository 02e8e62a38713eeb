"""The README's typed client: generated from the schema and asked of the real gateway."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.readme import FOLDER, files
from tests.edge.conftest import leave_out

ROOT = FOLDER.parents[1]
GENERATOR = Path(sys.prefix) / "codegen" / "bin"
"""An environment of its own, since it needs an older graphql-core than the gateway."""


def _run(folder: Path, *command: str | Path) -> str:
    """What the command prints; fails with what it says where it fails."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FOLDER)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, gateway: str) -> Path:
    """The README's files beside the schema, and the package that is generated from them."""
    if not GENERATOR.exists():
        leave_out("ariadne-codegen is not installed: make .venv/codegen/stamp")
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    for name, code in files(gateway).items():
        (tmp_path / name).write_text(code)
    _run(tmp_path, GENERATOR / "ariadne-codegen", "--config", "codegen.toml")
    return tmp_path


def test_the_readmes_typed_client_is_generated_and_answered(folder: Path) -> None:
    flights = _run(folder, GENERATOR / "python", "app.py")
    assert flights == "N14228 37\n"
