"""The command line."""

import argparse
import os
import sys
from collections.abc import Sequence

from graphql import GraphQLError

from gateway.commands import (
    export,
    invalidate,
    keys,
    migrate,
    model,
    probe,
    profile,
    run,
    schema,
    serve,
    setup,
    top,
    warm,
)
from gateway.observability.log_format import show_facts_of_commands
from gateway.settings import settings_table
from loaders.errors import GatewayError
from loaders.model.problems import ModelError

_COMMANDS = (run, serve, migrate, setup, invalidate, warm, export, keys, schema, model, top, probe, profile)
"""In the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. An expected error is one sentence, a line for each of a model's."""
    parsed = _parser().parse_args(arguments)
    show_facts_of_commands()
    try:
        status: int = parsed.command(parsed)
        sys.stdout.flush()
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    except (GatewayError, GraphQLError) as error:  # GraphQL's are of objects that a command loads
        message = error.message if isinstance(error, GraphQLError) else error
        print(f"gateway: {message}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output, such as `head`, has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # which Python flushes once more at the end
        return 141
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
    for command in _COMMANDS:
        command.add_to(commands)
    return parser
