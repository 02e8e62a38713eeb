"""Names of a model's tables in catalogs."""

import pytest

from loaders.catalog.table_names import catalog_name
from loaders.model.databases import ClickHouse, Database, Postgres


@pytest.mark.parametrize(
    ("database", "name", "expected"),
    [
        (Postgres(), "App.Members", "app.members"),
        (Postgres(), 'App."Projects"', "app.Projects"),
        (Postgres(), '"a "" b".c', 'a " b.c'),
        (ClickHouse(), "Events", "Events"),
        (ClickHouse(), 'shop."odd.One"', "shop.odd.One"),
    ],
)
def test_a_name_is_read_as_its_database_reads_it(database: Database, name: str, expected: str) -> None:
    assert catalog_name(database.table(name)) == expected
