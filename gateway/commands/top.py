"""`gateway top`: what a running gateway does, in a terminal."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import orjson

from gateway.commands.command import NotInstalledError
from gateway.http_client import HTTPClient, UnreachableError, require_http_url
from gateway.observability.scrape import EMPTY, Interval, InvalidExpositionError, Scrape
from gateway.observability.status_tables import status_tables
from gateway.server import ALL_ADDRESSES
from gateway.settings import Settings
from loaders.errors import CallerError, GatewayError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from gateway.observability.table import Table
    from gateway.observability.terminal import Terminal

_PORT = 9464
"""The port of metrics in the files that the gateway is shipped with."""
_REQUESTS = "fuseway_http_requests_total"
"""A metric that each gateway has from its start; those of a probe begin with `fuseway_`, too."""
_TIMEOUT_S = 5.0
_MAX_BYTES = 64 << 20
_MAX_INTERVAL_S = 3_600.0


class NoMetricsError(GatewayError):
    """No metrics were read. The message says why, and what to do."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(
            f"{url} gives no metrics. {reason} Start the gateway with GATEWAY_METRICS_PORT, or name its address with"
            " --url."
        )


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_top)
    parser.add_argument(
        "--url", help=f"address of the metrics (without it: GATEWAY_METRICS_PORT of this machine, or its port {_PORT})"
    )
    parser.add_argument(
        "--interval", type=float, default=2.0, metavar="S", help="seconds from one scrape to the next (%(default)s)"
    )
    parser.add_argument("--rows", type=int, default=10, metavar="N", help="rows of a table at most (%(default)s)")
    parser.add_argument("--once", action="store_true", help="print the tables of one interval, and end")
    parser.add_argument("--json", action="store_true", help="the same as JSON, in base units and with all rows")
    parser.add_argument(
        "--since-start", action="store_true", help="all since the gateway started, in the place of an interval"
    )


def _top(arguments: argparse.Namespace) -> int:
    arguments.url = _own_url() if arguments.url is None else require_http_url(arguments.url, "--url")
    if not 0 < arguments.interval <= _MAX_INTERVAL_S:
        raise CallerError(f"--interval must be more than 0 and at most {_MAX_INTERVAL_S:,.0f} seconds.")
    if arguments.rows < 1:
        raise CallerError("--rows must be 1 or more.")
    if arguments.json:
        interval = asyncio.run(_one_interval(arguments))
        print(_json(interval, status_tables(interval)))
        return 0
    terminal = _terminal()
    if arguments.once or not sys.stdout.isatty():
        interval = asyncio.run(_one_interval(arguments))
        terminal.write(_heading(arguments.url, interval), _first(status_tables(interval), arguments.rows))
        return 0
    asyncio.run(_watch(arguments, terminal))
    return 0


def _own_url() -> str:
    """Return where a gateway with these settings serves its metrics on this machine."""
    settings = Settings.from_environment()
    host = settings.metrics_host or settings.host
    host = "127.0.0.1" if host in ALL_ADDRESSES else f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.metrics_port or _PORT}/metrics"


def _terminal() -> Terminal:
    try:
        from gateway.observability.terminal import Terminal
    except ImportError as error:
        raise NotInstalledError("top", error, extra="top") from error
    return Terminal()


async def _one_interval(arguments: argparse.Namespace) -> Interval:
    async with HTTPClient(timeout_s=_TIMEOUT_S, max_bytes=_MAX_BYTES) as client:
        before = await _scrape(client, arguments.url)
        if arguments.since_start:
            return Interval(EMPTY, before)
        await asyncio.sleep(arguments.interval)
        return Interval(before, await _scrape(client, arguments.url))


async def _watch(arguments: argparse.Namespace, terminal: Terminal) -> None:
    """Show one interval after the other. A gateway that was there and is away for a time is said so."""
    async with HTTPClient(timeout_s=_TIMEOUT_S, max_bytes=_MAX_BYTES) as client:
        before = EMPTY if arguments.since_start else await _scrape(client, arguments.url)
        with terminal.live() as show:
            while True:
                await asyncio.sleep(arguments.interval)
                try:
                    interval = Interval(before, await _scrape(client, arguments.url))
                except NoMetricsError as error:
                    show(str(error), [])
                    continue
                show(_heading(arguments.url, interval), _first(status_tables(interval), arguments.rows))
                if not arguments.since_start:
                    before = interval.after


async def _scrape(client: HTTPClient, url: str) -> Scrape:
    """Return the gateway's metrics. Raises NoMetricsError."""
    try:
        answer = await client.get(url)
        if answer.status != 200:
            raise NoMetricsError(url, f"It answers with status {answer.status}.")
        scrape = Scrape.parse(answer.body.decode(), time.monotonic())
    except (UnreachableError, InvalidExpositionError, UnicodeDecodeError) as error:
        raise NoMetricsError(url, error if isinstance(error, UnreachableError) else "It answers something else.") from (
            error
        )
    if _REQUESTS not in scrape.samples:
        raise NoMetricsError(url, "Its metrics are no gateway's.")
    return scrape


def _heading(url: str, interval: Interval) -> str:
    length = "since the gateway started" if interval.seconds is None else f"the last {interval.seconds:.1f} s"
    return f"{url}, {length}"


def _first(tables: Sequence[Table], rows: int) -> list[Table]:
    return [table.first(rows) for table in tables]


def _json(interval: Interval, tables: Sequence[Table]) -> str:
    report = {"seconds": interval.seconds, **{table.name: table.records() for table in tables}}
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()
