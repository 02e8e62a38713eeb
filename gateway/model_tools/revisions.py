"""Revisions of a model: files as they are, or as they were in a commit of git."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from gateway.model_tools.snapshot import Snapshot, read_snapshot
from loaders.errors import GatewayError

_TIMEOUT_S = 120.0
_MAX_SHOWN = 200
"""Characters of a revision that a message shows."""


class RevisionError(GatewayError):
    """A revision of a model that is not there, or is no model."""


def is_file(revision: str) -> bool:
    """Return whether a revision is a file or folder, another model then."""
    return _exists(Path(revision.partition(":")[0]))


def snapshot_at(revision: str, model: str) -> Snapshot:
    """Return the snapshot of a model in a commit, branch or tag of git, in which it lies where it does now.

    Raises RevisionError where there is no such revision, or its model has mistakes.
    """
    place, _, variable = model.partition(":")
    file = _file_of(place)
    top = Path(_git(file.parent, "rev-parse", "--show-toplevel").decode().strip())
    commit = _git(file.parent, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="fuseway-model-") as folder:
        _extract(top, commit.decode().strip(), Path(folder))
        then = Path(folder).resolve() / file.relative_to(top.resolve())
        if not then.exists():
            raise RevisionError(f"{file.relative_to(top.resolve())} is not in {revision}: name another revision.")
        return _snapshot(f"{then}:{variable}" if variable else str(then), revision, _top_folder(then))


def snapshot_now(model: str) -> Snapshot:
    """Return the snapshot of a model as it is. Raises RevisionError where it has mistakes."""
    return _snapshot(model, model)


def _extract(top: Path, commit: str, folder: Path) -> None:
    """Write the files of a commit to a folder, but for links that lead out of it."""
    with tempfile.NamedTemporaryFile(prefix="fuseway-model-", suffix=".tar") as archive:
        _git(top, "archive", "--format=tar", f"--output={archive.name}", commit)
        try:
            with tarfile.open(archive.name) as files:
                files.extractall(folder, filter=_inside)  # noqa: S202 - the filter is that of `data`
        except (OSError, tarfile.TarError) as error:
            raise RevisionError(f"the files of {commit} cannot be written to {folder}: {error}.") from error


def _inside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # its name is too long, or its folder may not be read
        return False


def _file_of(model: str) -> Path:
    """Return the file of a model that is named as a file, a folder or a module."""
    path = Path(model)
    if _exists(path):
        path = path / "model.py" if path.is_dir() else path
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
    with tempfile.TemporaryDirectory(prefix="fuseway-model-") as folder:
        output = Path(folder) / "snapshot.json"
        command = [sys.executable, "-P", "-m", "gateway.model_tools.snapshot", str(output), target, *map(str, roots)]
        result = _run(command, Path.cwd())
        if result.returncode or not output.exists():
            lines = result.stderr.decode(errors="replace").strip() or "it ends the process while it is imported"
            raise RevisionError(f"the model at {revision} cannot be loaded:\n{lines}")
        return read_snapshot(output.read_text(encoding="utf-8"))


def _git(folder: Path, *arguments: str) -> bytes:
    result = _run(["git", *arguments], folder)
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip() or "there is no such file, folder, commit, branch or tag"
        raise RevisionError(f"git {arguments[0]} {arguments[-1][:_MAX_SHOWN]}: {said}.")
    return result.stdout


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"{command[0]} cannot be run: {error}.") from error
