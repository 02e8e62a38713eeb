"""Lock files: catalogs as text and back, and that those of the samples are current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.analytics.data import MIGRATIONS
from deploy.fleet.set_up import create_tables
from loaders.catalog.catalog import Column, DatabaseCatalog, ForeignKey, Index, TableCatalog
from loaders.catalog.clickhouse import read_clickhouse
from loaders.catalog.lock_file import LockFileError, is_written, lock_path, lock_text, parse_lock, read_lock
from loaders.catalog.postgres import read_postgres
from loaders.catalog.table_names import catalog_name
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from loaders.model.model import Model
from loaders.model.places import Place
from tests.conftest import NewDatabase, Stores

MEMBERS = TableCatalog(
    "app.members",
    {
        "role": Column("role", "app.role", labels=("guest", "ówner")),
        "email": Column("email", "text", is_nullable=True, comment='Said "by" them.'),
    },
    comment="Members.",
    rows=17,
    primary_key=("id",),
    unique=(("id",), ("email",)),
    foreign_keys=(ForeignKey(("boss", "x"), "app.members", ("id", "x")),),
    indexes=(
        Index("members_pkey", ("id",), is_unique=True),
        Index("members_by_email", ("lower(email)",), method="hash", condition="email IS NOT NULL"),
    ),
)
EVENTS = TableCatalog(
    "events",
    {"n": Column("n", "UInt8")},
    is_view=True,
    rows=3,
    sorting_key=("n", "f(n, 1)"),
    partition_key="n",
    engine="Log",
    version="v",
)
CATALOGS = [
    DatabaseCatalog(Kind.POSTGRES, "crm", "18.1", {"app.members": MEMBERS, "app.empty": TableCatalog("app.empty", {})}),
    DatabaseCatalog(Kind.CLICKHOUSE, "", "26.9", {"events": EVENTS}),
]


def test_catalogs_are_read_as_they_were_without_what_changes_by_itself() -> None:
    clickhouse, postgres = parse_lock(lock_text(CATALOGS), "model.lock")
    assert clickhouse == DatabaseCatalog(Kind.CLICKHOUSE, "", "", {"events": replace(EVENTS, rows=None)})
    members = replace(MEMBERS, rows=None, unique=(("email",), ("id",)), indexes=MEMBERS.indexes[::-1])
    assert postgres.tables == {"app.empty": TableCatalog("app.empty", {}), "app.members": members}
    assert list(postgres.tables["app.members"].columns) == ["email", "role"]


def test_a_column_a_key_and_an_index_have_a_line_each() -> None:
    lines = [line.strip() for line in lock_text(CATALOGS).splitlines()]
    assert '"role": {"type": "app.role", "labels": ["guest", "ówner"]}' in lines
    assert '"email": {"type": "text", "is_nullable": true, "comment": "Said \\"by\\" them."},' in lines
    assert '"members_pkey": {"terms": ["id"], "is_unique": true}' in lines
    assert '"primary_key": ["id"],' in lines
    assert lines[-1] == "}"


def test_the_order_of_what_was_read_changes_nothing() -> None:
    others = [
        replace(catalog, version="99", tables=dict(reversed(list(catalog.tables.items())))) for catalog in CATALOGS
    ]
    assert lock_text(reversed(others)) == lock_text(CATALOGS)


TABLE = '{"format": 1, "databases": [{"kind": "postgresql", "name": "", "tables": {"t": %s}}]}'


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"format": 1}', '{"format": 1, "databases": [{"kind": "x"}]}', "[" * 100_000),
        TABLE % '{"columns": {"id": {"type": 5}}}',
        TABLE % '{"columns": {"id": {"type": "text", "labels": "free"}}}',
        TABLE % '{"columns": {}, "primary_key": [null]}',
        TABLE % '{"columns": {}, "engine": {}}',
        TABLE % '{"columns": {}, "indexes": {"i": {"terms": [["id"]]}}}',
    ],
)
def test_another_file_is_no_lock_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.lock").write_text(text)
    with pytest.raises(LockFileError, match=r"model\.lock is no lock file .*: write it anew with gateway model pull\."):
        read_lock(tmp_path / "model.lock")


def test_a_file_of_another_version_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.lock").write_text('{"format": 2}')
    with pytest.raises(LockFileError, match="has another format than this gateway reads"):
        read_lock(tmp_path / "model.lock")


def test_no_file_is_none_and_what_cannot_be_read_an_error(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "model.lock") is None
    with pytest.raises(LockFileError, match="cannot be read"):
        read_lock(tmp_path)


def test_a_lock_file_is_written_where_it_has_the_same_bytes(tmp_path: Path) -> None:
    file = tmp_path / "model.lock"
    assert not is_written(file, "ó\n")
    for content, expected in (("ó\n".encode(), True), ("ó\n".encode("latin-1"), False), (b"", False)):
        file.write_bytes(content)
        assert is_written(file, "ó\n") is expected
    assert not is_written(tmp_path, "ó\n")


def test_a_lock_file_lies_beside_its_model() -> None:
    model = load_model("deploy.analytics.model")
    assert lock_path(model) == Path("deploy/analytics/model.lock").resolve()
    assert lock_path(replace(model, place=Place("/shop/__init__.py"))) == Path("/shop/model.lock")


async def _written(model: Model, stores: Stores) -> str:
    names: Mapping[Kind, set[str]] = {kind: set() for kind in Kind}
    for table in model.tables:
        names[table.database.kind].add(catalog_name(table))
    by_kind = {database.kind: database.name for database in model.databases}
    return lock_text(
        [
            await read_postgres(stores.postgres, by_kind[Kind.POSTGRES], names[Kind.POSTGRES]),
            await read_clickhouse(stores.clickhouse, by_kind[Kind.CLICKHOUSE], names[Kind.CLICKHOUSE]),
        ]
    )


async def test_the_lock_file_of_the_fleet_is_current(new_database: NewDatabase) -> None:
    model = load_model("deploy.fleet.model")
    async with new_database() as new:
        await create_tables(*new.stores)
        assert lock_path(model).read_text() == await _written(model, new.stores)


async def test_the_lock_file_of_the_analytics_sample_is_current(new_database: NewDatabase) -> None:
    model = load_model("deploy.analytics.model")
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script((MIGRATIONS / "postgres.sql").read_text())
        await new.stores.clickhouse.command((MIGRATIONS / "clickhouse.sql").read_text())
        assert lock_path(model).read_text() == await _written(model, new.stores)
