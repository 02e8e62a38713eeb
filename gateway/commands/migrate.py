"""`gateway migrate`: create or update the tables."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.commands.command import add_command, add_model_option, settings_of
from gateway.served_model import load_served_model
from gateway.stores import open_stores
from loaders.migrations import migrate, migrate_own

if TYPE_CHECKING:
    import argparse

    from gateway.commands.command import Commands
    from gateway.settings import Settings


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_model_option(add_command(commands, "migrate", _migrate, "create or update the tables of both stores"))


def _migrate(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    settings.require_stores()
    load_served_model(settings)
    applied = asyncio.run(_migrated(settings))
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")
    return 0


async def _migrated(settings: Settings) -> list[str]:
    async with open_stores(settings) as stores:
        applied = [] if stores.own is None else await migrate_own(stores.own)
        return applied + await migrate(stores.postgres, stores.clickhouse)
