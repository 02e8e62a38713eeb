"""Databases, tables, tenants and freshness."""

from __future__ import annotations

import re

from loaders.model.databases import Database, Everyones, Freshness, Table, Value, Via
from loaders.model.declaration import Model, Reached
from loaders.model.names import table_parts
from loaders.model.places import Place
from loaders.model.problems import Problems

_DATABASE = re.compile("[a-z][a-z0-9_]{0,30}", re.ASCII)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}", re.ASCII)
"""A scope of RFC 6749: no space, quote or backslash, since scopes are listed with spaces between."""


def check_tables(model: Model, reached: Reached, problems: Problems) -> None:
    """Names of databases and tables, how each table knows its tenant, and how long its answers may be served."""
    _check_databases(reached, problems)
    declared: dict[tuple[Database, tuple[str, ...]], Table] = {}
    for table in reached.tables:
        _check_name(table, problems)
        _check_tenant(model, table, problems)
        _check_options(table, problems)
        _check_twice(table, declared, problems)
    for argument in reached.arguments:
        if isinstance(argument.default, Value):
            _check_value(argument.default, argument.place, argument.name, model, problems)


def _check_databases(reached: Reached, problems: Problems) -> None:
    named: dict[str, Database] = {}
    for database in reached.databases:
        subject = f"{type(database).__name__}({database.name!r})"
        if database.name and not _DATABASE.fullmatch(database.name):
            message = "a database's name is part of its setting's: use lower-case letters, digits and _."
            problems.add(database.place, subject, message)
        other = named.setdefault(database.variable, database)
        if other is not database:
            message = f"{database.variable} is also the setting of the one at {other.place}: declare it once."
            problems.add(database.place, subject, message)


def _check_name(table: Table, problems: Problems) -> None:
    try:
        parts = table_parts(table.name)
    except ValueError:
        message = "is no table's name: write schema.table, with a part in double quotes where it has other characters."
        problems.add(table.place, table.name, message)
        return
    if len(parts) == 1 and table.database.kind.name == "POSTGRES":
        message = f"say its schema, such as public.{table.name}: the gateway's connections have no search_path."
        problems.add(table.place, table.name, message)


def _check_twice(table: Table, declared: dict[tuple[Database, tuple[str, ...]], Table], problems: Problems) -> None:
    try:
        key = table.database, table_parts(table.name)
    except ValueError:
        return
    other = declared.setdefault(key, table)
    if other is not table:
        message = f"is also declared at {other.place}: a table is declared once, and may serve several types."
        problems.add(table.place, table.name, message)


def _check_tenant(model: Model, table: Table, problems: Problems) -> None:
    tenant = table.options.tenant
    if model.tenant is None:
        if tenant is not None and not isinstance(tenant, Everyones):
            problems.add(table.place, table.name, "says a tenant and the model none: give Model(tenant=m.Tenant(…)).")
        return
    if isinstance(tenant, str) and not tenant.strip():
        problems.add(table.place, table.name, "tenant is empty: name a column, or say tenant=m.everyones.")
    if isinstance(tenant, Via):
        _check_via(table, tenant, problems)


def _check_via(table: Table, via: Via, problems: Problems) -> None:
    if via.parent.database is not table.database:
        message = f"its tenant is said via {via.parent.name}, which lies in another database: name a column of its own."
        problems.add(table.place, table.name, message)
    seen: list[Table] = [table]
    parent: Table | None = via.parent
    while parent is not None and parent not in seen:
        seen.append(parent)
        tenant = parent.options.tenant
        parent = tenant.parent if isinstance(tenant, Via) else None
    if parent is not None:
        names = " → ".join(one.name for one in [*seen, parent])
        problems.add(table.place, table.name, f"its tenant is said in a circle ({names}): one of them needs a column.")
    elif isinstance(seen[-1].options.tenant, Everyones):
        message = (
            f"its tenant is said via {seen[-1].name}, which belongs to no tenant: say tenant=m.everyones here too."
        )
        problems.add(table.place, table.name, message)


def _check_options(table: Table, problems: Problems) -> None:
    options = table.options
    if options.scope and not _SCOPE.fullmatch(options.scope):
        message = f"the scope {options.scope!r} has a space, a quote or another character that scopes cannot have."
        problems.add(table.place, table.name, message)
    freshness = options.freshness
    if isinstance(freshness, Freshness):
        seconds = (freshness.fresh_s, freshness.stale_while_revalidate_s, freshness.stale_if_error_s)
        if not all(isinstance(one, int) and one >= 0 for one in seconds):
            problems.add(table.place, table.name, "freshness is three numbers of seconds, none of them below 0.")
    if options.zone and not options.time:
        problems.add(table.place, table.name, "has a time zone and no time column: say time=….")
    if options.latest and table.database.kind.name == "POSTGRES" and not options.latest.isidentifier():
        problems.add(table.place, table.name, f"latest={options.latest!r} is no column's name.")


def _check_value(value: Value, place: Place, subject: str, model: Model, problems: Problems) -> None:
    if model.tenant is None or isinstance(value.table.options.tenant, Via | Everyones):
        message = f"the default is a value of {value.table.name}, which has no row of its own for each tenant."
        problems.add(place, subject, message)
