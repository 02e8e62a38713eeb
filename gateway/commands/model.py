"""`gateway model`: commands for the author of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.commands import model_check, model_diff, model_docs, model_new, model_pull

if TYPE_CHECKING:
    from gateway.commands.command import Commands

_COMMANDS = (model_new, model_check, model_pull, model_diff, model_docs)
"""In the order of the help."""


def add_to(commands: Commands) -> None:
    """Add `model` and its commands."""
    model = commands.add_parser(
        "model",
        help="write, check and document a model, and compare it with its databases",
        description="Commands for the author of a model.",
    )
    below = model.add_subparsers(required=True, metavar="command")
    for command in _COMMANDS:
        command.add_to(below)
