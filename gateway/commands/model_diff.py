"""`gateway model diff`: tell what has changed between two revisions of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.commands.command import settings_of
from gateway.commands.model_options import add_tool_options, report
from gateway.model_tools.model_changes import model_changes
from gateway.model_tools.revisions import is_file, snapshot_at, snapshot_now
from gateway.served_model import require_model

if TYPE_CHECKING:
    import argparse

    from gateway.model_tools.snapshot import Snapshot
    from gateway.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_tool_options(parser, _diff)
    revision = "a commit, branch or tag of git, or the file or folder of another model"
    parser.add_argument("old", metavar="OLD", help=f"the revision before: {revision}")
    parser.add_argument("new", metavar="NEW", nargs="?", help=f"{revision} (without it: the model as it is)")


def _diff(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    old = _snapshot(settings, arguments.old)
    new = snapshot_now(require_model(settings)) if arguments.new is None else _snapshot(settings, arguments.new)
    changes = model_changes(old, new)
    return report(arguments, [], "" if changes else "Nothing has changed in the API.", changes=changes)


def _snapshot(settings: Settings, revision: str) -> Snapshot:
    return snapshot_now(revision) if is_file(revision) else snapshot_at(revision, require_model(settings))
