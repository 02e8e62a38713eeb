"""The command line."""

import argparse
import os
import sys
from collections.abc import Sequence

from graphql import GraphQLError

from gateway.commands.command import add_commands
from gateway.observability.log_format import show_facts_of_commands
from gateway.settings import settings_table
from loaders.errors import GatewayError
from loaders.model.problems import ModelError

_COMMANDS = {
    "run": "start PostgreSQL, ClickHouse and Valkey on this machine, set the model's data up, and serve",
    "serve": "serve a model over databases that exist, at the URLs of the settings",
    "migrate": "create or update the gateway's own tables",
    "setup": "create the model's tables and data in its databases, where the model says how and they are missing",
    "invalidate": "drop what is cached of objects, sections or tables, in every process",
    "warm": "fill the cache with what documents ask of objects",
    "export": "write the objects of one type of a model to standard output, a line of JSON each",
    "keys": "make, list and revoke API keys",
    "schema": "print the schema",
    "model": "write, check and document a model, and compare it with its databases",
    "top": "show what a running gateway does: sections and statements by time",
    "probe": "ask a gateway on a schedule, check its answers, and show how it does as metrics and a status page",
    "profile": "sample a running gateway and all its workers for a while, and write a flame graph",
}
"""The commands and their lines of help, in the order of the help."""


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
    add_commands(parser, "gateway.commands.", _COMMANDS)
    return parser
