"""`gateway migrate`: create or update the gateway's own tables."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.commands.command import add_model_option, settings_of
from gateway.served_model import load_served_model
from gateway.setting import SettingsError
from gateway.stores import open_own
from loaders.migrations import migrate_own

if TYPE_CHECKING:
    import argparse

    from gateway.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_migrate)
    add_model_option(parser)


def _migrate(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    load_served_model(settings)
    applied = asyncio.run(_migrated_own(settings))
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")
    return 0


async def _migrated_own(settings: Settings) -> list[str]:
    """Migrate the gateway's own tables alone: those of a model belong to whoever owns its databases."""
    async with open_own(settings) as own:
        if own is None:
            raise SettingsError("GATEWAY_DATABASE_URL is missing: it holds the gateway's own tables.")
        return await migrate_own(own)
