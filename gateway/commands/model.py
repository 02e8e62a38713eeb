"""`gateway model`: commands for the author of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.commands.command import add_commands

if TYPE_CHECKING:
    import argparse

_COMMANDS = {
    "new": "write a model package over tables of running databases; it asks for what no option says, on a terminal",
    "check": "tell all that is wrong with a model, by itself and against its lock file, without its databases",
    "pull": "write what the databases have of the model's tables to its lock file, and tell what has changed there",
    "diff": "tell what has changed in the API between two revisions of a model: breaking, dangerous and safe",
    "docs": "write the documentation of a model, as Markdown or HTML",
}
"""The commands below `model` and their lines of help, in the order of the help."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands below `model`."""
    parser.description = "Commands for the author of a model."
    add_commands(parser, "gateway.commands.model_", _COMMANDS)
