"""Finding tables by names and patterns, as an author writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from gateway.model_tools.scaffold.choices import TableId
from loaders.errors import CallerError
from loaders.model.problems import suggestion


def matching_tables(
    patterns: Iterable[str], tables: Collection[TableId], *, may_match_none: bool = False
) -> set[TableId]:
    """Return the tables that patterns match, by `schema.table`, or with `database:` in front, else by the name alone.

    So a table of ClickHouse in the URL's database is not taken for those of its name in others. Raises CallerError for
    a pattern that matches none, unless it may.
    """
    chosen: set[TableId] = set()
    for pattern in patterns:
        matched = _matched(pattern, tables)
        if not matched and not may_match_none:
            hint = suggestion(pattern, [name for table in tables for name in _names(table)])
            raise CallerError(f"{pattern} matches none of the tables.{hint}")
        chosen |= matched
    return chosen


def _matched(pattern: str, tables: Collection[TableId]) -> set[TableId]:
    whole = {table for table in tables if any(fnmatchcase(name, pattern) for name in (str(table), table.name))}
    return whole or {table for table in tables if fnmatchcase(table.name.rpartition(".")[2], pattern)}


def table_named(name: str, tables: Collection[TableId]) -> TableId:
    """Return the table of a name, which may lack the schema. Raises CallerError where none has it, or several have."""
    matched = [table for table in tables if name in _names(table)]
    exact = [table for table in matched if name == str(table)]
    if len(exact or matched) == 1:
        return (exact or matched)[0]
    if matched:
        raise CallerError(f"{name} is the name of several tables: say {' or '.join(map(str, matched))}.")
    hint = suggestion(name, [each for table in tables for each in _names(table)])
    raise CallerError(f"{name} is none of the chosen tables.{hint}")


def _names(table: TableId) -> tuple[str, ...]:
    return str(table), table.name, table.name.rpartition(".")[2]
