"""The parts that the commands of `gateway model` share: their output, and what their exit statuses mean."""

from __future__ import annotations

import json
import sys
from functools import wraps
from typing import TYPE_CHECKING

from gateway.commands.command import add_model_option
from gateway.model_tools.changes import change_annotation, change_json, change_text, changes_summary
from gateway.model_tools.problem_texts import github_annotation, ordered, problem_json, problem_text, summary
from gateway.settings import in_github_actions
from loaders.errors import GatewayError
from loaders.model.problems import ModelError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from gateway.model_tools.changes import Change
    from loaders.model.problems import Problem

GOOD, WRONG, UNKNOWN = 0, 1, 2
"""The exit statuses: nothing is wrong, something is, or it could not be found out."""
STATUSES = "exit status: 0 where nothing is wrong, 1 where something is, 2 where it could not be found out"


def add_tool_options(parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int]) -> None:
    """Make it the parser of a command that tells what is wrong, with the options of its output and of the model.

    What it raises is its output too: mistakes of a model are status 1, and any other error of the gateway's is 2.
    """
    parser.set_defaults(command=_with_statuses(command))
    parser.epilog = STATUSES
    parser.add_argument("--strict", action="store_true", help="fail at warnings too")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument(
        "--github",
        action="store_true",
        help="print annotations of GitHub's workflows too, as is done anyway where GITHUB_ACTIONS is set",
    )
    add_model_option(parser)


def report(
    arguments: argparse.Namespace,
    problems: Iterable[Problem],
    good: str,
    *,
    changes: Sequence[Change] = (),
    note: str = "",
) -> int:
    """Print problems and changes as the options say, and return the exit status.

    `good` is the last line where there is no problem, and a `note` stands in the text behind that or the summary.
    Errors and breaking changes are wrong; warnings and dangerous changes are with `--strict`.
    """
    items = ordered(problems)
    worst = min([*(int(item.severity) for item in items), *(int(change.level) for change in changes)], default=2)
    if arguments.json:
        content = {
            "problems": [problem_json(problem) for problem in items],
            "changes": [change_json(change) for change in changes],
        }
        print(json.dumps(content, indent=2))
    else:
        lines = [*map(change_text, changes), changes_summary(changes), *map(problem_text, items)]
        lines += [summary(items) or good, note]
        print("\n".join(filter(None, lines)))
        if arguments.github or in_github_actions():
            print("\n".join([*map(change_annotation, changes), *map(github_annotation, items)]))
    return WRONG if worst < (2 if arguments.strict else 1) else GOOD


def _with_statuses(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    @wraps(command)
    def run(arguments: argparse.Namespace) -> int:
        try:
            return command(arguments)
        except ModelError as error:
            return report(arguments, error.problems, "")
        except GatewayError as error:
            print(f"gateway: {error}", file=sys.stderr)
            return UNKNOWN

    return run
