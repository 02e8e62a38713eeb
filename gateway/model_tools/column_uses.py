"""Which fields of a model read which columns of its tables, so that a change of a column names them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gateway.model_tools.checks.known_model import KnownModel
from loaders.model.bound_tables import OwnTenant, ParentTenant
from loaders.model.change_feeds import Notifies, Polls
from loaders.model.databases import Relation, Table, tables_of
from loaders.model.names import columns_in
from loaders.model.references import Fragment
from loaders.model.section_facts import rows_read
from loaders.model.shapes import ValueKind
from loaders.model.sql_words import REFERENCE, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.model_tools.checks.known_model import Use
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import Model

_Named = tuple[Table, str, str]
"""A table, a column of it, and the subject of what names it."""


class ColumnUses:
    """The subjects of what a model reads from each column. A name in SQL may be that of something else, and counts."""

    def __init__(self, model: Model) -> None:
        self._subjects: defaultdict[tuple[Table, str], dict[str, None]] = defaultdict(dict)
        for table, column, subject in (*_of_tables(model), *_of_objects(model), *_of_sections(model)):
            self._subjects[table, column.lower()][subject] = None

    def of(self, table: Table, column: str) -> tuple[str, ...]:
        """Return the subjects of fields, conditions, orders and tables that name a column, in the model's order."""
        return tuple(self._subjects.get((table, column.lower()), ()))


def _of_tables(model: Model) -> Iterator[_Named]:
    for table in model.tables:
        condition, options = model.bound_tables[table].tenant, table.options
        own = [condition.column] if isinstance(condition, OwnTenant) else []
        if isinstance(condition, ParentTenant):
            own += condition.columns
            yield from ((condition.parent, column, table.name) for column in condition.parent_columns)
        feed = options.changes
        texts = [options.time, options.latest, options.key]
        texts += [feed.column] if isinstance(feed, Polls) else [feed.key] if isinstance(feed, Notifies) else []
        own += [column for text in texts for column in columns_in(text)]
        yield from ((table, column, table.name) for column in own)


def _of_objects(model: Model) -> Iterator[_Named]:
    for owner in model.objects.values():
        for field in owner.fields:
            if field.is_own_column or (field.word_name == "one" and not field.has_sql_link):
                yield from ((owner.table, column, field.subject) for column in columns_in(field.column_text))


def _of_sections(model: Model) -> Iterator[_Named]:
    for use in KnownModel.of(model, [], is_live=False).uses():
        for table, columns in rows_read(use.section):
            yield from ((table, column, use.field.subject) for column in columns)
        over = use.section.over
        tables = [over] if isinstance(over, Table) else tables_of(over)
        named = list(_named_in_sql(use, model))
        if isinstance(over, Relation):
            named += [(name, use.field.subject) for name in _names(f"{over.sql}")]
        yield from ((table, name, subject) for table in tables for name, subject in named)


def _named_in_sql(use: Use, model: Model) -> Iterator[tuple[str, str]]:
    """Yield the names in the SQL of a section's fields, and of a list's filter and order, with their subjects."""
    shape = use.field.shape
    fields: list[DeclaredField] = []
    if shape is not None and shape.kind is ValueKind.SECTION:
        section = model.sections[shape.type.__name__]
        fields += section.fields
        yield from ((name, section.name) for name in _names(section.where))
    narrowed, order = use.field.option("filter"), use.field.option("order")
    fields += model.filters[narrowed.__name__].fields if narrowed is not None else ()
    fields += model.orders[order.__name__].fields if isinstance(order, type) else ()
    if isinstance(order, str):
        yield from ((name, use.field.subject) for name in _names(order))
    for field in fields:
        texts: Iterable[str] = [*map(str, field.expressions), *_columns_of(field)]
        yield from ((name, field.subject) for text in texts for name in _names(text))


def _columns_of(field: DeclaredField) -> list[str]:
    return [field.column_text] if field.option("column") and not field.has_sql_link else []


def _names(sql: str) -> Iterator[str]:
    for word in words(Fragment.of(sql).shown(REFERENCE)):
        if word.kind == "name":
            yield from (part.strip('"`') for part in word.text.split("."))
