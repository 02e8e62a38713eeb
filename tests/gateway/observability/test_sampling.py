"""States and totals that are read into metrics."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from gateway.admission.admission import Admission
from gateway.admission.overloaded import OverloadedError
from gateway.observability.gateway_metrics import record_fallback
from gateway.observability.memory_limit import memory_limit_bytes
from gateway.observability.sampling import Sampler, sampled, set_build_info
from loaders.lru_cache import LRUCache
from loaders.metrics import StoreMetrics
from loaders.stores.circuit_breaker import Outage
from loaders.stores.errors import FailureKind
from tests.gateway.observability.scrapes import own, value


@dataclass
class _Store:
    """A client with three connections."""

    metrics: StoreMetrics = field(default_factory=lambda: StoreMetrics("postgresql", "sampled"))
    outage: Outage | None = None
    max_connections: int = 3
    connections: tuple[int, int | None] = (2, 1)


def _sampler(store: _Store, caches: dict[str, list[LRUCache[str, str]]] | None = None) -> Sampler:
    admission = Admission(max_wait_s=1, max_under_way=4, max_response_bytes=1 << 20)
    return Sampler("7", [store], None, caches or {}, admission)  # type: ignore[list-item]


def test_pools_and_breakers_are_shown() -> None:
    store = _Store()
    sampler, labels = _sampler(store), {"store": "postgresql", "database": "sampled"}
    sampler.sample()
    before = own()
    store.outage, store.connections = Outage(FailureKind.SILENT, "", 0.0), (0, 0)
    sampler.sample()
    after = own()

    states = [value(before, "fuseway_store_pool_connections", **labels, state=state) for state in ("used", "idle")]
    assert states == [2, 1]
    assert value(before, "fuseway_store_pool_max_connections", **labels) == 3
    assert [value(taken, "fuseway_store_circuit_breaker_open", **labels) for taken in (before, after)] == [0, 1]
    assert value(after, "fuseway_store_pool_connections", **labels) == 0


def test_caches_are_shown_and_evictions_counted_once() -> None:
    cache = LRUCache[str, str](max_entries=2, max_bytes=100, size_of=lambda _, text: len(text))
    sampler = _sampler(_Store(), {"tests": [cache]})
    before = value(own(), "fuseway_cache_evictions_total", cache="tests")
    for key in "abc":
        cache.put(key, "four")
    sampler.sample()
    sampler.sample()
    taken = own()

    assert value(taken, "fuseway_cache_entries", cache="tests") == 2
    assert value(taken, "fuseway_cache_bytes", cache="tests") == 8
    assert value(taken, "fuseway_cache_evictions_total", cache="tests") - before == 1


async def test_admission_is_shown() -> None:
    sampler = _sampler(_Store())
    admission = sampler.admission
    before = own()
    tickets = [await admission.enter("viewer", shape) for shape in range(4)]
    waiting = asyncio.create_task(admission.enter("viewer", 5))
    await asyncio.sleep(0)
    sampler.sample()
    during = own()
    with pytest.raises(OverloadedError):
        await waiting
    for ticket in tickets:
        ticket.sent()
    sampler.sample()
    after = own()

    assert value(during, "fuseway_admission_queue_requests") == 1
    assert value(during, "fuseway_admission_places", state="used") == 4
    assert value(during, "fuseway_admission_places", state="limit") == 4
    assert value(after, "fuseway_admission_places", state="used") == 0
    late = [value(taken, "fuseway_admission_refused_total", reason="late") for taken in (before, after)]
    assert late[1] - late[0] == 1
    waits = [value(taken, "fuseway_admission_wait_seconds_count") for taken in (before, after)]
    assert waits[1] - waits[0] == 5
    seconds = [value(taken, "fuseway_admission_wait_seconds_sum") for taken in (before, after)]
    assert seconds[1] - seconds[0] > 0.4


async def test_the_points_of_heavy_requests_are_shown() -> None:
    sampler = _sampler(_Store())
    ticket = await sampler.admission.enter("viewer", 1)
    await ticket.price(20_000, 0)
    sampler.sample()
    during = own()
    ticket.sent()
    sampler.sample()

    assert value(during, "fuseway_admission_in_flight_points") == 20_000
    assert value(during, "fuseway_admission_limit_points") == sampler.admission.max_heavy_points
    assert value(own(), "fuseway_admission_in_flight_points") == 0


async def test_a_blocked_event_loop_is_seen() -> None:
    before = own()
    async with sampled(_sampler(_Store())):
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # noqa: ASYNC251 - it blocks the loop
        await asyncio.sleep(0.3)
    after = own()

    lags = [value(taken, "fuseway_event_loop_lag_seconds_sum") for taken in (before, after)]
    assert lags[1] - lags[0] > 0.2


def test_the_process_is_shown() -> None:
    _sampler(_Store()).sample()
    set_build_info("shop.model")
    taken = own()

    assert value(taken, "fuseway_worker_memory_bytes", worker="7") > 10 << 20
    assert value(taken, "fuseway_memory_limit_bytes") == memory_limit_bytes()
    assert value(taken, "fuseway_worker_cpu_seconds_total", worker="7") > 0
    assert time.time() - 3600 < value(taken, "fuseway_worker_start_time_seconds", worker="7") < time.time()
    assert value(taken, "fuseway_build_info", model="shop.model") == 1


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("resolver of secret", "selection: resolver"),
        ("type [Secret!]!", "selection: type"),
        ("unknown field secret", "selection: unknown field"),
        ("field extensions of secret", "selection: field extensions"),
        ("a field that is not Strawberry's", "selection: a field that is not Strawberry's"),
        ("async is_type_of", "selection: async is_type_of"),
        ("@defer", "selection: @defer"),
    ],
)
def test_reasons_of_fallbacks_are_without_names(reason: str, label: str) -> None:
    before = value(own(), "fuseway_executor_lists_total", path="fallback", reason=label)
    record_fallback("selection", reason)

    assert value(own(), "fuseway_executor_lists_total", path="fallback", reason=label) - before == 1
