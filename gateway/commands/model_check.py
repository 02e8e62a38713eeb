"""`gateway model check`: tell all that is wrong with a model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.catalogs import catalogs_of
from gateway.commands.command import settings_of
from gateway.commands.model_options import add_tool_options, report
from gateway.model_tools.checks import catalog_problems, problems_of_small_tables
from gateway.model_tools.ignored_warnings import IgnoredWarnings
from gateway.model_tools.live.check import live_problems
from gateway.model_tools.problem_texts import counted, untold
from gateway.model_tools.scope_slips import scope_slips
from gateway.model_tools.warning_codes import WarningCode, warning
from gateway.schema import build_schema
from gateway.served_model import load_served_model
from gateway.stores import open_databases
from loaders.catalog.lock_file import lock_path, read_lock
from loaders.model.places import Place

if TYPE_CHECKING:
    import argparse

    from gateway.settings import Settings
    from loaders.model.model import Model
    from loaders.model.problems import Problem


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_tool_options(parser, _check)
    parser.add_argument(
        "--live",
        action="store_true",
        help="take the databases at the URLs of the settings in the place of the lock file, and have them prepare and"
        " explain each statement, without answering it",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        choices=[code.value for code in WarningCode],
        metavar="CODE",
        help="tell no warning of this code; may be repeated (without it: none)",
    )


def _check(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    model = load_served_model(settings)
    build_schema(model)  # which descriptions= needs to be looked at
    problems, hidden = asyncio.run(_live_problems(settings, model)) if arguments.live else (_lock_problems(model), [])
    problems = [*scope_slips(model), *problems]
    ignored = IgnoredWarnings.of(model, arguments.ignore)
    kept = ignored.kept(problems)
    note = _note(len(problems) - len(kept), len(ignored.kept(hidden)))
    kept += ignored.kept(ignored.unused([*problems, *hidden], is_live=arguments.live))
    objects, tables = counted(len(model.objects), "object type"), counted(len(model.tables), "table")
    good = f"The model {model.name} is good: {objects}, {tables}."
    return report(arguments, kept, good, note=note)


def _note(ignored: int, of_small_tables: int) -> str:
    """Return what is not told: what the author ignores, and warnings of indexes that few rows do not need."""
    notes = [f"{counted(ignored, 'warning')} ignored."] if ignored else []
    if of_small_tables:
        notes.append(
            f"{counted(of_small_tables, 'warning')} of indexes not shown, since the tables are small:"
            " gateway model check shows all."
        )
    return "\n".join(notes)


def _lock_problems(model: Model) -> list[Problem]:
    """Return what is wrong with a model against its lock file; a warning where there is none."""
    path = lock_path(model)
    catalogs = read_lock(path)
    if catalogs is None:
        message = (
            f"there is no {path.name} beside it, so that its tables and columns were not looked at: write it with"
            " gateway model pull, and commit it."
        )
        return [warning(Place(str(model.file)), "Model", message, WarningCode.NO_LOCK_FILE)]
    return catalog_problems(model, catalogs)


async def _live_problems(settings: Settings, model: Model) -> tuple[list[Problem], list[Problem]]:
    """Return what is wrong with a model in its databases, and the warnings that small tables do not need.

    What they say of a statement hides what a catalog does.
    """
    async with open_databases(settings, model.databases) as databases:
        problems = await live_problems(model, databases)
        catalogs = await catalogs_of(model, databases)
    small = problems_of_small_tables(model, catalogs.values())
    return [*problems, *untold(catalog_problems(model, catalogs.values(), is_live=True), problems)], small
