"""What a request of a class costs is counted, and only that."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from benchmarks.asking import BenchmarkError
from benchmarks.measured_gateway import measured_gateway
from benchmarks.request_classes import CLASSES, SETTINGS, RequestClass, measure_class
from benchmarks.request_costs import RequestCost
from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.conftest import environment_of

IDS = [f"N{number}" for number in range(100)]
BUSY = ["N725MQ", "N14228", "N10156", "N711MQ", "N258JB", "N0FLY"]
_DATABASE = "/13"
"""Of Redis, which is emptied: no other test has it."""


@pytest.fixture
def urls(store_urls: StoreUrls, sample_stores: Stores) -> dict[str, str]:  # noqa: ARG001 - loaded before it serves
    """The stores with the sample, and a Redis database of this module's own."""
    environment = environment_of(store_urls)
    return environment | {"REDIS_URL": urlsplit(environment["REDIS_URL"])._replace(path=_DATABASE).geturl()}


async def _measured(urls: dict[str, str], name: str, rounds: int = 1) -> RequestCost:
    few = replace(CLASSES[name], size=2, questions=2, rounds=rounds, has_key=False)
    with measured_gateway(urls, {**SETTINGS[few.state], "GATEWAY_ANONYMOUS": "all"}) as gateway:
        return await measure_class(gateway, few, BUSY, "")


@pytest.mark.slow
async def test_a_request_that_is_cold_costs_its_statements(urls: dict[str, str]) -> None:
    cost = await _measured(urls, "dashboard-50-cold")
    assert (cost.requests, cost.clickhouse_statements) == (2, 1.0)
    assert 1 <= cost.postgresql_statements <= 3  # airlines may be known by then; a store that is late is probed
    assert min(cost.clickhouse_bytes, cost.postgresql_bytes) > 0


@pytest.mark.slow
async def test_a_request_from_memory_costs_none(urls: dict[str, str]) -> None:
    cost = await _measured(urls, "dashboard-50-memory", rounds=100)
    assert cost.requests == 200
    assert cost.gateway_ms > 0.1
    assert cost.clickhouse_statements < 0.02  # a store that is late on a busy machine is probed
    assert cost.postgresql_statements < 0.1
    assert cost.answer_bytes > 300


@pytest.mark.slow
async def test_an_export_is_counted_by_the_object(urls: dict[str, str]) -> None:
    cost = await _measured(urls, "export-object")
    assert cost.requests == 2
    assert cost.postgresql_statements < 4  # some six a request of two objects


@pytest.mark.slow
async def test_an_answer_of_another_status_is_not_measured(urls: dict[str, str]) -> None:
    with pytest.raises(BenchmarkError, match=r"answers (200|429)"):
        await _measured(urls, "refused-credential")


@pytest.mark.parametrize("name", CLASSES)
def test_each_question_has_objects_of_its_own(name: str) -> None:
    few: RequestClass = replace(CLASSES[name], size=10, questions=9)
    assert len({(each.path, each.body) for each in few.asked(IDS)}) == 10


def test_questions_need_as_many_objects() -> None:
    with pytest.raises(BenchmarkError, match="objects are needed, and there are 100"):
        CLASSES["dashboard-500-cold"].asked(IDS)
