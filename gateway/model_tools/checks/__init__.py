"""Checks of a model against catalogs of its databases: pure, whether these come from a lock file or were just read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.model_tools.checks.columns import check_columns
from gateway.model_tools.checks.fragments import check_fragments
from gateway.model_tools.checks.indexes import check_indexes
from gateway.model_tools.checks.keys import check_keys
from gateway.model_tools.checks.known_model import KnownModel
from gateway.model_tools.checks.sorting_keys import check_sorting_keys
from gateway.model_tools.checks.tables import check_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from loaders.catalog.catalog import DatabaseCatalog
    from loaders.model.model import Model
    from loaders.model.problems import Problem

    Check = Callable[[KnownModel], Iterator[Problem]]

CHECKS: tuple[Check, ...] = (
    check_tables,
    check_columns,
    check_keys,
    check_fragments,
    check_indexes,
    check_sorting_keys,
)


_OF_LARGE_TABLES: tuple[Check, ...] = (check_indexes, check_sorting_keys)
"""Checks that pass over tables of which a catalog says that they have few rows."""


def catalog_problems(model: Model, catalogs: Iterable[DatabaseCatalog], *, is_live: bool = False) -> list[Problem]:
    """Return all that is wrong with a model over databases that have these catalogs, in the order of file and line.

    `is_live` says that the catalogs were just read, and not taken from a lock file.
    """
    known = KnownModel.of(model, catalogs, is_live=is_live)
    return sorted({problem for check in CHECKS for problem in check(known)})


def problems_of_small_tables(model: Model, catalogs: Iterable[DatabaseCatalog]) -> list[Problem]:
    """Return the warnings that are left out for the few rows that catalogs, just read, say of tables.

    They are those that a lock file, which has no numbers of rows, leads to beside them.
    """
    read = list(catalogs)
    known = KnownModel.of(model, read, is_live=True)
    locked = KnownModel.of(model, map(_without_rows, read), is_live=False)
    told = {problem for check in _OF_LARGE_TABLES for problem in check(known)}
    return sorted({problem for check in _OF_LARGE_TABLES for problem in check(locked)} - told)


def _without_rows(catalog: DatabaseCatalog) -> DatabaseCatalog:
    return replace(catalog, tables={name: replace(table, rows=None) for name, table in catalog.tables.items()})
