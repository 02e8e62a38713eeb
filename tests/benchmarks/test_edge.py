"""Requests a second through nginx."""

import httpx
import pytest

from benchmarks.asking import TEXTS, BenchmarkError
from benchmarks.edge import measure_edge
from benchmarks.processes import endpoint
from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.edge.conftest import program
from tests.gateway.conftest import environment_of

pytestmark = pytest.mark.slow

IDS = ["N725MQ", "N0FLY", "N14228", "N10156", "N711MQ", "N258JB"]


@pytest.fixture
def sample_urls(store_urls: StoreUrls, sample_stores: Stores) -> dict[str, str]:  # noqa: ARG001 - loaded before it serves
    """The stores with the sample, where nginx and wrk are installed."""
    for name in ("nginx", "wrk"):
        program(name)
    return environment_of(store_urls)


def test_a_bare_application_answers_with_the_headers_that_it_is_given() -> None:
    headers = ["content-type:text/plain", "cache-control:public, max-age=60", 'etag:"a:b"']
    with endpoint("bare", {}, arguments=["1905", *headers], ready="/") as url:
        answer = httpx.get(f"{url}/graphql?query")
    assert answer.content == b"x" * 1905
    assert [f"{name}:{answer.headers[name]}" for name in ("content-type", "cache-control", "etag")] == headers


def test_the_edge_is_measured_before_the_gateway_and_before_a_bare_application(
    sample_urls: dict[str, str],
) -> None:
    rates = measure_edge(sample_urls, IDS, TEXTS["dashboard"], rounds=1, seconds=1)
    assert rates is not None
    assert rates.rounds == 1
    assert rates.bytes > 1_000
    assert min(rates.gateway_per_s, rates.bare_per_s) > 0


def test_an_answer_that_the_edge_does_not_keep_is_not_measured(sample_urls: dict[str, str]) -> None:
    long_filter = f'filter: {{ manufacturer: "{"x" * 2_001}" }}'  # too long to be cached: asked of the store each time
    query = f"query ($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ id }} fleet({long_filter}) {{ nodes {{ id }} }} }}"
    with pytest.raises(BenchmarkError, match="may be kept"):
        measure_edge(sample_urls, IDS, query, rounds=1, seconds=1)


def test_without_wrk_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert measure_edge({}, IDS, TEXTS["dashboard"], rounds=1) is None
