"""`gateway run`: engines, data and the gateway on one's own machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.auth.authentication import Policy
from gateway.commands.command import NotInstalledError, add_command, add_model_option, settings_of
from gateway.commands.serve import check_settings
from gateway.served_model import FLEET, load_served_model

if TYPE_CHECKING:
    import argparse

    from gateway.commands.command import Commands

OPEN_DEFAULTS = {
    "model": FLEET,
    "anonymous": "all",
    "graphiql": True,
    "introspection": True,
    "suggestions": True,
    "allowed_hosts": "localhost",
}
"""Settings of `gateway run` whose defaults differ from those of `gateway serve`: on one's own machine, nobody else
sends requests. A page whose host is made to lead to this machine would, so that only this machine's names are served.
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    about = "start PostgreSQL, ClickHouse and Valkey on this machine, set the model's data up, and serve"
    add_model_option(add_command(commands, "run", _run, about), default="GATEWAY_MODEL, or the sample fleet")


def _run(arguments: argparse.Namespace) -> int:
    try:
        from deploy.embedded.run import run
    except ImportError as error:
        raise NotInstalledError("run", error) from error
    settings = settings_of(arguments, OPEN_DEFAULTS)
    check_settings(settings)
    Policy.of(settings, load_served_model(settings))
    return run(settings)
