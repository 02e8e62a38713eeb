"""Revisions of a model: files as they are, or as they were in a commit of git."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from gateway.model_tools.snapshot import Snapshot, read_snapshot
from loaders.errors import GatewayError

_TIMEOUT_S = 120.0


class RevisionError(GatewayError):
    """A revision of a model that is not there, or is no model."""


def snapshot_at(revision: str, model: str) -> Snapshot:
    """Return the snapshot of a model's revision.

    It is a file or folder, another model then; or a commit, branch or tag of git, in which the model lies where it does
    now. Raises RevisionError where there is no such revision, or its model has mistakes.
    """
    path, _, variable = revision.partition(":")
    if Path(path).exists():
        return _snapshot(revision, revision)
    place, _, variable = model.partition(":")
    file = _file_of(place)
    top = Path(_git(file.parent, "rev-parse", "--show-toplevel").decode().strip())
    commit = _git(file.parent, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="fuseway-model-") as folder:
        archive = _git(top, "archive", "--format=tar", commit.decode().strip())
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        then = Path(folder).resolve() / file.relative_to(top.resolve())
        if not then.exists():
            raise RevisionError(f"{file.relative_to(top.resolve())} is not in {revision}: name another revision.")
        return _snapshot(f"{then}:{variable}" if variable else str(then), revision, _top_folder(then))


def snapshot_now(model: str) -> Snapshot:
    """Return the snapshot of a model as it is. Raises RevisionError where it has mistakes."""
    return _snapshot(model, model)


def _file_of(model: str) -> Path:
    """Return the file of a model that is named as a file, a folder or a module."""
    path = Path(model)
    if path.is_dir():
        path /= "model.py"
    if path.is_file():
        return path.resolve()
    sys.path.append(str(Path.cwd()))
    try:
        spec = importlib.util.find_spec(model)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise RevisionError(f"{model} is neither a module nor a file: name one, such as shop.model or shop/model.py.")
    return Path(spec.origin).resolve()


def _top_folder(file: Path) -> Path:
    """Return the folder that a file's package lies in."""
    folder = file.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def _snapshot(target: str, revision: str, *roots: Path) -> Snapshot:
    command = [sys.executable, "-P", "-m", "gateway.model_tools.snapshot", target, *map(str, roots)]
    result = _run(command, Path.cwd())
    if result.returncode:
        lines = result.stderr.decode(errors="replace").strip()
        raise RevisionError(f"the model at {revision} cannot be loaded:\n{lines}")
    return read_snapshot(result.stdout.decode().splitlines()[-1])  # a model may print while it is imported


def _git(folder: Path, *arguments: str) -> bytes:
    result = _run(["git", *arguments], folder)
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip() or "there is no such file, folder, commit, branch or tag"
        raise RevisionError(f"git {arguments[0]} {arguments[-1]}: {said}.")
    return result.stdout


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"{command[0]} cannot be run: {error}.") from error
