"""Which parts of sections cannot be read, on real databases: functions, labels, versions, and columns by columns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

import pytest

from loaders.model.loading import load_model
from loaders.model.model import Model
from loaders.objects.object_record import section_error
from loaders.objects.partial_sections import PartialSections
from loaders.objects.schema_faults import SchemaFaults, _pauses
from loaders.objects.section_error import SectionError
from loaders.statements.partial_sections import origin_of
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import ColumnUnavailable, SchemaMismatch, StoreTimeout, StoreUnavailable
from loaders.stores.protocols import TypedColumns
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import Asker, NotedPostgres
from tests.loaders.objects.conftest import OpenCache
from tests.loaders.objects.shop_model import CLICKHOUSE_TABLES, TABLES
from tests.resolvers.missing import changed, renamed

KEYS = [1, 2]


@pytest.fixture(scope="module")
def shop() -> Model:
    return load_model("tests.loaders.objects.shop_model")


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """Both databases with a shop. Tests put back what they change."""
    async with new_database() as new:
        for statement in TABLES:
            await new.stores.postgres.execute(statement)
        for statement in CLICKHOUSE_TABLES:
            await new.stores.clickhouse.command(statement)
        yield new.stores


@pytest.fixture
def asker(shop: Model, stores: Stores) -> Asker:
    asker = Asker(shop, stores)
    asker.faults = SchemaFaults(asker.databases())
    return asker


async def rows(asker: Asker, name: str, **options: Any) -> list[Any]:
    """Return what a section answers for each key, with the name of each column that is missing in its place."""
    request = asker.request(name, **options)
    names = [column.name for column in request.section.columns]
    records = await asker.records(KEYS, [request, asker.request(f"{name.partition('.')[0]}.record")])
    return [_named(record.get(request), names) for record in records]


def _named(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_named(row, names) for row in value]
    return dict(
        zip(
            names,
            (f"no {each.cause.store}" if isinstance(each, SectionError) else each for each in value),
            strict=False,
        )
    )


def without(whole: Sequence[dict[str, Any]], *names: str, store: str = "postgresql") -> list[Any]:
    return [row | dict.fromkeys(names, f"no {store}") for row in whole]


@pytest.mark.parametrize(
    ("changes", "back", "names"),
    [
        (
            ["alter table shop.orders rename tax to vat"],
            ["alter table shop.orders rename vat to tax"],
            ("net", "share"),
        ),
        (
            ["alter table shop.orders rename cents to pence"],
            ["alter table shop.orders rename pence to cents"],
            ("gross", "net", "share", "fee"),
        ),
        (["alter function util.fee rename to charge"], ["alter function util.charge rename to fee"], ("fee",)),
        (
            [
                "create type shop.other as enum ('open', 'sent')",
                "alter table shop.orders alter status type shop.other"
                " using replace(status::text, 'shipped', 'sent')::shop.other",
            ],
            [
                "alter table shop.orders alter status type shop.status"
                " using replace(status::text, 'sent', 'shipped')::shop.status",
                "drop type shop.other",
            ],
            ("shipped",),
        ),
    ],
    ids=["a column", "one that others name", "a function", "a label"],
)
async def test_columns_fail_with_what_they_name_and_with_the_columns_that_they_name(
    asker: Asker, stores: Stores, changes: list[str], back: list[str], names: tuple[str, ...]
) -> None:
    whole = await rows(asker, "Shop.sales")
    async with changed(stores.postgres, changes, back):
        for _ in range(2):
            assert await rows(asker, "Shop.sales") == without(whole, *names)


async def test_a_type_of_clickhouse_and_a_version(asker: Asker, stores: Stores) -> None:
    whole, prices = await rows(asker, "Shop.visits"), await rows(asker, "Tariff.record")
    assert [row["price"] for row in prices] == [180, 190]
    modify = "alter table visits modify column took_ms"
    async with changed(stores.clickhouse, [f"{modify} String"], [f"{modify} UInt32"]):
        assert await rows(asker, "Shop.visits") == without(whole, "took_ms", store="clickhouse")
    async with renamed(stores.clickhouse, "prices", "unit"):
        assert await rows(asker, "Tariff.record") == without(prices, "unit", store="clickhouse")
    fresh = Asker(asker.model, stores)
    async with renamed(stores.clickhouse, "prices", "version"):
        with pytest.raises(SectionError, match=r"Tariff\.record cannot be read"):
            await rows(fresh, "Tariff.record")


async def test_an_order_that_needs_a_missing_column_fails_and_another_does_not(asker: Asker, stores: Stores) -> None:
    whole = await rows(asker, "Shop.colors")
    by_cents = await rows(asker, "Shop.colors", arguments={"by": "CENTS"})
    async with renamed(stores.postgres, "shop.orders", "cents"):
        assert await rows(asker, "Shop.colors") == [without(lines, "cents") for lines in whole]
        for _ in range(2):
            with pytest.raises(SectionError):
                await rows(asker, "Shop.colors", arguments={"by": "CENTS"})
    fresh = Asker(asker.model, stores)
    assert await rows(fresh, "Shop.colors", arguments={"by": "CENTS"}) == by_cents
    async with renamed(stores.postgres, "shop.orders", "color"):
        with pytest.raises(SectionError):
            await rows(fresh, "Shop.colors")


async def test_a_refusal_that_preparing_does_not_show_fails_as_it_is_and_is_examined_once(
    asker: Asker, stores: Stores
) -> None:
    function = "create or replace function util.fee(cents bigint) returns bigint language"
    refuse = f"{function} plpgsql as $$ begin raise exception 'no number' using errcode = '22P02'; end $$"
    whole = await rows(asker, "Shop.sales")
    async with changed(stores.postgres, [refuse], [f"{function} sql immutable return cents / 10"]):
        counts = []
        for _ in range(3):
            asker.sent.clear()
            with pytest.raises(SectionError) as caught:
                await rows(asker, "Shop.sales")
            assert type(caught.value.cause) is SchemaMismatch
            counts.append(sum("shop.orders" in sql for _, sql in asker.sent))
        assert counts == [2, 1, 1], "it is sent once more, in case that all is there again"
        assert len(asker.described) == 1
    assert await rows(asker, "Shop.sales") == whole


@pytest.mark.parametrize("error", [StoreUnavailable("postgresql", "it is away"), RuntimeError("a mistake")], ids=repr)
async def test_an_examination_that_fails_says_nothing_of_the_tables(
    shop: Model, stores: Stores, error: Exception
) -> None:
    class Away:
        """Refuses a statement, and does not say why."""

        described = 0

        async def rows(self, _sql: str, *_arguments: object) -> Any:
            raise SchemaMismatch("postgresql", "it does not fit")

        async def describe(self, _sql: str) -> Any:
            self.described += 1
            raise error

    store = Away()
    away: Any = Stores(store, stores.clickhouse)  # type: ignore[arg-type]
    asker = Asker(shop, away)
    asker.faults = SchemaFaults(asker.databases())
    counts = []
    for _ in range(3):
        with pytest.raises(SectionError) as caught:
            await rows(asker, "Shop.sales")
        assert type(caught.value.cause) is SchemaMismatch
        counts.append(store.described)
    assert asker.faults.unreadable() == []
    assert counts == [2, 2, 2], "sales and records; an examination that fails is not repeated at once"


async def test_a_part_that_cannot_be_looked_at_keeps_no_other_away(
    asker: Asker, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = NotedPostgres.describe

    async def late(store: NotedPostgres, sql: str) -> TypedColumns:
        if "tax" in sql:
            raise StoreTimeout("postgresql", "it is late")
        return await describe(store, sql)

    whole = await rows(asker, "Shop.sales")
    faults = asker.faults = SchemaFaults(asker.databases(), heals=True)
    async with (
        renamed(stores.postgres, "shop.orders", "tax"),
        changed(
            stores.postgres,
            ["alter function util.fee rename to charge"],
            ["alter function util.charge rename to fee"],
        ),
    ):
        assert await rows(asker, "Shop.sales") == without(whole, "net", "share", "fee")
        monkeypatch.setattr(NotedPostgres, "describe", late)
    async with asyncio.timeout(30):
        while [each.parts for each in faults.unreadable()] != [{"column": ["net", "share"]}]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    monkeypatch.undo()
    async with asyncio.timeout(30):
        while faults:  # noqa: ASYNC110 (of what has no event)
            await asyncio.sleep(0.02)
    await faults.close()
    assert await rows(asker, "Shop.sales") == whole


def test_what_is_missing_for_long_is_looked_at_seldom() -> None:
    pauses = list(islice(_pauses(), 25))
    assert pauses[:6] == [0.5, 1, 2, 4, 5, 5]
    minute = next(count for count in range(25) if sum(pauses[:count]) >= 60)
    assert set(pauses[4:minute]) == {5}
    assert pauses[minute : minute + 8] == [10, 20, 40, 80, 160, 300, 300, 300]


async def test_what_is_cached_of_the_whole_is_never_what_lacked_a_column(
    shop: Model, stores: Stores, process: OpenCache
) -> None:
    async with process() as cache:
        asker = Asker(shop, stores, cache=cache)
        asker.faults = SchemaFaults(asker.databases(), heals=True)
        truth = await rows(Asker(shop, stores), "Shop.record")
        async with renamed(stores.postgres, "shop.shops", "motto"):
            for _ in range(2):
                assert await rows(asker, "Shop.record") == without(truth, "motto")
                await cache.settle()
            assert sum("from shop.shops" in sql for _, sql in asker.sent) == 2, "all else was cached"
        async with asyncio.timeout(30):
            while asker.faults:  # noqa: ASYNC110 (of what has no event)
                await asyncio.sleep(0.02)
        assert await rows(asker, "Shop.record") == truth
        await cache.settle()
        async with renamed(stores.postgres, "shop.shops", "motto"):
            assert await rows(asker, "Shop.record") == truth, "it is cached"
        await asker.faults.close()


class Cached:
    """A source that has the whole of some keys, as a cache does, and all else of each key."""

    def __init__(self, error: ColumnUnavailable) -> None:
        self._error = error

    async def load(self, _space: Any, keys: Sequence[Any], requests: Sequence[SectionRequest], _: Any) -> Any:
        answers: dict[SectionRequest, Any] = {}
        for request in requests:
            lost, is_whole = section_error(request, self._error), not origin_of(request.section)[1]
            rows = [(key, "old" if is_whole else "new", "old motto" if is_whole else None) for key in keys]
            answers[request] = [lost if is_whole and row[0] != 1 else row for row in rows]
        return answers


async def test_a_missing_column_is_what_is_cached_of_it_beside_what_is_fresh_of_the_others(
    asker: Asker, stores: Stores
) -> None:
    async with renamed(stores.postgres, "shop.shops", "motto"):
        await rows(asker, "Shop.record")
    request = asker.request("Shop.record")
    assert asker.faults is not None
    error = asker.faults.error_of(request)
    assert error is not None
    loaded = await PartialSections(Cached(error), asker.faults).load(request.section.key_space, KEYS, [request], {})
    first, second = loaded[request]  # type: ignore[misc]
    assert first == (1, "new", "old motto")
    assert second[:2] == (2, "new")
    assert isinstance(second[2], SectionError)
