"""`gateway invalidate`: drop what is cached of objects, sections, tables, a tenant, or everything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.commands.command import add_model_option, add_tenant_option, settings_of
from gateway.served_model import load_served_model
from gateway.stores import open_redis
from loaders.cache.invalidation import Invalidator
from loaders.errors import CallerError
from loaders.objects.invalidation import Invalidation
from resolvers.object_types import SEPARATOR

if TYPE_CHECKING:
    import argparse

    from gateway.settings import Settings
    from loaders.cache.invalidation import Change
    from loaders.model.model import Model


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_invalidate)
    parser.add_argument("ids", nargs="*", metavar="OBJECT", help="objects that have changed, as Type:key")
    parser.add_argument(
        "--section",
        action="append",
        default=[],
        metavar="NAME",
        help="a section that has changed for all objects, such as Customer.usage; may be repeated (without it: none)",
    )
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="NAME",
        help="a table of the model that has changed, such as shop.customers; may be repeated (without it: none)",
    )
    parser.add_argument("--everything", action="store_true", help="everything")
    add_tenant_option(parser)
    add_model_option(parser)


def _invalidate(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    model = load_served_model(settings)
    change = _change(model, arguments)
    settings.require("redis_url")
    asyncio.run(_invalidated(settings, change))
    print("invalidated")
    return 0


def _change(model: Model, arguments: argparse.Namespace) -> Change:
    """Return the change of what is cached for one tenant, or for all of them without --tenant where that can be."""
    if not (arguments.ids or arguments.section or arguments.table or arguments.everything or arguments.tenant):
        raise CallerError("Say what has changed: Type:key, --section, --table, --tenant or --everything.")
    keys: dict[str, list[str]] = {}
    for each in arguments.ids:
        type_name, separator, key = each.partition(SEPARATOR)
        if not separator:
            raise CallerError(f"{each[:100]!r} names no type: write Type:key, such as {next(iter(model.objects))}:42.")
        keys.setdefault(type_name, []).append(key)
    return Invalidation(model).change_of(
        keys,
        sections=arguments.section,
        tables=arguments.table,
        tenant=arguments.tenant,
        everything=arguments.everything,
    )


async def _invalidated(settings: Settings, change: Change) -> None:
    async with open_redis(settings) as redis:
        await Invalidator(redis).invalidate(change)
