"""`gateway model diff`: tell what has changed between two revisions of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.commands.command import settings_of
from gateway.commands.model_options import add_tool, report
from gateway.model_tools.model_changes import model_changes
from gateway.model_tools.revisions import snapshot_at, snapshot_now
from gateway.served_model import require_model

if TYPE_CHECKING:
    import argparse

    from gateway.commands.command import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    about = "tell what has changed in the API between two revisions of a model: breaking, dangerous and safe"
    parser = add_tool(commands, "diff", _diff, about)
    revision = "a commit, branch or tag of git, or the file or folder of another model"
    parser.add_argument("old", metavar="OLD", help=f"the revision before: {revision}")
    parser.add_argument("new", metavar="NEW", nargs="?", help=f"{revision} (without it: the model as it is)")


def _diff(arguments: argparse.Namespace) -> int:
    model = require_model(settings_of(arguments))
    old = snapshot_at(arguments.old, model)
    new = snapshot_now(model) if arguments.new is None else snapshot_at(arguments.new, model)
    changes = model_changes(old, new)
    return report(arguments, [], "" if changes else "Nothing has changed in the API.", changes=changes)
