"""`gateway serve`: serve over stores that exist."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from gateway.auth.authentication import Policy
from gateway.commands.command import add_model_option, settings_of
from gateway.databases import require_urls
from gateway.http.cors_settings import parse_headers, parse_origins
from gateway.http.hosts import parse_allowed_hosts
from gateway.http.paths import parse_root_path
from gateway.observability.log_format import JSON
from gateway.observability.log_setup import configure_logging
from gateway.observability.trace_settings import check_tracing
from gateway.persisted import Persisted
from gateway.reload import serve_and_reload
from gateway.served_model import load_served_model
from gateway.server import bind, serve
from gateway.setting import SettingsError
from gateway.startup import reach_stores
from gateway.trusted_proxies import TrustedProxies

if TYPE_CHECKING:
    import argparse

    from gateway.settings import Settings
    from loaders.model.model import Model


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_serve)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--reload", action="store_true", help="serve each good version of the model's files")
    ways.add_argument(
        "--strict", action="store_true", help="refuse to start where a database lacks what the model names"
    )
    add_model_option(parser)


def _serve(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    check_settings(settings)
    if settings.log_format == JSON:  # from the first line on, before there are workers
        configure_logging(settings.log_level, settings.log_format)
    if arguments.reload:
        return serve_and_reload(settings)
    model = load_served_model(settings)
    require_urls(settings, model)
    check_model_settings(settings, model)
    with bind(settings.host, settings.port) as bound:
        asyncio.run(reach_stores(settings, model, is_strict=arguments.strict))
        serve(settings, bound, model)
    return 0


def check_model_settings(settings: Settings, model: Model) -> None:
    """Check settings that depend on the model."""
    Policy.of(settings, model)
    if settings.warm_documents and model.tenant is not None:
        raise SettingsError(
            "GATEWAY_WARM_DOCUMENTS cannot be set for a model with tenants: run `gateway warm --tenant KEY` for each."
        )


def check_settings(settings: Settings) -> None:
    """Check files and rules that settings name, before anything is started, and once rather than in each worker."""
    Persisted.of(settings)
    TrustedProxies.parse(settings.trusted_proxies)
    parse_origins(settings.cors_origins)
    parse_headers(settings.cors_headers)
    parse_root_path(settings.root_path)
    parse_allowed_hosts(settings.allowed_hosts)
    check_tracing(settings)
    for warning in settings.warnings():
        print(f"gateway: {warning}", file=sys.stderr)
