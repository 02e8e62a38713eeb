"""`gateway setup`: create a model's tables and data where the model says how."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.commands.command import add_model_option, settings_of
from gateway.databases import database_urls
from gateway.served_model import load_served_model
from gateway.stores import open_databases
from loaders.errors import CallerError
from loaders.model.loading import load_set_up

if TYPE_CHECKING:
    import argparse

    from gateway.settings import Settings
    from loaders.model.model import Model


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_setup)
    add_model_option(parser)


def _setup(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    model = load_served_model(settings)
    database_urls(settings, model.databases)
    asyncio.run(set_up(settings, model))
    return 0


async def set_up(settings: Settings, model: Model) -> str | None:
    """Call the model's set-up with connections that may write, and return the key of a tenant if it does.

    Raises CallerError for a model without one.
    """
    function = load_set_up(model)
    if function is None:
        raise CallerError(f"The model {model.name} says no setup=: its databases are filled by whoever owns them.")
    async with open_databases(settings, model.databases, only_reads=False) as databases:
        return await function(databases)
