"""Facts of a bound section that follow from its SQL: tables, freshness, scopes, arguments, its digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from loaders.model.arguments import Argument, Pick
from loaders.model.bound_sections import BoundSection
from loaders.model.column_scopes import ColumnScopes, scopes_of_columns, touched_scopes
from loaders.model.databases import Freshness, Relation, Rows, Table, tables_of
from loaders.model.digests import section_digest
from loaders.model.model import Model
from loaders.model.names import column_names
from loaders.model.references import Fragment, Reference


def with_facts(section: BoundSection, model: Model) -> BoundSection:
    """Return a section with what follows from its SQL and its tables."""
    tables = tuple(tables_of(section.over))
    needed = frozenset[str]() if section.has_own_scopes else _scopes(section, tables, model.column_scopes)
    facts = replace(
        section,
        tables=tables,
        shared_tables=tuple(_shared(section, model)),
        freshness=_shortest([table.options.freshness for table in tables]),
        scopes=section.scopes | needed,
        arguments=tuple(_arguments(section)),
        is_periodic=section.is_periodic and any(table.options.time for table in tables),
    )
    return replace(facts, digest=section_digest(facts))


def _shared(section: BoundSection, model: Model) -> list[Table]:
    """Return the tables in which a changed row may affect any key.

    They are read whole, or are tables of objects that the section is not of, since a change names objects by their key:
    of other types, or by other columns.
    """
    known: dict[Table, set[tuple[str, tuple[str, ...]]]] = {}
    for each in model.objects.values():
        known.setdefault(each.table, set()).add((each.name, each.key.columns))
    shared: dict[Table, None] = {}
    for table, columns in rows_read(section):
        if not columns or (table in known and (section.key_space.name, columns) not in known[table]):
            shared[table] = None
    return list(shared)


def rows_read(section: BoundSection) -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Yield each table that a section reads, with the columns that the asked key stands in; none where all is read."""
    if isinstance(section.over, Table):
        yield section.over, section.key_columns
        return
    for reference in _references(_of_relation(section.over)):
        if isinstance(reference, Rows):
            yield reference.table, column_names(reference.column) if reference.column is not None else ()


def _shortest(freshness: Iterable[Freshness | None]) -> Freshness | None:
    result: Freshness | None = None
    for each in freshness:
        if each is None:
            return None
        result = each if result is None else _shorter(result, each)
    return result


def _shorter(item: Freshness, other: Freshness) -> Freshness:
    return Freshness(
        min(item.fresh_s, other.fresh_s),
        min(item.stale_while_revalidate_s, other.stale_while_revalidate_s),
        min(item.stale_if_error_s, other.stale_if_error_s),
    )


def _scopes(section: BoundSection, tables: tuple[Table, ...], scopes: ColumnScopes) -> frozenset[str]:
    """Return the scopes of a section's tables, of its key columns, and of what its own SQL names.

    Columns of an object's record have their scope on the column, so that the others can be read without it.
    """
    of_tables = {table.options.scope for table in tables} - {""}
    fragments = [section.where]
    if isinstance(section.over, Relation):
        fragments += _of_relation(section.over)
    else:
        of_tables |= scopes_of_columns(section.key_columns, section.over, scopes)
    if not section.target and not section.name.endswith(".record"):
        fragments += [column.sql for column in section.columns]
    return frozenset(of_tables) | touched_scopes(fragments, tables, scopes)


def _arguments(section: BoundSection) -> list[Argument[Any]]:
    fragments = [section.where, *(column.sql for column in section.columns)]
    fragments += _of_relation(section.over) if isinstance(section.over, Relation) else []
    fragments += [term.expression for term in section.default_order]
    fragments += [member.expression for member in section.orders.values()]
    fragments += [condition.sql for condition in section.filters.values()]
    arguments: dict[Argument[Any], None] = {}
    if section.picked_order is not None:
        arguments[section.picked_order.argument] = None
        fragments += [term.expression for terms in section.picked_order.terms.values() for term in terms]
    for reference in _references(fragments):
        if isinstance(reference, Argument):
            arguments[reference] = None
    return list(arguments)


def _of_relation(relation: Relation) -> list[Fragment]:
    """Return the SQL of a relation and of the relations it reads, without duplicates, across databases."""
    waiting, fragments = [relation], dict[Relation, Fragment]()
    while waiting:
        relation = waiting.pop(0)
        if relation not in fragments:
            fragments[relation] = relation.fragment
            waiting += [each for each in relation.fragment.references() if isinstance(each, Relation)]
    return list(fragments.values())


def _references(fragments: Iterable[Fragment]) -> Iterator[Reference]:
    """Yield the references in SQL fragments, including those in the alternatives of a `Pick`."""
    for fragment in fragments:
        for reference in fragment.references():
            yield reference
            if isinstance(reference, Pick):
                yield reference.argument
                yield from _references(reference.fragments.values())
