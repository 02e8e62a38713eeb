"""Names of tables: as a model writes them, and as catalogs have them."""

from __future__ import annotations

import re

from loaders.model.databases import Kind, Table
from loaders.model.names import table_parts

_PART = re.compile(r'"(?:[^"]|"")*"|[^"]+')


def catalog_name(table: Table) -> str:
    """Return the name that a model's table has in the catalog of its database, without quotes.

    PostgreSQL reads what is not in quotes in lower case. Raises ValueError where it is no table's name.
    """
    name = table.name
    if table.database.kind is Kind.POSTGRES:
        name = _PART.sub(lambda part: part.group() if part.group().startswith('"') else part.group().lower(), name)
    return ".".join(table_parts(name))
