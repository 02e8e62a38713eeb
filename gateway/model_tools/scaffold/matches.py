"""Which objects the rows of a table of ClickHouse belong to: by the names and the types of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.model_tools.scaffold.choices import SectionChoice, TableId
from gateway.model_tools.scaffold.field_types import can_be_key, field_type
from gateway.model_tools.scaffold.sql_names import column_of_term
from gateway.model_tools.scaffold.words import singular, snake
from loaders.catalog.catalog import TableCatalog
from loaders.model.scalars import BIG_INTEGER, INTEGER, Scalar

_GENERIC = frozenset({"id", "uuid", "guid", "key", "code", "no", "number", "name"})


def matches_of(
    table: TableId,
    catalog: TableCatalog,
    objects: Mapping[TableId, tuple[str, ...]],
    tables: Mapping[TableId, TableCatalog],
) -> list[SectionChoice]:
    """Return the objects that a table's columns may refer to, those first that the table is sorted by.

    `objects` are the keys of tables that hold objects.
    """
    matches = [
        (not _is_exact(column, names), column, SectionChoice(table, (column,), owner))
        for owner, key in objects.items()
        if owner != table and len(key) == 1
        for names in [_names(owner, key[0])]
        for column in _columns(catalog, names)
        if _is_alike(_scalar(table, catalog, column), _scalar(owner, tables[owner], key[0]))
    ]
    sorted_by = [column_of_term(text) for text in catalog.sorting_key]
    places = {name: place for place, name in enumerate(sorted_by)}
    columns = list(catalog.columns)
    matches.sort(key=lambda item: (places.get(item[1], len(places)), item[0], columns.index(item[1])))
    return [choice for _is_suffix, _column, choice in matches]


def is_sorted_by(choice: SectionChoice, catalog: TableCatalog, tenant: str = "") -> bool:
    """Return whether a table is sorted by what refers to the objects, first of all or behind the tenant."""
    columns = [column_of_term(text) for text in catalog.sorting_key]
    rest = [name for name in columns if name != tenant]
    return set(rest[: len(choice.columns)]) == set(choice.columns)


def best_matches(matches: list[SectionChoice], catalog: TableCatalog, tenant: str = "") -> list[SectionChoice]:
    """Return the matches to take where nobody is asked: those that the sorting key serves, or else the first one."""
    served = [choice for choice in matches if is_sorted_by(choice, catalog, tenant)]
    return served or matches[:1]


def _names(owner: TableId, key: str) -> tuple[str, ...]:
    text, kind = snake(key), singular(snake(owner.name.rpartition(".")[2]))
    return (f"{kind}_{text}",) if text in _GENERIC else (text, f"{kind}_{text}")


def _columns(catalog: TableCatalog, names: tuple[str, ...]) -> Iterator[str]:
    for column in catalog.columns:
        text = snake(column)
        if _is_exact(column, names) or any(text.endswith(f"_{name}") for name in names):
            yield column


def _is_exact(column: str, names: tuple[str, ...]) -> bool:
    return snake(column) in names


def _scalar(table: TableId, catalog: TableCatalog, column: str) -> Scalar | None:
    type_ = field_type(catalog.columns[column], table.kind)
    return type_.scalar if type_ is not None and can_be_key(type_) and not type_.labels else None


def _is_alike(scalar: Scalar | None, other: Scalar | None) -> bool:
    whole = (INTEGER, BIG_INTEGER)
    return scalar is not None and (scalar is other or (scalar in whole and other in whole))
