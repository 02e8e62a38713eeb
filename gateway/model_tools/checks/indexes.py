"""Indexes of PostgreSQL: that links, lists, pages, filters and orders have one that leads to their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from gateway.model_tools.checks.ddl import create_index, ddl_name, order_terms, prefix_term
from gateway.model_tools.many_rows import MANY_ROWS
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.model.databases import Kind, Table
from loaders.model.filter_conditions import FilterOperator
from loaders.model.names import column_names, columns_in
from loaders.model.section_facts import rows_read
from loaders.model.sql_words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model_tools.checks.known_model import KnownModel, Use
    from loaders.catalog.catalog import Index, TableCatalog
    from loaders.model.class_reader import DeclaredField
    from loaders.model.places import Place
    from loaders.model.problems import Problem

_WITH_INDEX = {
    FilterOperator.EQUALS.value: "btree",
    FilterOperator.ONE_OF.value: "btree",
    FilterOperator.BETWEEN.value: "btree",
    FilterOperator.AT_LEAST.value: "btree",
    FilterOperator.AT_MOST.value: "btree",
    FilterOperator.LESS_THAN.value: "btree",
}
"""The words of filters whose rows an index on their column finds."""
_OF_ONE_TYPE = (FilterOperator.PREFIX.value, FilterOperator.CONTAINS.value)
"""The words of filters whose rows an index finds of the kind that is made for them."""
_TEXTS = ("text", "character varying")
"""The types whose prefixes an index with `text_pattern_ops` finds: others are converted first."""


def check_indexes(known: KnownModel) -> Iterator[Problem]:
    """Yield fields whose rows no index leads to, with an index that would."""
    for use in known.uses():
        for table, columns in rows_read(use.section):
            if columns and _is_looked_at(table, columns, known):
                yield from _rows(use, table, columns, known)
        over = use.section.over
        if use.field.word_name == "page" and isinstance(over, Table) and _is_looked_at(over, (), known):
            yield from _orders(use, over, known)
            yield from _filters(use, over, known)


def _is_looked_at(table: Table, columns: Iterable[str], known: KnownModel) -> bool:
    catalog = known.tables.get(table)
    if catalog is None or table.database.kind is not Kind.POSTGRES or (catalog.is_view and not catalog.indexes):
        return False
    rows = table.options.rows or catalog.rows
    return (not rows or rows > MANY_ROWS) and set(columns) <= set(catalog.columns)


def _rows(use: Use, table: Table, columns: Sequence[str], known: KnownModel) -> Iterator[Problem]:
    """Yield that no index begins with the columns that hold an object's key, the tenant's beside them or not."""
    catalog, tenant = known.tables[table], known.tenant_column(table)
    if any(set(columns) <= set(_led(index, {*columns, tenant})) for index in catalog.indexes):
        return
    matched = [*([tenant] if tenant and tenant not in columns else []), *columns]
    names = ", ".join(columns)
    either = f"{names} or ({', '.join(matched)})" if len(matched) > len(columns) else names
    message = f"no index of {table.name} begins with {either}: each request reads the whole table."
    is_ordered = use.section.over is table and bool(use.section.target)
    terms = order_terms(use.section, use.section.default_order) if is_ordered else []
    yield _problem(use, message, table, [*map(ddl_name, matched), *terms], catalog)


def _led(index: Index, columns: set[str | None]) -> list[str]:
    """Return the columns of these that an index begins with; none for one that has not all rows of theirs."""
    if index.method not in ("btree", "hash") or (index.condition and not _is_of_all(index)):
        return []
    result: list[str] = []
    for text in index.terms:
        names = columns_in(text)
        if len(names) != 1 or names[0] not in columns:
            break
        result.append(names[0])
    return result


def _is_of_all(index: Index) -> bool:
    """Return whether a partial index leaves out nothing but nulls, which no key equals."""
    return index.condition.removesuffix(" IS NOT NULL") in index.terms


def _orders(use: Use, table: Table, known: KnownModel) -> Iterator[Problem]:
    """Yield the orders of a page for which all rows of a tenant are sorted. The tenant itself orders nothing."""
    section, catalog, order = use.section, known.tables[table], use.field.option("order")
    fields = {field.name: field for field in known.model.orders[order.__name__].fields}
    for name, member in section.orders.items():
        tenant, terms = known.tenant_column(table), section.with_tie_break((member.term(),))
        deciding = [text for term in terms if columns_in(text := term.expression.shown()) != (tenant,)]
        if deciding and not any(_serves(index, deciding[0], table, known) for index in catalog.indexes):
            wanted = [*([ddl_name(tenant)] if tenant else []), *order_terms(section, terms)]
            what = "the tenant's rows" if tenant else f"all rows of {table.name}"
            message = (
                f"no index of {table.name} is in this order, so that each page of {use.field.subject} sorts {what}."
            )
            yield _problem(use, message, table, wanted, catalog, beside=(fields[name].place, fields[name].subject))


def _serves(index: Index, expression: str, table: Table, known: KnownModel) -> bool:
    """Return whether an index is in the order of an expression, behind the tenant's column or, for all, without it.

    The first term decides: what follows sorts few rows. Expressions are compared by their columns and whether they say
    a collation, since the database writes them in its own way.
    """
    if index.method != "btree" or index.condition:
        return False
    tenant, columns = known.tenant_column(table), {name.lower() for name in known.tables[table].columns}
    texts = [text for text in index.terms if columns_in(text) != (tenant,)]
    return (
        bool(texts)
        and _touched(texts[0]) & columns == _touched(expression) & columns
        and _collated(texts[0]) == _collated(expression)
    )


def _touched(expression: str) -> set[str]:
    return {word.text.strip('"').lower() for word in words(expression) if word.kind == "name"}


def _collated(expression: str) -> bool:
    return any(word.lower == "collate" for word in words(expression))


def _filters(use: Use, table: Table, known: KnownModel) -> Iterator[Problem]:
    """Yield the conditions of a page whose rows no index finds."""
    narrowed, catalog, tenant = use.field.option("filter"), known.tables[table], known.tenant_column(table)
    for field in known.model.filters[narrowed.__name__].fields if narrowed is not None else ():
        if field.word_name not in (*_WITH_INDEX, *_OF_ONE_TYPE):
            continue
        (name,) = column_names(field.column_text)
        if name not in catalog.columns:
            continue
        if field.word_name == FilterOperator.CONTAINS.value:
            yield from _contained(use, field, name, table, catalog)
        elif not any(name in _led(index, {name, tenant}) for index in catalog.indexes):
            is_prefix = field.word_name == FilterOperator.PREFIX.value
            if is_prefix and catalog.columns[name].type.partition("(")[0] not in _TEXTS:
                continue
            term = prefix_term(name) if is_prefix else ddl_name(name)
            wanted = [*([ddl_name(tenant)] if tenant else []), term]
            message = (
                f"no index of {table.name} begins with {' and '.join(wanted)}, so that this condition reads each row."
            )
            yield _problem(use, message, table, wanted, catalog, beside=(field.place, field.subject))


def _contained(use: Use, field: DeclaredField, name: str, table: Table, catalog: TableCatalog) -> Iterator[Problem]:
    """Yield that a condition on an array has no GIN index, or is one that these do not serve."""
    has_index = any(
        index.method == "gin" and not index.condition and name in chain(*map(columns_in, index.terms))
        for index in catalog.indexes
    )
    is_served = use.section.filters[field.name].is_array_search
    if is_served and has_index:
        return
    message = f"no GIN index of {table.name} has {name}, so that this condition reads each row."
    if not is_served:
        wanted = f'm.where(f"{ddl_name(name)} @> array[{{m.value}}]::{catalog.columns[name].type}")'
        message = f"no index serves m.contains of {catalog.columns[name].type}: say {wanted}, which a GIN index serves."
    ddl = "" if has_index else create_index(table, [ddl_name(name)], "gin")
    yield warning(field.place, field.subject, message, WarningCode.MISSING_INDEX, ddl, catalog.rows)


def _problem(
    use: Use,
    message: str,
    table: Table,
    terms: Sequence[str],
    catalog: TableCatalog,
    *,
    beside: tuple[Place, str] | None = None,
) -> Problem:
    place, subject = (use.field.place, use.field.subject) if beside is None else beside
    return warning(place, subject, message, WarningCode.MISSING_INDEX, create_index(table, terms), catalog.rows)
