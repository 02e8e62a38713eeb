"""Tables that a model names and its databases do not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loaders.catalog.table_names import catalog_name
from loaders.model.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loaders.catalog.catalog import DatabaseCatalog
    from loaders.model.databases import Database
    from loaders.model.model import Model


NO_TABLE = "{} leads to no such table, or to none that its account may read."
"""The message about a table that a database does not have, with the setting of its URL."""


def missing_tables(model: Model, catalogs: Mapping[Database, DatabaseCatalog]) -> Iterator[Problem]:
    """Yield a problem for each table of the model that is not in the catalog of its database."""
    for table in model.tables:
        if catalog_name(table) not in catalogs[table.database].tables:
            yield Problem(table.place, table.name, NO_TABLE.format(table.database.variable))
