"""Conditions on arrays: of each type that a model can search, the rows that hold the value, by an index where one can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NewDatabase, Stores
from tests.loaders.model.models import load
from tests.loaders.objects.asking import Asker

MODEL = '''
from __future__ import annotations
from enum import Enum
from uuid import UUID
import fuseway as m

crm = m.Postgres("crm")
owners = crm.table("public.owners")
notes = crm.table("public.notes")


class Kind(Enum):
    """A kind."""

    A = "A"
    B = "B"


class NoteFilter(m.Filter):
    """Which notes."""

    tag: str = m.contains("tags")
    name: str = m.contains("names")
    link: UUID = m.contains("links")
    small: int = m.contains("small")
    large: m.BigInt = m.contains("large")
    kind: Kind = m.contains("kinds")


class Note(m.Object, table=notes):
    """A note."""

    id: int = m.key()
    tags: list[str]
    names: list[str]
    links: list[UUID]
    small: list[int]
    large: list[m.BigInt]
    kinds: list[Kind]


class Owner(m.Object, table=owners):
    """An owner."""

    id: int = m.key()
    notes: m.Page[Note] = m.many("owner_id", filter=NoteFilter, order="id", first=5, max=10)


class Query(m.Query):
    """Where every query begins."""

    owner: Owner | None = m.by_key()


model = m.Model("arrays", query=Query, types=[Owner, Note])
'''
LINK = "00000000-0000-0000-0000-00000000000a"
TABLES = f"""
create type kind as enum ('A', 'B');
create table owners (id integer primary key);
create table notes (
    id integer primary key, owner_id integer not null, tags text[], names varchar(20)[], links uuid[], small smallint[],
    large bigint[], kinds kind[]
);
insert into owners values (1);
insert into notes values
    (1, 1, '{{red,"a, b"}}', '{{Ann}}', '{{{LINK}}}', '{{7}}', '{{7}}', '{{A}}'),
    (2, 1, '{{blue,null}}', '{{Bob,Ann}}', '{{}}', '{{8,7}}', '{{8}}', '{{B}}'),
    (3, 1, null, null, null, null, null, null);
"""
EXPECTED: dict[str, tuple[Any, list[int]]] = {
    "tag": ("a, b", [1]),
    "name": ("Ann", [1, 2]),
    "link": (LINK, [1]),
    "small": (7, [1, 2]),
    "large": (8, [2]),
    "kind": ("B", [2]),
}


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script(TABLES)
        yield new.stores


@pytest.mark.parametrize("name", EXPECTED)
async def test_rows_are_found_whose_array_holds_the_value(stores: Stores, tmp_path: Path, name: str) -> None:
    value, ids = EXPECTED[name]
    asker = Asker(load(tmp_path, MODEL), stores)
    notes = (await asker.of("Owner.notes", [1], filters={name: value}))[1]
    assert [note[0] for note in notes] == ids


@pytest.mark.parametrize("name", ["small", "large"])
async def test_a_number_that_the_column_cannot_hold_is_in_no_row(stores: Stores, tmp_path: Path, name: str) -> None:
    asker = Asker(load(tmp_path, MODEL), stores)
    assert await asker.of("Owner.notes", [1], filters={name: 70_000}) == {}


@pytest.mark.parametrize("name", ["tag", "name", "link"])
async def test_a_gin_index_serves_texts_and_uuids(stores: Stores, tmp_path: Path, name: str) -> None:
    asker = Asker(load(tmp_path, MODEL), stores)
    await asker.of("Owner.notes", [1], filters={name: EXPECTED[name][0]})
    assert f'"{name}s" @> $' in asker.sent[-1][1]
