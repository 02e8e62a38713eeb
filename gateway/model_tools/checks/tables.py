"""Tables of a model: that they are there, with the columns that their options name, and whose rows they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model_tools.checks.column_values import can_meet
from gateway.model_tools.missing_tables import NO_TABLE
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.catalog.column_types import column_type
from loaders.model.bound_tables import OwnTenant, ParentTenant
from loaders.model.change_feeds import Notifies, Polls
from loaders.model.databases import Value
from loaders.model.names import column_names
from loaders.model.problems import Problem, suggestion
from loaders.model.scalars import DATE, INSTANT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model_tools.checks.known_model import KnownModel
    from loaders.catalog.catalog import TableCatalog
    from loaders.model.databases import Table

_KEEPS_VERSIONS = ("ReplacingMergeTree", "CollapsingMergeTree", "CoalescingMergeTree")
"""Endings of the engines of ClickHouse that keep older versions of a row until a merge."""


def check_tables(known: KnownModel) -> Iterator[Problem]:
    """Yield what is wrong with each table of the model."""
    for table in known.model.tables:
        if table not in known.tables:
            yield Problem(table.place, table.name, _missing(table, known))
            continue
        yield from _tenant(table, known)
        yield from _options(table, known)
        yield from _time(table, known)
        yield from _versions(table, known.tables[table])


def missing_column(table: Table, name: str, catalog: TableCatalog) -> str:
    """Return the message about a column that a table does not have."""
    return f'{table.name} has no column "{name}".{suggestion(name, catalog.columns)}'


def _missing(table: Table, known: KnownModel) -> str:
    others = suggestion(table.name.replace('"', ""), known.neighbours[table])
    if known.is_live:
        return f"{NO_TABLE.format(table.database.variable)}{others}"
    return (
        "is not in the lock file: run gateway model pull where it is newer than the file. Otherwise its database has no"
        f" such table, or none that the account may read.{others}"
    )


def _tenant(table: Table, known: KnownModel) -> Iterator[Problem]:
    condition, catalog = known.model.bound_tables[table].tenant, known.tables[table]
    if isinstance(condition, ParentTenant):
        for column in condition.columns:
            if column not in catalog.columns:
                yield Problem(table.place, table.name, missing_column(table, column, catalog))
        for name in condition.parent_columns if condition.parent in known.tables else ():
            if known.column(condition.parent, name) is None:
                message = missing_column(condition.parent, name, known.tables[condition.parent])
                yield Problem(table.place, table.name, message)
    elif isinstance(condition, OwnTenant) and condition.column not in catalog.columns:
        message = missing_column(table, condition.column, catalog)
        if table.options.tenant is None:
            message = (
                f"has no {condition.column}, the tenant's column. Say tenant=<parent>.via(…) or tenant=m.everyones."
            )
        yield Problem(table.place, table.name, message)
    elif isinstance(condition, OwnTenant):
        column_of_tenant = catalog.columns[condition.column]
        if not can_meet(column_of_tenant, condition.scalar, table.database.kind):
            held, wanted = column_of_tenant.type, condition.scalar.name
            message = f"{condition.column} is {held}, and the model's tenant {wanted}: no row meets it."
            yield Problem(table.place, table.name, message)


def _options(table: Table, known: KnownModel) -> Iterator[Problem]:
    options, catalog = table.options, known.tables[table]
    feed, zone = options.changes, options.zone
    texts = [options.latest, options.key, options.time]
    texts += [feed.column] if isinstance(feed, Polls) else [feed.key] if isinstance(feed, Notifies) else []
    for name in (name for text in texts if text for name in column_names(text)):
        if name not in catalog.columns:
            yield Problem(table.place, table.name, missing_column(table, name, catalog))
    if isinstance(zone, Value) and zone.table in known.tables:
        (name,) = column_names(zone.column)
        if known.column(zone.table, name) is None:
            yield Problem(zone.place, table.name, missing_column(zone.table, name, known.tables[zone.table]))


def _time(table: Table, known: KnownModel) -> Iterator[Problem]:
    """Yield what is wrong with the type of the column that periods narrow."""
    if not table.options.time:
        return
    (name,) = column_names(table.options.time)
    column = known.column(table, name)
    held = None if column is None else column_type(column, table.database.kind, table.database.zone)
    if column is None:
        return
    wanted, word = (INSTANT, "instants") if table.options.zone else (DATE, "calendar dates")
    if held is None or held.is_list or held.scalar is not wanted:
        advice = "name a column of dates, or leave out zone=" if table.options.zone else "say zone=…"
        if held is None or held.scalar not in (DATE, INSTANT):
            advice = "name another column"
        said = "with zone=" if table.options.zone else "without zone="
        message = f"time={name!r} is {column.type}, and {said} periods compare {word}: {advice}."
        yield Problem(table.place, table.name, message)


def _versions(table: Table, catalog: TableCatalog) -> Iterator[Problem]:
    if catalog.engine.endswith(_KEEPS_VERSIONS) and not table.options.latest:
        said = f'latest="{catalog.version}"' if catalog.version else "latest=…"
        message = (
            f"is a {catalog.engine}, whose older versions of a row are read until they are merged: say {said}, the"
            " column whose greatest value marks the version that counts."
        )
        yield warning(table.place, table.name, message, WarningCode.LATEST_VERSION)
