"""`gateway run`: engines, data and the gateway on one's own machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from deploy import SAMPLE_MODEL
from gateway.commands.command import NotInstalledError, add_model_option, settings_of
from gateway.commands.serve import check_model_settings, check_settings
from gateway.served_model import load_served_model

if TYPE_CHECKING:
    import argparse

    from gateway.settings import Settings
    from loaders.model.model import Model

OPEN_DEFAULTS = {
    "model": SAMPLE_MODEL,
    "anonymous": "all",
    "graphiql": True,
    "introspection": True,
    "suggestions": True,
    "allowed_hosts": "localhost",
}
"""Settings of `gateway run` whose defaults differ from those of `gateway serve`: on one's own machine, nobody else
sends requests. A page whose host is made to lead to this machine would, so that only this machine's names are served.
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_run)
    add_model_option(parser, default="GATEWAY_MODEL, or a sample")


def _run(arguments: argparse.Namespace) -> int:
    try:
        from deploy.embedded.run import run
    except ImportError as error:
        raise NotInstalledError("run", error) from error
    settings = settings_of(arguments, OPEN_DEFAULTS)
    check_settings(settings)
    model = load_served_model(settings)
    check_model_settings(settings, model)
    for variable in _without_effect(settings, model):
        print(f"gateway: {variable} has no effect: `gateway run` starts databases of its own.", file=sys.stderr)
    return run(settings, model)


def _without_effect(settings: Settings, model: Model) -> list[str]:
    """Return the variables of the model's databases that are set."""
    return [each.variable for each in model.databases if settings.url(each.variable)]
