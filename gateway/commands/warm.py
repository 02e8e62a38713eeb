"""`gateway warm`: fill the cache before requests come."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.commands.command import add_command, add_model_option, settings_of
from gateway.served_model import load_served_model
from gateway.stores import open_cached_stores
from gateway.warm import all_ids, bar, documents, warm
from loaders.errors import CallerError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from gateway.commands.command import Commands
    from gateway.settings import Settings


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "warm", _warm, "fill the cache with what documents ask of aircraft")
    parser.add_argument(
        "documents", nargs="+", type=Path, metavar="DOCUMENT", help="files, or folders of .graphql files"
    )
    parser.add_argument("--ids", type=Path, metavar="FILE", help="tail numbers, one a line (without it: all aircraft)")
    parser.add_argument(
        "--rate", type=float, default=1_000, metavar="N", help="aircraft a second at most (%(default)s)"
    )
    add_model_option(parser)


def _warm(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    settings.require_stores()
    load_served_model(settings)
    if not arguments.rate > 0:
        raise CallerError("--rate must be more than nothing.")
    ids = None if arguments.ids is None else _ids_of(arguments.ids)
    errors = asyncio.run(_warmed(settings, documents(arguments.documents), ids, arguments.rate))
    for error in errors:
        print(f"gateway: {error}", file=sys.stderr)
    return 1 if errors else 0


def _ids_of(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError(f"{file} cannot be read: {error}") from error


async def _warmed(settings: Settings, texts: Sequence[str], ids: Sequence[str] | None, rate: float) -> list[str]:
    async with open_cached_stores(settings, listens=False) as stores:
        return await warm(stores, texts, await all_ids(stores) if ids is None else ids, per_s=rate, progress=bar)
