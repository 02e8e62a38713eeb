"""`gateway model check`: tell all that is wrong with a model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.commands.command import settings_of
from gateway.commands.model_options import add_tool, report
from gateway.model_tools.live.check import live_problems
from gateway.served_model import load_served_model
from gateway.stores import open_databases

if TYPE_CHECKING:
    import argparse

    from gateway.commands.command import Commands
    from gateway.settings import Settings
    from loaders.model.model import Model
    from loaders.model.problems import Problem


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_tool(commands, "check", _check, "tell all that is wrong with a model, without its databases")
    parser.add_argument(
        "--live",
        action="store_true",
        help="have the databases at the URLs of the settings prepare and explain each statement, and execute none",
    )


def _check(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    model = load_served_model(settings)
    problems: list[Problem] = []
    if arguments.live:
        problems += asyncio.run(_live_problems(settings, model))
    good = f"The model {model.name} is good: {len(model.objects)} object types, {len(model.tables)} tables."
    return report(arguments, problems, good)


async def _live_problems(settings: Settings, model: Model) -> list[Problem]:
    async with open_databases(settings, model.databases) as databases:
        return await live_problems(model, databases)
