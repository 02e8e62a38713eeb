"""Keys: that they tell rows apart, and that the columns which hold those of other objects can meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model_tools.checks.column_values import can_meet
from gateway.model_tools.checks.ddl import ddl_name
from gateway.model_tools.checks.tables import missing_column
from loaders.model.databases import Kind, Table
from loaders.model.places import place_of_class
from loaders.model.problems import Problem
from loaders.model.section_facts import rows_read
from loaders.model.shapes import ValueKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.model_tools.checks.known_model import KnownModel, Use


def check_keys(known: KnownModel) -> Iterator[Problem]:
    """Yield keys that several rows may share, and columns that cannot hold the keys that they are compared with."""
    for object_type in known.model.objects.values():
        if problem := _shared(object_type.table, object_type.key.columns, known):
            cls = object_type.fields[0].owner
            message = f"its key is {', '.join(object_type.key.columns)}, and {problem[0]}"
            yield Problem(place_of_class(cls), object_type.name, message, ddl=problem[1])
    for use in known.uses():
        yield from _unique(use, known)
        yield from _meeting(use, known)


def _unique(use: Use, known: KnownModel) -> Iterator[Problem]:
    """Yield a look-up, or a section of one row, whose column several rows may share."""
    field, section = use.field, use.section
    shape = field.shape
    is_single = (
        shape is not None
        and shape.kind is ValueKind.SECTION
        and known.model.sections[shape.type.__name__].single
        and not section.where.parts
    )
    if not (field.word_name == "by_key" or is_single) or not isinstance(section.over, Table):
        return
    if problem := _shared(section.over, section.key_columns, known):
        what = "is looked up by" if field.word_name == "by_key" else "has one row by single=True for each"
        message = f"{what} {', '.join(section.key_columns)}, and {problem[0]}"
        yield Problem(field.place, field.subject, message, ddl=problem[1])


def _shared(table: Table, columns: Sequence[str], known: KnownModel) -> tuple[str, str] | None:
    """Return a message and DDL where several rows of a tenant may share the values of columns; None otherwise.

    Nothing is known of ClickHouse's tables and of views, and a table with versions has several rows of a key.
    """
    catalog = known.tables.get(table)
    is_unknown = catalog is None or table.database.kind is Kind.CLICKHOUSE or catalog.is_view or table.options.latest
    if catalog is None or is_unknown or not set(columns) <= set(catalog.columns):
        return None
    tenant = known.tenant_column(table)
    wanted = [*([tenant] if tenant and tenant not in columns else []), *columns]
    if any(set(unique) <= set(wanted) for unique in catalog.unique):
        return None
    message = f"no unique key of {table.name} says that one row alone has it: an answer would be any of them."
    return message, f"create unique index concurrently on {table.name} ({', '.join(map(ddl_name, wanted))});"


def _meeting(use: Use, known: KnownModel) -> Iterator[Problem]:
    """Yield columns that are compared with the key of a field's owner and cannot equal it, or are not there."""
    key = use.section.key
    for table, columns in rows_read(use.section):
        for name, scalar, part in zip(columns, key.scalars, key.columns, strict=False):
            catalog = known.tables.get(table)
            if catalog is None:
                continue
            column = catalog.columns.get(name)
            if column is None:
                yield Problem(use.field.place, use.field.subject, missing_column(table, name, catalog))
            elif not can_meet(column, scalar, table.database.kind):
                owner = f"{use.owner}'s key {part}" if use.owner else part
                message = (
                    f"{name} of {table.name} is {column.type}, and {owner} is {scalar.name}: they never meet. Change"
                    " the column, or say a relation that casts it: over=db.relation(…)."
                )
                yield Problem(use.field.place, use.field.subject, message)
