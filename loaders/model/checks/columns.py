"""Columns that a model names: each is a name and no SQL, and as many stand for a key as it has parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loaders.model.change_feeds import Notifies, Polls
from loaders.model.checks.values import shown_value
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Filter, Group, Object, options_of
from loaders.model.databases import Rows, Table, Tenant, Value, Via
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import column_names, columns_in
from loaders.model.places import Place
from loaders.model.problems import RELATION, Problems
from loaders.model.shapes import ValueKind


def check_columns(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check the columns that tables, the tenant, keys, links, filters and relations name."""
    look = _Look(parts, problems)
    if isinstance(model.tenant, Tenant):
        look.columns(model.tenant.column, model.place, "Model", "the tenant's column", count=1)
    _check_tables(parts, look)
    for cls in parts.classes(Object):
        for declared in parts.fields[cls]:
            _check_field(declared, declared, parts, look)
            shape = declared.shape
            if shape is not None and shape.kind is ValueKind.GROUP and issubclass(shape.type, Group):
                for inner in parts.fields.get(shape.type, ()):
                    _check_field(inner, declared, parts, look)
    for cls in parts.classes(Filter):
        for declared in parts.fields[cls]:
            if declared.word is not None and "column" in declared.word.options:
                look.columns(declared.option("column"), declared.place, declared.subject, "the column", count=1)


class _Look:
    def __init__(self, parts: ModelParts, problems: Problems) -> None:
        self._parts = parts
        self._problems = problems

    def columns(self, text: Any, place: Place, subject: str, what: str, *, count: int = 0) -> None:
        """Note a text that names no columns, or another number of them than a key has parts; 0 is any number."""
        try:
            names = column_names(text)
        except ValueError:
            several = "" if count == 1 else ", or several with commas between"
            hint = "it is no SQL." if isinstance(text, str) else "write the column's name, in quotes."
            message = f"{what} is the name of a column{several}, and is {shown_value(text, self._parts)}: {hint}"
            self._problems.add(place, subject, message)
            return
        if count and len(names) != count:
            number = f"{len(names)} column{'s' * (len(names) != 1)}"
            message = f'{what} says {number} ({", ".join(names)}) where the key has {count}: name as many, "a, b".'
            if count == 1:
                message = f"{what} is one column, and {text!r} names {len(names)}."
            self._problems.add(place, subject, message)


def _check_tables(parts: ModelParts, look: _Look) -> None:
    key_parts = {options_of(cls).get("table"): _key_parts(cls, parts) for cls in parts.classes(Object)}
    for table in parts.tables:
        for what, column, count in _columns_of(table):
            if column:
                look.columns(column, table.place, table.name, what, count=count)
        if isinstance(table.options.tenant, Via):
            _check_via(table, table.options.tenant, key_parts, look)
        if isinstance(table.options.zone, Value):
            look.columns(table.options.zone.column, table.options.zone.place, table.name, "value(…)", count=1)
    for relation, fragment in parts.relations.items():
        for reference in fragment.references():
            if isinstance(reference, Rows) and reference.column is not None:
                look.columns(reference.column, relation.place, RELATION, "asked(…)")


def _columns_of(table: Table) -> Iterator[tuple[str, Any, int]]:
    """Yield what a table's options say columns for, the text, and how many columns it names; 0 is any number."""
    options = table.options
    yield "tenant=", options.tenant if isinstance(options.tenant, str) and options.tenant.strip() else "", 1
    yield "time=", options.time, 1
    yield "latest=", options.latest, 1
    yield "key=", options.key, 0
    if isinstance(options.changes, Polls):
        yield "polls(…)", options.changes.column or "''", 1
    elif isinstance(options.changes, Notifies):
        yield "notifies(key=…)", options.changes.key, 0


def _check_via(table: Table, via: Via, key_parts: Mapping[Any, int], look: _Look) -> None:
    count = key_parts.get(via.parent, 0)
    if via.key:
        look.columns(via.key, table.place, table.name, "key=")
        count = len(columns_in(via.key))
    look.columns(via.column, table.place, table.name, "via(…)", count=count)


def _check_field(declared: DeclaredField, in_object: DeclaredField, parts: ModelParts, look: _Look) -> None:
    """Look at a field of an object, or at one of a group that the object's field holds."""
    word, place, subject = declared.word, declared.place, declared.subject
    name = word.name if word is not None else ""
    own = _key_parts(in_object.owner, parts)
    target = _key_parts(declared.shape.type, parts) if declared.shape is not None else 0
    if name in ("key", "column") and declared.option("column"):
        look.columns(declared.option("column"), place, subject, "column=", count=1)
    elif name == "one" and declared.has_sql_link:
        look.columns(declared.option("by"), place, subject, "by=", count=own)
    elif name == "one":
        look.columns(declared.option("column"), place, subject, "the column", count=target)
    elif name in ("many", "first", "section") and declared.option("column"):
        look.columns(declared.option("column"), place, subject, "the column", count=own)
    elif name == "through":
        look.columns(declared.option("mine"), place, subject, "mine", count=own)
        look.columns(declared.option("theirs"), place, subject, "theirs", count=target)


def _key_parts(cls: Any, parts: ModelParts) -> int:
    """Return how many parts the key of an object type has; 0 for any other type."""
    fields = parts.fields.get(cls, []) if isinstance(cls, type) else []
    return sum(each.is_key for each in fields)
