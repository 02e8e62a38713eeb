"""Changes in the databases of a model, and what they mean for its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model_tools.changes import Change, Level
from gateway.model_tools.checks.column_values import reading_problem
from gateway.model_tools.checks.known_model import KnownModel
from gateway.model_tools.column_uses import ColumnUses
from loaders.model.names import column_names
from loaders.model.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loaders.catalog.catalog import Column, DatabaseCatalog, TableCatalog
    from loaders.model.class_reader import DeclaredField
    from loaders.model.databases import Table
    from loaders.model.model import Model

_MAX_NAMES = 5
"""Fields that a line names; the others are counted."""


def database_changes(model: Model, old: Iterable[DatabaseCatalog], new: Iterable[DatabaseCatalog]) -> list[Change]:
    """Return what has changed between two readings of a model's databases, the worst first."""
    before, after = (KnownModel.of(model, catalogs, is_live=True).tables for catalogs in (old, new))
    differ = _Differ(model)
    changes: set[Change] = set()
    for table in model.tables:
        if table in before and table in after:
            changes.update(differ.of_table(table, before[table], after[table]))
        elif table in before:
            changes.add(Change(Level.BREAKING, table.name, "is gone: all that is read of it fails."))
        elif table in after:
            changes.add(Change(Level.SAFE, table.name, "is new to the lock file."))
    return sorted(changes)


class _Differ:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._uses = ColumnUses(model)

    def of_table(self, table: Table, old: TableCatalog, new: TableCatalog) -> Iterator[Change]:
        """Yield what has changed of one table."""
        for name, column in old.columns.items():
            if name not in new.columns:
                yield self._gone(table, name)
            elif column != new.columns[name]:
                yield from self._of_column(table, column, new.columns[name])
        for name in new.columns.keys() - old.columns.keys():
            message = f"is new ({new.columns[name].type}): it is not in the API until the model names it."
            yield Change(Level.SAFE, f"{table.name}.{name}", message)
        yield from _of_keys(table, old, new)
        yield from _of_storage(table, old, new)

    def _gone(self, table: Table, name: str) -> Change:
        fields = self._uses.of(table, name)
        if not fields:
            return Change(Level.SAFE, f"{table.name}.{name}", "is gone; the model does not name it.")
        return Change(Level.BREAKING, f"{table.name}.{name}", f"is gone, and read by {_listed(fields)}.")

    def _of_column(self, table: Table, old: Column, new: Column) -> Iterator[Change]:
        subject, fields = f"{table.name}.{new.name}", self._uses.of(table, new.name)
        reads = f": it is read by {_listed(fields)}" if fields else "; the model does not name it"
        if old.type != new.type:
            level = Level.SAFE if not fields else Level.DANGEROUS
            if any(self._cannot_read(field, table, new) for field in self._fields(table, new.name)):
                level = Level.BREAKING
            yield Change(level, subject, f"was {old.type}, and is {new.type}{reads}.")
        if new.is_nullable and not old.is_nullable:
            own = self._fields(table, new.name)
            if required := [field.subject for field in own if field.shape and not field.shape.nullable]:
                message = f"may be null now, and a null fails {_listed(required)}: say … | None."
                yield Change(Level.BREAKING, subject, message)
            else:
                yield Change(Level.DANGEROUS if fields else Level.SAFE, subject, f"may be null now{reads}.")
        elif old.is_nullable and not new.is_nullable:
            yield Change(Level.SAFE, subject, "is never null any more.")
        if old.labels != new.labels:
            yield Change(Level.DANGEROUS if fields else Level.SAFE, subject, f"{_labels(old, new)}{reads}.")
        if old.comment != new.comment:
            yield Change(Level.SAFE, subject, "has another comment.")

    def _fields(self, table: Table, name: str) -> Iterator[DeclaredField]:
        """Yield the fields of objects that are the column itself."""
        for owner in self._model.objects.values():
            for field in owner.fields if owner.table is table else ():
                if field.is_own_column and column_names(field.column_text) == (name,):
                    yield field

    def _cannot_read(self, field: DeclaredField, table: Table, column: Column) -> bool:
        if field.shape is None or field.shape.scalar is None:
            return False
        problem = reading_problem(column, field.shape.scalar, table.database, is_list=field.shape.is_list)
        return problem is not None and problem[0] is Severity.ERROR


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _MAX_NAMES
    return ", ".join(every[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _labels(old: Column, new: Column) -> str:
    added = ", ".join(f'"{label}"' for label in new.labels if label not in old.labels)
    removed = ", ".join(f'"{label}"' for label in old.labels if label not in new.labels)
    if added:
        return f"has the new label {added}, an error until the model's enum has it"
    return f"no longer has the label {removed}" if removed else "has its labels in another order"


def _of_keys(table: Table, old: TableCatalog, new: TableCatalog) -> Iterator[Change]:
    for columns in sorted(set(old.unique) - set(new.unique)):
        message = f"no longer says that {', '.join(columns)} is unique: a look-up by it may have several rows."
        yield Change(Level.DANGEROUS, table.name, message)
    for columns in sorted(set(new.unique) - set(old.unique)):
        yield Change(Level.SAFE, table.name, f"now says that {', '.join(columns)} is unique.")
    if set(old.foreign_keys) != set(new.foreign_keys):
        yield Change(Level.SAFE, table.name, "has other foreign keys; links are the model's own.")


def _of_storage(table: Table, old: TableCatalog, new: TableCatalog) -> Iterator[Change]:
    before, after = ({index.name: index for index in each.indexes} for each in (old, new))
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            terms = ", ".join(before[name].terms)
            yield Change(Level.DANGEROUS, table.name, f"lost the index {name} ({terms}): requests may read more rows.")
        elif name not in before:
            yield Change(Level.SAFE, table.name, f"has the new index {name} ({', '.join(after[name].terms)}).")
        elif before[name] != after[name]:
            message = f"has another index {name} ({', '.join(after[name].terms)}): requests may read more rows."
            yield Change(Level.DANGEROUS, table.name, message)
    if old.sorting_key != new.sorting_key:
        message = f"is sorted by ({', '.join(new.sorting_key)}), and was by ({', '.join(old.sorting_key)})."
        yield Change(Level.DANGEROUS, table.name, message)
    if (old.engine, old.is_view, old.partition_key) != (new.engine, new.is_view, new.partition_key):
        yield Change(Level.DANGEROUS, table.name, "is stored in another way: its engine, partitions, or being a view.")
    if old.comment != new.comment:
        yield Change(Level.SAFE, table.name, "has another comment.")
