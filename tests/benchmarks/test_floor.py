"""The floor answers what GraphQL answers, down to the order of the keys."""

import orjson
import pytest

from benchmarks.asking import TEXTS, difference
from benchmarks.endpoints.everything import everything
from benchmarks.endpoints.floor import Answer, dashboard, trends
from benchmarks.endpoints.serving import CountedClickHouse, CountedPostgres, CountedStores
from tests.asking import ask
from tests.conftest import Stores

IDS = ["N725MQ", "N0FLY", "N14228", "N725MQ", "N10156"]


@pytest.mark.parametrize("answer", [dashboard, trends, everything])
async def test_the_floor_answers_like_the_gateway(sample_stores: Stores, answer: Answer) -> None:
    postgres, clickhouse = sample_stores
    expected = await ask(postgres, clickhouse, TEXTS[answer.__name__], {"ids": IDS})
    answered = await answer(CountedStores(CountedPostgres(postgres), CountedClickHouse(clickhouse)), IDS)
    floor = orjson.loads(orjson.dumps(answered))
    assert expected.errors == []
    assert difference(floor, expected.data["aircraftByIds"]) == ""
    assert list(floor[0]["analysis"]) == list(expected.data["aircraftByIds"][0]["analysis"])


async def test_the_floor_counts_its_statements(sample_stores: Stores) -> None:
    postgres, clickhouse = sample_stores
    stores = CountedStores(CountedPostgres(postgres), CountedClickHouse(clickhouse))
    await dashboard(stores, IDS)
    assert (stores.clickhouse.statements, stores.postgres.statements) == (1, 2)


def test_counted_stores_are_told_apart_as_those_that_they_count(sample_stores: Stores) -> None:
    """What is refreshed behind answers is grouped by the stores that it is asked of."""
    counted = [CountedPostgres(sample_stores.postgres), CountedPostgres(sample_stores.postgres)]
    assert len({*counted, CountedClickHouse(sample_stores.clickhouse)}) == 3
