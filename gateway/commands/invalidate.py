"""`gateway invalidate`: drop what is cached of objects, sections, or everything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.commands.command import add_command, add_model_option, settings_of
from gateway.served_model import load_served_model
from gateway.stores import open_redis
from loaders.cache.invalidation import Invalidator
from loaders.cached_sections import change_of
from loaders.errors import CallerError

if TYPE_CHECKING:
    import argparse

    from gateway.commands.command import Commands
    from gateway.settings import Settings
    from loaders.cache.invalidation import Change


def add_to(commands: Commands) -> None:
    """Add the command."""
    about = "have nothing served any more that was cached of these before"
    parser = add_command(commands, "invalidate", _invalidate, about)
    parser.add_argument("ids", nargs="*", metavar="TAIL_NUMBER", help="aircraft that have changed")
    parser.add_argument(
        "--section",
        action="append",
        default=[],
        metavar="NAME",
        help="a section, or a source, that has for all aircraft; may be repeated (without it: none)",
    )
    parser.add_argument("--everything", action="store_true", help="everything")
    add_model_option(parser)


def _invalidate(arguments: argparse.Namespace) -> int:
    if not (arguments.ids or arguments.section or arguments.everything):
        raise CallerError("Say what has changed: tail numbers, --section NAME, or --everything.")
    settings = settings_of(arguments)
    settings.require_stores()
    load_served_model(settings)
    change = change_of(arguments.ids, arguments.section, everything=arguments.everything)
    asyncio.run(_invalidated(settings, change))
    print("invalidated")
    return 0


async def _invalidated(settings: Settings, change: Change) -> None:
    async with open_redis(settings) as redis:
        await Invalidator(redis).invalidate(change)
