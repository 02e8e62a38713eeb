"""Databases, tables, tenants and freshness."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from loaders.model.change_feeds import Notifies, Polls
from loaders.model.checks.values import shown_value
from loaders.model.classes import Object, options_of
from loaders.model.databases import Database, Everyones, Freshness, Kind, Table, Tenant, Value, Via
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import database_name_mistake, is_scope, table_parts
from loaders.model.places import Place
from loaders.model.problems import Problems
from loaders.model.scalars import SCALARS

_MAX_POLL_S = 86_400
_CHANNEL = re.compile("[a-z_][a-z0-9_]{0,62}", re.ASCII)


def check_tables(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check databases, the model's tenant, and each table's name, tenant and options."""
    _check_databases(parts, problems)
    _check_model_tenant(model, problems)
    _check_unused_tenants(model, parts, problems)
    keys = _keys(parts)
    declared: dict[tuple[Database, tuple[str, ...]], Table] = {}
    for table in parts.tables:
        _check_name(table, problems)
        _check_tenant(model, table, parts, problems)
        _check_keys(table, keys, problems)
        _check_options(table, problems)
        _check_changes(table, keys, problems)
        _check_twice(table, declared, problems)
    for argument in parts.arguments:
        if isinstance(argument.default, Value):
            _check_value(argument.default, argument.place, argument.name, model, problems)


def _keys(parts: ModelParts) -> dict[Table, set[tuple[str, ...]]]:
    """Return the keys of the object types over each table, as their columns."""
    keys: dict[Table, set[tuple[str, ...]]] = {}
    for cls in parts.classes(Object):
        fields = [field for field in parts.fields[cls] if field.is_key]
        keys.setdefault(options_of(cls)["table"], set()).add(tuple(str(field.column_text) for field in fields))
    return keys


def _check_keys(table: Table, keys: dict[Table, set[tuple[str, ...]]], problems: Problems) -> None:
    """Check that a table declares the key its tenant is looked up by, and the key that identifies versions of a row."""
    tenant, options = table.options.tenant, table.options
    if isinstance(tenant, Via) and not tenant.key and len(keys.get(tenant.parent, ())) != 1:
        why = "several object types with different keys are" if keys.get(tenant.parent) else "no object type is"
        message = f"its tenant is said via {tenant.parent.name}, which {why} over: say via({tenant.column!r}, key=…)"
        problems.add(table.place, table.name, f"{message}, the parent's columns that it refers to.")
    if options.latest and not options.key and len(keys.get(table, ())) != 1:
        why = "several object types with different keys are" if keys.get(table) else "no object type is"
        message = f"latest= is the greatest version of a key, and {why} over it: say key=…, the columns of the key."
        problems.add(table.place, table.name, message)
    if options.key and not options.latest:
        problems.add(table.place, table.name, "key= is for latest=, and the table says none: leave it out.")


def _check_model_tenant(model: ModelDeclaration, problems: Problems) -> None:
    tenant: Any = model.tenant
    if tenant is None:
        return
    if not isinstance(tenant, Tenant):
        problems.add(model.place, "Model", f"tenant= is m.Tenant(…), and is {tenant!r}.")
        return
    if not isinstance(tenant.claim, str) or not tenant.claim.strip():
        problems.add(model.place, "Model", "m.Tenant(claim=…) is the member of a token that says the tenant.")
    scalar = SCALARS.get(tenant.type) if isinstance(tenant.type, type) else None
    if scalar is None or not scalar.can_be_key:
        problems.add(model.place, "Model", f"m.Tenant(type={tenant.type!r}) is no type of a key, such as str or UUID.")


