"""The generator of typed clients, in an environment of its own: it needs an older graphql-core than the gateway."""

import os
import subprocess
import sys
from pathlib import Path

from tests.client.readme import FOLDER
from tests.edge.conftest import leave_out

PROGRAMS = Path(sys.prefix) / "codegen" / "bin"


def run(folder: Path, *command: str | Path) -> str:
    """Return what the command prints. Where it fails, the test fails with its message."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FOLDER), "MYPYPATH": str(FOLDER)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def generate(folder: Path, schema: str, files: dict[str, str]) -> None:
    """Write the files beside the schema, and the package that is generated from them; skip without a generator."""
    if not PROGRAMS.exists():
        leave_out("ariadne-codegen is not installed: make .venv/codegen/stamp")
    for name, text in {"schema.graphql": schema, **files}.items():
        (folder / name).write_text(text)
    run(folder, PROGRAMS / "ariadne-codegen", "--config", "codegen.toml")


def check_types(folder: Path, *paths: str) -> None:
    """Check the types of these files and packages with mypy --strict."""
    run(folder, sys.executable, "-m", "mypy", "--strict", "--python-executable", PROGRAMS / "python", *paths)
