"""The command line."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.auth import commands as key_commands
from gateway.auth.authentication import Policy
from gateway.http.cors_settings import parse_headers, parse_origins
from gateway.http.hosts import parse_allowed_hosts
from gateway.http.paths import parse_root_path
from gateway.persisted import Persisted
from gateway.schema import build_schema
from gateway.server import listen, serve
from gateway.settings import Settings, settings_table
from gateway.stores import open_cached_stores, open_redis, open_stores
from gateway.trusted_proxies import TrustedProxies
from gateway.warm import all_ids, bar, documents, warm
from loaders.cache.invalidation import Change, Invalidator
from loaders.cached_sections import change_of
from loaders.errors import CallerError, GatewayError
from loaders.migrations import migrate

SCHEMA_FILE = Path("schema.graphql")


_ON_ONES_OWN = {
    "anonymous": "all",
    "graphiql": True,
    "introspection": True,
    "suggestions": True,
    "allowed_hosts": "localhost",
}
"""What `gateway run` opens and `gateway serve` does not: on one's own machine, nobody else asks. A page whose host is
made to lead to this machine would: it is answered for the machine's own names alone."""


class NotInstalledError(GatewayError):
    """A command needs packages that are an extra of the installation."""

    def __init__(self, command: str, missing: ImportError) -> None:
        super().__init__(f"`gateway {command}` needs the extra `embedded`, which is not installed ({missing}).")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. What goes wrong on purpose is one sentence and status 1."""
    asked = _parser().parse_args(arguments)
    try:
        status: int = asked.command(asked)
    except GatewayError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gateway",
        description="A GraphQL gateway over PostgreSQL, ClickHouse and Redis. Settings come from the environment.",
        epilog=f"settings:\n{settings_table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _command(commands, "run", _run, "start three engines on this machine, load the sample fleet, and serve")
    _command(commands, "serve", _serve, "serve over the stores of DATABASE_URL, CLICKHOUSE_URL and REDIS_URL")
    _command(commands, "migrate", _migrate, "create or update the tables of both stores")
    _command(commands, "load-sample", _load_sample, "load the sample fleet into both stores")
    invalidate = _command(
        commands, "invalidate", _invalidate, "have nothing served any more that was cached of these before"
    )
    invalidate.add_argument("ids", nargs="*", metavar="TAIL_NUMBER", help="aircraft that have changed")
    invalidate.add_argument(
        "--section",
        action="append",
        default=[],
        metavar="NAME",
        help="a section, or a source, that has for all aircraft; may be repeated (without it: none)",
    )
    invalidate.add_argument("--everything", action="store_true", help="everything")
    warm = _command(commands, "warm", _warm, "fill the cache with what documents ask of aircraft")
    warm.add_argument("documents", nargs="+", type=Path, metavar="DOCUMENT", help="files, or folders of .graphql files")
    warm.add_argument("--ids", type=Path, metavar="FILE", help="tail numbers, one a line (without it: all aircraft)")
    warm.add_argument("--rate", type=float, default=1_000, metavar="N", help="aircraft a second at most (%(default)s)")
    key_commands.add_to(commands)
    schema = _command(commands, "schema", _schema, "print the schema")
    schema.add_argument("--write", action="store_true", help=f"write it to {SCHEMA_FILE} instead")
    schema.add_argument("--check", action="store_true", help=f"fail when {SCHEMA_FILE} differs from it")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(command=command)
    return parser


def _run(_asked: argparse.Namespace) -> int:
    try:
        from deploy.embedded.run import run
    except ImportError as error:
        raise NotInstalledError("run", error) from error
    settings = Settings.from_environment(defaults=_ON_ONES_OWN)
    _check(settings)
    return run(settings)


def _check(settings: Settings) -> None:
    """Of files and rules that settings name, before anything is started, and once rather than in each worker."""
    Policy.of(settings)
    Persisted.of(settings)
    TrustedProxies.parse(settings.trusted_proxies)
    parse_origins(settings.cors_origins)
    parse_headers(settings.cors_headers)
    parse_root_path(settings.root_path)
    parse_allowed_hosts(settings.allowed_hosts)
    for warning in settings.warnings():
        print(f"gateway: {warning}", file=sys.stderr)


def _serve(_asked: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    settings.require_stores()
    _check(settings)
    with listen(settings.host, settings.port) as listening:
        asyncio.run(_reach(settings))
        serve(settings, listening)
    return 0


async def _reach(settings: Settings) -> None:
    """End the start with a sentence where a store is away, rather than each worker with a traceback."""
    async with open_stores(settings):
        pass


def _migrate(_asked: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    settings.require_stores()
    applied = asyncio.run(_migrated(settings))
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")
    return 0


async def _migrated(settings: Settings) -> list[str]:
    async with open_stores(settings) as stores:
        return await migrate(stores.postgres, stores.clickhouse)


def _load_sample(_asked: argparse.Namespace) -> int:
    try:
        from deploy.sample.prepare import prepare
    except ImportError as error:
        raise NotInstalledError("load-sample", error) from error
    settings = Settings.from_environment()
    settings.require_stores()
    asyncio.run(prepare(settings))
    return 0


def _invalidate(asked: argparse.Namespace) -> int:
    if not (asked.ids or asked.section or asked.everything):
        raise CallerError("Say what has changed: tail numbers, --section NAME, or --everything.")
    settings = Settings.from_environment()
    settings.require_stores()
    change = change_of(asked.ids, asked.section, everything=asked.everything)
    asyncio.run(_invalidated(settings, change))
    print("invalidated")
    return 0


async def _invalidated(settings: Settings, change: Change) -> None:
    async with open_redis(settings) as redis:
        await Invalidator(redis).invalidate(change)


def _warm(asked: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    settings.require_stores()
    if not asked.rate > 0:
        raise CallerError("--rate must be more than nothing.")
    errors = asyncio.run(_warmed(settings, documents(asked.documents), asked))
    for error in errors:
        print(f"gateway: {error}", file=sys.stderr)
    return 1 if errors else 0


async def _warmed(settings: Settings, texts: Sequence[str], asked: argparse.Namespace) -> list[str]:
    async with open_cached_stores(settings, listens=False) as stores:
        try:
            ids = asked.ids.read_text().split() if asked.ids else await all_ids(stores)
        except (OSError, UnicodeDecodeError) as error:
            raise CallerError(f"{asked.ids} cannot be read: {error}") from error
        return await warm(stores, texts, ids, per_s=asked.rate, progress=bar)


def _schema(asked: argparse.Namespace) -> int:
    text = build_schema().as_str() + "\n"
    if asked.write:
        SCHEMA_FILE.write_text(text)
    elif not asked.check:
        print(text, end="")
    elif not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text() != text:
        print(f"gateway: {SCHEMA_FILE} is not what the code says: run `make schema`.", file=sys.stderr)
        return 1
    return 0
