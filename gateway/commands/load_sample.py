"""`gateway load-sample`: load the sample fleet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.commands.command import NotInstalledError, add_command
from gateway.settings import Settings

if TYPE_CHECKING:
    import argparse

    from gateway.commands.command import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_command(commands, "load-sample", _load_sample, "load the sample fleet into both stores")


def _load_sample(_arguments: argparse.Namespace) -> int:
    try:
        from deploy.sample.prepare import prepare
    except ImportError as error:
        raise NotInstalledError("load-sample", error) from error
    settings = Settings.from_environment()
    settings.require_stores()
    asyncio.run(prepare(settings))
    return 0
