"""`gateway probe`: ask a gateway on a schedule, and say openly how it does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.http_client import require_http_url
from gateway.observability.log_setup import configure_logging
from gateway.observability.metrics_server import metrics_served
from gateway.probe.checks import MAX_EVERY_S, MAX_TIMEOUT_S, Schedule, read_checks
from gateway.probe.history import History
from gateway.probe.metrics import ProbeMetrics
from gateway.probe.probe import Asker, Probe, open_client
from gateway.probe.serving import PublicPage, serve_probe
from gateway.server import bind
from gateway.settings import Settings
from loaders.errors import CallerError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from gateway.probe.checks import Check

_MAX_PORT = 65_535


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_probe)
    parser.add_argument("checks", type=Path, metavar="CHECKS", help="a folder of .graphql files, or a manifest (.toml)")
    parser.add_argument("--url", default="http://127.0.0.1:8000/graphql", help="what to ask (%(default)s)")
    parser.add_argument("--once", action="store_true", help="run each check once and print the results: 1 if any fails")
    parser.add_argument(
        "--every", type=float, default=60.0, metavar="S", help="seconds between two runs of a check (%(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=10.0, metavar="S", help="seconds until an answer is too late (%(default)s)"
    )
    parser.add_argument(
        "--history",
        type=Path,
        default=Path("probe.sqlite"),
        metavar="FILE",
        help="where 90 days of results are kept (%(default)s)",
    )
    parser.add_argument("--title", default="Status", help="title of the status page (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address of the status page (%(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port of the status page (%(default)s)")
    parser.add_argument(
        "--metrics-host", default="127.0.0.1", metavar="HOST", help="address of the metrics (%(default)s)"
    )
    parser.add_argument(
        "--metrics-port", type=int, default=9465, metavar="PORT", help="port of the metrics (%(default)s)"
    )


def _probe(arguments: argparse.Namespace) -> int:
    require_http_url(arguments.url, "--url")
    for option, maximum in (("every", MAX_EVERY_S), ("timeout", MAX_TIMEOUT_S)):
        if not 0 < getattr(arguments, option) <= maximum:
            raise CallerError(f"--{option} must be more than 0 and at most {maximum:,g} seconds.")
    checks = read_checks(arguments.checks, Schedule(arguments.every, arguments.timeout))
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    if arguments.once:
        return asyncio.run(_once(checks, arguments.url, settings.probe_credential))
    _serve(arguments, checks, settings.probe_credential)
    return 0


async def _once(checks: Sequence[Check], url: str, credential: str) -> int:
    """Print a line for each check, in order, and return the exit status."""
    async with open_client() as client:
        asker = Asker(client, url, credential)
        runs = [await asker.ask(check) for check in checks]
    for result, verdict in runs:
        print(f"{result.name}: {verdict.outcome}, {result.duration_s * 1_000:,.0f} ms. {verdict.reason}".rstrip())
    return 0 if all(result.is_ok for result, _ in runs) else 1


def _serve(arguments: argparse.Namespace, checks: Sequence[Check], credential: str) -> None:
    """Run the checks and serve until a signal comes."""
    for option in ("port", "metrics_port"):
        if not 0 < getattr(arguments, option) <= _MAX_PORT:
            raise CallerError(f"--{option.replace('_', '-')} must be from 1 to {_MAX_PORT}.")
    if arguments.port == arguments.metrics_port:
        raise CallerError("--port and --metrics-port must differ: the page is public, and the metrics are not.")
    history, metrics = History(arguments.history), ProbeMetrics(checks)
    probe = Probe(checks, arguments.url, credential, history, metrics)
    names = "--metrics-port (or --metrics-host)"
    try:
        with (
            bind(arguments.host, arguments.port, host_name="--host", port_name="--port") as bound,
            metrics_served(arguments.metrics_host, arguments.metrics_port, metrics.registry, names=names),
        ):
            serve_probe(probe, bound, PublicPage(arguments.title, checks, history))
    finally:
        history.close()
