"""`gateway model pull`: write what the databases have to the model's lock file, and tell what has changed there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.catalogs import read_model_catalogs
from gateway.commands.command import settings_of
from gateway.commands.model_options import add_tool_options, report
from gateway.model_tools.database_changes import database_changes
from gateway.model_tools.missing_tables import missing_tables
from gateway.served_model import load_served_model
from loaders.catalog.lock_file import LockFileError, is_written, lock_path, lock_text, read_lock
from loaders.model.places import Place
from loaders.model.problems import Problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path

    from gateway.model_tools.changes import Change
    from loaders.catalog.catalog import DatabaseCatalog
    from loaders.model.model import Model


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_tool_options(parser, _pull)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, and fail where the lock file is not what would be written"
    )


def _pull(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    model = load_served_model(settings)
    path = lock_path(model)
    catalogs = asyncio.run(read_model_catalogs(settings, model))
    text = lock_text(catalogs.values())
    is_current = is_written(path, text)
    changes = [] if is_current else _changes(model, path, catalogs.values())
    problems = list(missing_tables(model, catalogs))
    if not is_current and arguments.check:
        message = "is not what the databases have: run gateway model pull, and commit the file."
        problems.append(Problem(Place(str(path)), path.name, message))
    elif not is_current:
        _write(path, text)
    return report(arguments, problems, f"{path.name} is {'current' if is_current else 'written'}.", changes=changes)


def _changes(model: Model, path: Path, catalogs: Iterable[DatabaseCatalog]) -> list[Change]:
    """Return what has changed since the lock file was written; nothing where it is not there, or is no lock file."""
    try:
        old = read_lock(path)
    except LockFileError:  # such as one with the marks of a merge, which is written anew
        return []
    return [] if old is None else database_changes(model, old, catalogs)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LockFileError(f"{path} cannot be written: {error}.") from error
