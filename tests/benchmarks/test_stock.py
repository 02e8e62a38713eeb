"""Stock Strawberry answers what the gateway answers, by a statement for each section."""

from collections.abc import Sequence

import pytest

from benchmarks.asking import TEXTS, difference
from benchmarks.endpoints.serving import CountedClickHouse, CountedPostgres, CountedStores
from benchmarks.endpoints.stock import SCHEMA, Context
from tests.asking import ask
from tests.conftest import Stores

IDS = ["N725MQ", "N0FLY", "N14228", "N725MQ", "N10156"]


async def stock(stores: CountedStores, query: str, ids: Sequence[str]) -> object:
    result = await SCHEMA.execute(TEXTS[query], variable_values={"ids": ids}, context_value=Context.over(stores))
    assert result.errors is None
    assert result.data is not None
    return result.data


def counted(stores: Stores) -> CountedStores:
    return CountedStores(CountedPostgres(stores.postgres), CountedClickHouse(stores.clickhouse))


@pytest.mark.parametrize("query", ["dashboard", "trends", "everything"])
async def test_stock_answers_like_the_gateway(sample_stores: Stores, query: str) -> None:
    postgres, clickhouse = sample_stores
    expected = await ask(postgres, clickhouse, TEXTS[query], {"ids": IDS})
    assert expected.errors == []
    assert difference(await stock(counted(sample_stores), query, IDS), expected.data) == ""


@pytest.mark.parametrize(("query", "expected"), [("dashboard", 4), ("trends", 5)])
async def test_a_section_is_a_statement_however_many_aircraft(sample_stores: Stores, query: str, expected: int) -> None:
    """In PostgreSQL: which aircraft there are, their registrations, the airlines. The main carrier is a section too."""
    stores = counted(sample_stores)
    await stock(stores, query, IDS)
    assert (stores.clickhouse.statements, stores.postgres.statements) == (expected, 3)
