"""Types of columns in the words of the model language, and that the real engines' values are read by their scalars."""

from __future__ import annotations

import pytest

from loaders.catalog.catalog import Column
from loaders.catalog.clickhouse import read_clickhouse
from loaders.catalog.column_types import column_type
from loaders.catalog.postgres import read_postgres
from loaders.model.canonical import ScalarError
from loaders.model.databases import Kind
from tests.conftest import NewDatabase

POSTGRES = [
    ("text", "''", "str | None"),
    ("varchar(20)", "''", "str | None"),
    ("char(3) not null", "'a'", "str"),
    ("name", "'a'", "str | None"),
    ("smallint", "1", "int | None"),
    ("integer not null", "1", "int"),
    ("bigint", "9007199254740993", "m.BigInt | None"),
    ("real", "1.5", "float | None"),
    ("double precision", "1.5", "float | None"),
    ("numeric", "1.50", "Decimal | None"),
    ("numeric(12, 2) not null", "1.50", "Decimal"),
    ("boolean", "true", "bool | None"),
    ("uuid", "gen_random_uuid()", "UUID | None"),
    ("date", "'2026-01-01'", "dt.date | None"),
    ("timestamptz(3)", "now()", "dt.datetime | None"),
    ("bytea", "'\\x01'", "bytes | None"),
    ("json", """'{"a": 1}'""", "m.JSON | None"),
    ("jsonb not null", "'[1]'", "m.JSON"),
    ("text[] not null", "'{a,b}'", "list[str]"),
    ("numeric(12, 2)[]", "'{1.5}'", "list[Decimal] | None"),
    ("mood", "'sad'", "Mood | None"),
    ("mood[] not null", "'{sad}'", "list[Mood]"),
    ("timestamp", "now()", None),
    ("interval", "'1 day'", None),
    ("time", "'10:00'", None),
    ("int4range", "'[1,2)'", None),
    ("inet", "'127.0.0.1'", None),
    ("point", "'(1,2)'", None),
]
CLICKHOUSE = [
    ("String", "'a'", "str"),
    ("FixedString(3)", "'abc'", "str"),
    ("LowCardinality(Nullable(String))", "'a'", "str | None"),
    ("UInt16", "1", "int"),
    ("Int32", "1", "int"),
    ("UInt32", "4294967295", "m.BigInt"),
    ("Nullable(UInt64)", "18446744073709551615", "m.BigInt | None"),
    ("Int256", "5", "Decimal"),
    ("Float32", "1.5", "float"),
    ("Decimal(18, 6)", "1.5", "Decimal"),
    ("Nullable(Decimal(76, 2))", "1.5", "Decimal | None"),
    ("Bool", "true", "bool"),
    ("UUID", "generateUUIDv4()", "UUID"),
    ("Date", "'2026-01-01'", "dt.date"),
    ("Date32", "'2026-01-01'", "dt.date"),
    ("DateTime", "now()", "dt.datetime"),
    ("DateTime64(6, 'Europe/Vienna')", "now()", "dt.datetime"),
    ("Enum8('sad' = 1, 'happy' = 2)", "'sad'", "Mood"),
    ("Array(Nullable(Enum8('sad' = 1, 'happy' = 2)))", "['sad', null]", "list[Mood | None]"),
    ("Array(LowCardinality(String))", "['a']", "list[str]"),
    ("Map(String, Array(UInt8))", "map('a', [1])", "m.JSON"),
    ("Tuple(a UInt8, b String)", "(1, 'b')", "m.JSON"),
    ("JSON", """'{"a": 1}'""", "m.JSON"),
    ("SimpleAggregateFunction(sum, UInt64)", "1", "m.BigInt"),
    ("IPv4", "'127.0.0.1'", None),
    ("Array(Array(UInt8))", "[[1]]", None),
]


async def test_values_of_postgresql_are_read_by_the_scalars_of_their_types(new_database: NewDatabase) -> None:
    async with new_database() as new:
        postgres = new.stores.postgres
        await postgres.execute("create type public.mood as enum ('sad', 'happy')")
        columns = ", ".join(f"c{place} {type_}" for place, (type_, _, _) in enumerate(POSTGRES))
        await postgres.execute(f"create table public.kinds ({columns})")
        await postgres.execute(f"insert into public.kinds values ({', '.join(value for _, value, _ in POSTGRES)})")
        catalog = await read_postgres(postgres, "")
        answer = await postgres.typed_columns("select * from public.kinds")
    table = catalog.tables["public.kinds"]
    annotations = []
    for column, values in zip(table.columns.values(), answer.columns, strict=True):
        kind = column_type(column, Kind.POSTGRES)
        annotations.append(kind and kind.annotation("Mood"))
        if kind is not None:
            decoded = kind.scalar.decode_lists(values) if kind.is_list else kind.scalar.decode(values)
            assert not [value for value in decoded if value is None or isinstance(value, ScalarError)], column
    assert annotations == [annotation for _, _, annotation in POSTGRES]


async def test_values_of_clickhouse_are_read_by_the_scalars_of_their_types(new_database: NewDatabase) -> None:
    async with new_database() as new:
        clickhouse = new.stores.clickhouse
        columns = ", ".join(f"c{place} {type_}" for place, (type_, _, _) in enumerate(CLICKHOUSE))
        await clickhouse.command(f"create table kinds ({columns}) engine = MergeTree order by tuple()")
        await clickhouse.command(f"insert into kinds values ({', '.join(value for _, value, _ in CLICKHOUSE)})")
        catalog = await read_clickhouse(clickhouse, "")
        kinds = [column_type(column, Kind.CLICKHOUSE) for column in catalog.tables["kinds"].columns.values()]
        selected = ", ".join(
            f"c{place}"
            if kind is None
            else f"{kind.scalar.select_clickhouse(f'c{place}', is_list=kind.is_list)} as c{place}"
            for place, kind in enumerate(kinds)
        )
        answer = await clickhouse.typed_columns(f"select {selected} from kinds", {})
    for kind, values, name in zip(kinds, answer.columns, answer.types, strict=True):
        if kind is not None:
            decoded = kind.scalar.decode_lists(values) if kind.is_list else kind.scalar.decode(values)
            assert not [value for value in decoded if value is None or isinstance(value, ScalarError)], name
    assert [kind and kind.annotation("Mood") for kind in kinds] == [annotation for _, _, annotation in CLICKHOUSE]


@pytest.mark.parametrize("type_", ["public.citext", "citext"])
def test_a_type_of_an_extension_is_known_without_its_schema(type_: str) -> None:
    kind = column_type(Column("email", type_), Kind.POSTGRES)
    assert kind is not None
    assert kind.annotation() == "str"


def test_an_enum_without_a_name_is_text() -> None:
    kind = column_type(Column("mood", "app.mood[]", is_nullable=True, labels=("sad",)), Kind.POSTGRES)
    assert kind is not None
    assert (kind.annotation("Mood"), kind.annotation()) == ("list[Mood] | None", "list[str] | None")