def _check_unused_tenants(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check that a model without a tenant has none beside it that no other model has: it shows all rows to all."""
    if model.tenant is not None:
        return
    variables = [(name, value) for module in parts.modules for name, value in vars(module).items()]
    used = [value.tenant for _, value in variables if isinstance(value, ModelDeclaration)]
    for name, value in variables:
        if isinstance(value, Tenant) and not any(value is tenant for tenant in used):
            message = (
                "no model has it, so that every viewer would see the rows of all tenants: write"
                f" m.Model(…, tenant={name}), or delete it."
            )
            problems.add(value.place, name, message)


def _check_databases(parts: ModelParts, problems: Problems) -> None:
    named: dict[str, Database] = {}
    for database in parts.databases:
        subject = f"{type(database).__name__}({database.name!r})"
        name: Any = database.name
        if not isinstance(name, str):
            problems.add(database.place, subject, "a database's name is a text.")
            continue
        if mistake := database_name_mistake(database):
            problems.add(database.place, subject, mistake)
        zone: Any = database.zone
        if zone and zone not in available_timezones():
            problems.add(database.place, subject, f"zone={zone!r} is no time zone, such as Europe/Vienna or UTC.")
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
    if len(parts) == 1 and table.database.kind is Kind.POSTGRES:
        message = f"say its schema, such as public.{table.name}: the gateway's connections have no search_path."
        problems.add(table.place, table.name, message)


def _check_twice(table: Table, declared: dict[tuple[Database, tuple[str, ...]], Table], problems: Problems) -> None:
    try:
        parts = table_parts(table.name)
    except ValueError:
        return
    is_postgres = table.database.kind is Kind.POSTGRES  # which takes an unquoted name in lower case
    key = table.database, tuple(part.lower() for part in parts) if is_postgres and '"' not in table.name else parts
    other = declared.setdefault(key, table)
    if other is not table:
        message = f"is also declared at {other.place}: a table is declared once, and may serve several types."
        problems.add(table.place, table.name, message)


def _check_tenant(model: ModelDeclaration, table: Table, parts: ModelParts, problems: Problems) -> None:
    tenant: Any = table.options.tenant
    if model.tenant is None:
        if tenant is not None and not isinstance(tenant, Everyones):
            problems.add(table.place, table.name, "says a tenant and the model none: give Model(tenant=m.Tenant(…)).")
        return
    if tenant is not None and not isinstance(tenant, str | Via | Everyones):
        message = f"tenant= is a column, <parent>.via(…) or m.everyones, and is {shown_value(tenant, parts)}."
        problems.add(table.place, table.name, message)
    if isinstance(tenant, str) and not tenant.strip():
        problems.add(table.place, table.name, "tenant is empty: name a column, or say tenant=m.everyones.")
    if isinstance(tenant, str) and tenant.removeprefix("m.").lower().rstrip("s") == "everyone":
        message = (
            f"tenant={tenant!r} names a column: write tenant=m.everyones, without quotes, if its rows are everyone's."
        )
        problems.add(table.place, table.name, message)
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
        names = " → ".join(each.name for each in [*seen, parent])
        problems.add(table.place, table.name, f"its tenant is said in a circle ({names}): one of them needs a column.")
    elif isinstance(seen[-1].options.tenant, Everyones):
        message = (
            f"its tenant is said via {seen[-1].name}, which belongs to no tenant: say tenant=m.everyones here too."
        )
        problems.add(table.place, table.name, message)


def _check_options(table: Table, problems: Problems) -> None:
    options = table.options
    scope: Any = options.scope
    if not isinstance(scope, str):
        problems.add(table.place, table.name, f"scope= is one text, and is {scope!r}.")
    elif not is_scope(scope):
        message = f"the scope {options.scope!r} has a space, a quote or another character that scopes cannot have."
        problems.add(table.place, table.name, message)
    if type(options.rows) is not int or options.rows < 0:
        message = f"rows={options.rows!r}: say about how many rows a tenant has, from 1, or leave it out."
        problems.add(table.place, table.name, message)
    freshness: Any = options.freshness
    zone: Any = options.zone
    if isinstance(freshness, Freshness):
        seconds = (freshness.fresh_s, freshness.stale_while_revalidate_s, freshness.stale_if_error_s)
        if not all(isinstance(each, int) and each >= 0 for each in seconds):
            problems.add(table.place, table.name, "freshness is three numbers of seconds, none of them below 0.")
    elif freshness is not None:
        problems.add(table.place, table.name, f"freshness= is m.Freshness(…), and is {freshness!r}.")
    if options.zone and not options.time:
        problems.add(table.place, table.name, "has a time zone and no time column: say time=….")
    if isinstance(zone, str) and zone and zone not in available_timezones():
        problems.add(table.place, table.name, f"zone={zone!r} is no time zone, such as Europe/Vienna or UTC.")
    elif not isinstance(zone, str | Value):
        problems.add(table.place, table.name, "zone= is a time zone's name, or table.value(…).")


def _check_changes(table: Table, keys: dict[Table, set[tuple[str, ...]]], problems: Problems) -> None:
    changes: Any = table.options.changes
    if isinstance(changes, Polls):
        every_s: Any = changes.every_s
        if isinstance(every_s, bool) or not isinstance(every_s, int | float) or not 0 < every_s <= _MAX_POLL_S:
            message = f"every_s={every_s!r} is a number of seconds, above 0 and at most {_MAX_POLL_S:,}."
            problems.add(table.place, table.name, message)
    elif isinstance(changes, Notifies):
        if not isinstance(changes.channel, str) or not _CHANNEL.fullmatch(changes.channel):
            message = f"{changes.channel!r} is no channel: use lower-case letters, digits and _, at most 63."
            problems.add(table.place, table.name, message)
        if table.database.kind is not Kind.POSTGRES:
            problems.add(table.place, table.name, "only PostgreSQL notifies of changes: say changes=m.polls(…).")
        elif not changes.key and len(keys.get(table, ())) != 1:
            message = "no object type is over it whose keys its messages could hold: say m.notifies(…, key=…)."
            problems.add(table.place, table.name, message)
    elif changes is not None:
        problems.add(table.place, table.name, f"changes= is m.polls(…) or m.notifies(…), and is {changes!r}.")


def _check_value(value: Value, place: Place, subject: str, model: ModelDeclaration, problems: Problems) -> None:
    if model.tenant is None or isinstance(value.table.options.tenant, Via | Everyones):
        message = f"the default is a value of {value.table.name}, which has no row of its own for each tenant."
        problems.add(place, subject, message)
