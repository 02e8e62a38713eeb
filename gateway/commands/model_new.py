"""`gateway model new`: write a model package over tables of running databases."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.catalogs import read_catalogs
from gateway.databases import with_urls
from gateway.model_tools.new_package import PackageExistsError, next_steps, require_folder, write_package
from gateway.model_tools.new_sources import databases_of, read_sample_keys
from gateway.model_tools.scaffold.package import DASHBOARD, scaffold
from gateway.model_tools.scaffold.python_text import shown
from gateway.model_tools.scaffold.questions import NewOptions, complete
from gateway.settings import Settings
from loaders.errors import CallerError
from loaders.model.loading import load_model
from loaders.model.names import is_model_name

if TYPE_CHECKING:
    import argparse

    from gateway.model_tools.scaffold.package import ModelPackage
    from gateway.model_tools.scaffold.questions import Ask
    from loaders.catalog.sample_keys import SampleKeys


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_new)
    parser.add_argument("folder", nargs="?", help="where the package is written, such as shop (without it: asked)")
    _add_databases(parser)
    _add_tables(parser)
    _add_tenant(parser)
    _add_clickhouse(parser)
    parser.add_argument("--force", action="store_true", help="write over files that are there and differ")


def _add_databases(parser: argparse.ArgumentParser) -> None:
    without = "(without it: those of the settings, such as DATABASE_URL and CLICKHOUSE_CRM_URL)"
    for option, product in (("--postgres", "PostgreSQL"), ("--clickhouse", "ClickHouse")):
        parser.add_argument(
            option,
            action="append",
            default=[],
            metavar="[NAME=]URL",
            help=f"a {product}, with the name that the model gives it if it has several; may be repeated {without}",
        )


def _add_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="the model's name (without it: that of the folder)")
    for option, metavar, what in (
        ("--table", "PATTERN", "tables of the model, such as shop.orders or shop.*"),
        ("--schema", "NAME", "a schema all of whose tables are the model's"),
        ("--without", "PATTERN", "tables that are not the model's, although others of its options match them"),
    ):
        parser.add_argument(
            option, action="append", default=[], metavar=metavar, help=f"{what}; may be repeated (without it: none)"
        )
    parser.add_argument("--all", action="store_true", help="all tables are the model's")
    parser.add_argument(
        "--zone",
        help="the time zone of times that PostgreSQL keeps without one, such as UTC; none leaves them out (without it:"
        " asked)",
    )


def _add_tenant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", metavar="COLUMN", help="the column that holds the tenant (without it: asked)")
    parser.add_argument("--claim", help="the claim of a token that says the tenant (without it: that of the column)")
    parser.add_argument("--no-tenant", action="store_true", help="all rows are everyone's")
    parser.add_argument(
        "--everyone",
        action="append",
        default=[],
        metavar="PATTERN",
        help="tables that every tenant may read; may be repeated (without it: none)",
    )


def _add_clickhouse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--object",
        action="append",
        default=[],
        metavar="TABLE=COLUMN",
        help="the key of a table without a primary key, or of one of ClickHouse whose rows are objects; may be"
        " repeated (without it: none)",
    )
    parser.add_argument(
        "--section",
        action="append",
        default=[],
        metavar="TABLE.COLUMN=OTHER",
        help="a table of ClickHouse whose rows are summed up for each row of another; may be repeated (without it:"
        " asked)",
    )
    parser.add_argument("--yes", action="store_true", help="take what fits tables of ClickHouse, without questions")


def _new(arguments: argparse.Namespace) -> int:
    ask = _ask if sys.stdin.isatty() else None
    _refuse_contradictions(arguments)
    settings = Settings.from_environment()
    databases = databases_of(settings, arguments.postgres, arguments.clickhouse)
    folder = Path(_folder(arguments.folder, ask))
    options = _options(arguments, folder)
    require_folder(folder)
    catalogs = list(asyncio.run(read_catalogs(with_urls(settings, databases), databases)).values())
    choices = complete(options, catalogs, ask)
    package = scaffold(catalogs, choices)
    try:
        write_package(folder, package, catalogs, overwrites=arguments.force)
    except PackageExistsError as error:
        if ask is None or ask(f"{error}\nWrite over them (y/N)? ").strip().lower() not in ("y", "yes"):
            raise
        write_package(folder, package, catalogs, overwrites=True)
    kind = package.example.kind
    tenant = package.plan.tenants.of_tables[kind.table].column if choices.tenant is not None else ""
    keys = asyncio.run(read_sample_keys(settings, databases, kind.table, kind.key, tenant))
    _write_variables(folder, package, keys)
    if keys is None:
        print(f"No keys of {kind.table} were read in time: write some into {folder / DASHBOARD}.json.", file=sys.stderr)
    print(_printable(next_steps(folder, package, databases, keys.tenant if keys is not None else None)))
    return 0


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    """Raise CallerError for options that say different things, or nothing without another one."""
    if arguments.no_tenant and (arguments.tenant or arguments.claim):
        raise CallerError(f"--no-tenant and --{'tenant' if arguments.tenant else 'claim'}: say one of the two.")
    if arguments.claim and not arguments.tenant:
        raise CallerError("--claim says nothing without --tenant, the column that holds the tenant.")
    if arguments.name is not None and not is_model_name(arguments.name):
        raise CallerError(f"--name {arguments.name}: use lower-case letters, digits, - and _, and begin with a letter.")


def _write_variables(folder: Path, package: ModelPackage, keys: SampleKeys | None) -> None:
    """Write the variables of the example: real keys, as the model writes them, or none that are known."""
    path = folder / f"{DASHBOARD}.json"
    if keys is None:
        path.write_text('{"ids": []}\n', encoding="utf-8")
        return
    key = load_model(str(folder / "model.py")).objects[package.example.kind.name].key
    columns = [scalar.decode(values) for scalar, values in zip(key.scalars, keys.columns, strict=True)]
    values = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    text = json.dumps({"ids": key.write_all(values)}, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def _options(arguments: argparse.Namespace, folder: Path) -> NewOptions:
    return NewOptions(
        arguments.name or _model_name(folder),
        tables=arguments.table,
        schemas=arguments.schema,
        is_all=arguments.all,
        without=arguments.without,
        tenant=arguments.tenant or "",
        claim=arguments.claim or "",
        is_without_tenants=arguments.no_tenant,
        everyones=arguments.everyone,
        objects=arguments.object,
        sections=arguments.section,
        takes_matches=arguments.yes,
        zone=arguments.zone or "",
    )


def _folder(said: str | None, ask: Ask | None) -> str:
    if said:
        return said
    if ask is None:
        raise CallerError("Say the folder of the new package: gateway model new shop …")
    return ask("The folder of the new package, such as shop: ").strip() or "shop"


def _model_name(folder: Path) -> str:
    """Return the name of a folder in the characters that models' names have."""
    text = "".join(
        mark if mark.isascii() and (mark.isalnum() or mark in "-_") else "_" for mark in folder.resolve().name
    )
    return text.lower().lstrip("0123456789_-")[:63] or "shop"


def _printable(text: str) -> str:
    """Return lines in which a name of a database is no control sequence of the terminal."""
    return "\n".join(map(shown, text.split("\n")))


def _ask(question: str) -> str:
    try:
        return input(_printable(question))
    except EOFError:
        raise CallerError("The questions were not answered.") from None
