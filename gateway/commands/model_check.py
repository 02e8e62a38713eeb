"""`gateway model check`: tell all that is wrong with a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.commands.command import settings_of
from gateway.commands.model_options import add_tool, report
from gateway.served_model import load_served_model

if TYPE_CHECKING:
    import argparse

    from gateway.commands.command import Commands
    from loaders.model.problems import Problem


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_tool(commands, "check", _check, "tell all that is wrong with a model, without its databases")


def _check(arguments: argparse.Namespace) -> int:
    model = load_served_model(settings_of(arguments))
    problems: list[Problem] = []
    good = f"The model {model.name} is good: {len(model.objects)} object types, {len(model.tables)} tables."
    return report(arguments, problems, good)
