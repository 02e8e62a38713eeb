"""An answer of ClickHouse is whole and that of its statement, or it is a fault: behind a proxy that damages answers."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from deploy.embedded.engines import StoreUrls
from loaders.statements.section_request import SectionRequest
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StoreError, StoreUnavailable
from tests.conftest import Stores
from tests.fleet.served import load_sections, request
from tests.loaders.stores.proxy import FAULTS, Between, Fault, Proxy, Response, boundaries, proxy
from tests.seeds import seeds_of

pytestmark = pytest.mark.engine

STATEMENTS: dict[str, list[SectionRequest]] = {
    "one pass": [request("analysis.punctuality"), request("analysis.cancellations")],
    "joined lists": [request("analysis.monthly"), request("analysis.routes")],
    "a list": [request("analysis.monthly")],
    "a list of rows": [request("analysis.flight_log", first=9)],
    "cohorts": [request("analysis.model_benchmark")],
    "the whole fleet": [request("analysis.fleet_rank")],
}


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> Iterator[int]:
    """The same five each time, or new ones for as long as `--fuzz-seconds` says."""
    return seeds_of(request, 5)


@pytest.fixture
async def between(store_urls: StoreUrls) -> AsyncIterator[Proxy]:
    async with proxy(store_urls.clickhouse_url) as between:
        yield between


@pytest.fixture
async def through(between: Proxy) -> AsyncIterator[ClickHouse]:
    """A client by way of the proxy, whose answers come in small blocks, and that goes on to ask after damaged ones."""
    client = await ClickHouse.connect(between.url, max_connections=4, acquire_timeout_s=60, statement_timeout_s=60)
    client._driver.client.set_client_setting("max_block_size", 16)
    await client._guard.close()
    yield client
    await client.close()


@pytest.fixture(scope="module")
async def ids(sample_stores: Stores) -> list[str]:
    """Forty aircraft that fly, and two of which nothing is known."""
    flown = (
        "select tail_number from flights where tail_number != '' group by tail_number order by count() desc limit 40"
    )
    return [*(await sample_stores.clickhouse.columns(flown, {})).columns[0], "nothing", "N0"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_damaged_answer_is_a_fault_and_never_a_value(
    sample_stores: Stores,
    between: Proxy,
    through: ClickHouse,
    ids: list[str],
    seeds: Iterator[int],
    name: str,
    fault: str,
) -> None:
    asked = STATEMENTS[name]
    right = await load_sections(*sample_stores, ids, asked)
    assert _rounded(await load_sections(sample_stores.postgres, through, ids, asked)) == _rounded(right)
    for count, seed in enumerate(seeds, 1):
        between.random.seed(f"{name} {fault} {seed}")
        between.fault = FAULTS[fault]
        damaged = await load_sections(sample_stores.postgres, through, ids, asked)
        assert {type(values) for values in damaged.values()} <= set(StoreError.__subclasses__()), (seed, fault)
        assert between.faults >= count
        between.fault = None
    assert _rounded(await load_sections(sample_stores.postgres, through, ids, asked)) == _rounded(right)


def _rounded(loaded: object) -> str:
    """With floats to nine digits: a sum depends on the order in which threads add."""
    if isinstance(loaded, float):
        return f"{loaded:.9g}"
    if isinstance(loaded, dict):
        return str({str(key): _rounded(values) for key, values in loaded.items()})
    return str([_rounded(value) for value in loaded]) if isinstance(loaded, list | tuple) else repr(loaded)


_UNKNOWN = ["nothing", "N0"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_damaged_answer_without_rows_is_a_fault(
    sample_stores: Stores, between: Proxy, through: ClickHouse, seeds: Iterator[int], fault: str
) -> None:
    asked = [request("analysis.punctuality"), request("analysis.monthly")]
    empty = {asked[0]: [(0, None, None, None, None, None)] * 2, asked[1]: [[], []]}
    assert await load_sections(sample_stores.postgres, through, _UNKNOWN, asked) == empty
    for seed in seeds:
        between.random.seed(f"{fault} {seed}")
        between.fault = FAULTS[fault]
        damaged = await load_sections(sample_stores.postgres, through, _UNKNOWN, asked)
        between.fault = None
        assert {type(values) for values in damaged.values()} <= set(StoreError.__subclasses__()), (seed, fault)
    assert await load_sections(sample_stores.postgres, through, _UNKNOWN, asked) == empty


@pytest.mark.parametrize("name", STATEMENTS)
async def test_what_is_cut_at_each_end_of_a_block_is_a_fault(
    sample_stores: Stores, between: Proxy, through: ClickHouse, ids: list[str], name: str
) -> None:
    ids = [*ids, *(f"X{index}" for index in range(300))]  # joined answers come in blocks of 256 ids
    await load_sections(sample_stores.postgres, through, ids, STATEMENTS[name])
    ends = boundaries(between.responses[-1].body)
    assert len(ends) >= (3 if name in ("joined lists", "a list", "a list of rows") else 2)
    for block in range(len(ends) - 1)[-20:]:
        for framed in (True, False) if block == len(ends) - 2 else (block % 2 == 0,):
            between.fault = _cut_at(block, framed)
            damaged = await load_sections(sample_stores.postgres, through, ids, STATEMENTS[name])
            assert {type(values) for values in damaged.values()} == {StoreUnavailable}


def _cut_at(block: int, framed: bool) -> Fault:
    """Cut a response where a block begins: its last one if it has fewer, as threads put rows together differently."""

    def cut(response: Response, _: Between) -> Response:
        begins = boundaries(response.body)[:-1]
        return replace(response, body=response.body[: begins[min(block, len(begins) - 1)]], framed=framed)

    return cut


async def test_a_statement_of_any_kind_keeps_its_order_and_proves_its_answer(
    clickhouse: ClickHouse, between: Proxy, through: ClickHouse
) -> None:
    statements = {
        "select number % 8 as n from numbers(40) order by n desc, number limit 30": [
            7 - index // 5 for index in range(25)
        ],
        "select distinct number % 3 as n from numbers(9) order by n": [0, 1, 2],
        "select 1 as n union all select 1": [1, 1],
    }
    for sql, expected in statements.items():
        assert list((await through.columns(sql, {})).columns[0])[: len(expected)] == expected
        for name, fault in FAULTS.items():
            between.fault = fault
            with pytest.raises(StoreError):
                await through.columns(sql, {})
            assert between.faults, name
            between.fault = None
    hashes = "select cityHash64(number) as n from numbers_mt(300000) order by n"
    for sql in (hashes, f"{hashes} limit 200000", f"{hashes} limit 1 by n"):
        result = list((await clickhouse.columns(sql, {})).columns[0])
        assert result == sorted(result)
        assert len(result) >= 200_000


@pytest.mark.parametrize("fault", ["empty", "a stranger's page", "without ClickHouse's headers", "refused"])
async def test_an_effect_that_clickhouse_does_not_confirm_is_a_fault(
    between: Proxy, through: ClickHouse, fault: str
) -> None:
    await through.command("create table if not exists confirmed (n UInt8) engine = Memory")
    await through.insert("confirmed", ["n"], [[1]])
    stranger = fault if fault != "empty" else "a stranger's page with ClickHouse's headers"
    between.fault = FAULTS[stranger]
    with pytest.raises(StoreError):
        await through.command("create table if not exists confirmed (n UInt8) engine = Memory")
    if fault != "empty":
        with pytest.raises(StoreError):
            await through.insert("confirmed", ["n"], [[1]])
    between.fault = None
    await through.command("drop table confirmed sync")


@pytest.mark.parametrize("fault", ["empty", "a stranger's page", "cut anywhere", "refused"])
async def test_a_stranger_at_the_address_ends_the_start_with_a_sentence(between: Proxy, fault: str) -> None:
    between.fault = FAULTS[fault]
    for _ in range(10):
        with pytest.raises(StoreUnavailable, match="ClickHouse at 127"):
            await ClickHouse.connect(between.url, max_connections=1, acquire_timeout_s=5, statement_timeout_s=5)


async def test_values_under_other_names_than_the_statements_are_a_fault(
    sample_stores: Stores, between: Proxy, through: ClickHouse, ids: list[str]
) -> None:
    asked = [request("analysis.punctuality")]
    await load_sections(sample_stores.postgres, through, ids, asked)
    assert b"punctuality__flights" in between.responses[-1].body
    between.fault = _other_column
    assert {type(values) for values in (await load_sections(sample_stores.postgres, through, ids, asked)).values()} == {
        StoreUnavailable
    }


def _other_column(response: Response, _: Between) -> Response:
    return replace(response, body=response.body.replace(b"punctuality__flights", b"punctuality__flightz"))
