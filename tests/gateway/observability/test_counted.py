"""What rate limits decide, and how exports end."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gateway import export_endpoint
from gateway.http.errors import HTTPError, RequestError
from gateway.observability.request_observation import PARTIAL, RequestObservation
from gateway.rate_limit import RateLimit
from tests.gateway.observability.scrapes import Samples, own, value


def _grown(before: Samples, name: str, label: str, *values: str) -> list[float]:
    after = own()
    return [value(after, name, **{label: item}) - value(before, name, **{label: item}) for item in values]


async def test_decisions_of_rate_limits_are_counted() -> None:
    before, rate_limit = own(), RateLimit(100)
    scope: dict[str, Any] = {"client": ("192.0.2.1", 1)}
    await rate_limit.charge(scope, 60)
    with pytest.raises(HTTPError):
        await rate_limit.charge(scope, 60)
    with pytest.raises(RequestError):
        await rate_limit.charge(scope, 101)
    await rate_limit.charge(scope, 60, viewer="key:free", cost_per_minute=0)

    decisions = ("allowed", "refused", "unmetered")
    assert _grown(before, "fuseway_rate_limit_decisions_total", "decision", *decisions) == [1, 2, 1]


async def _lines(*last: export_endpoint._LastLine) -> AsyncGenerator[bytes | export_endpoint._LastLine, None]:
    yield b"1\n"
    yield b"2\n"
    for line in last:
        yield line


async def _send(_message: object) -> None:
    return None


async def test_exports_are_counted_by_how_they_end() -> None:
    before, observation = own(), RequestObservation(_send)
    whole = [line async for line in export_endpoint._counted(_lines(), observation)]
    assert observation.outcome == ""
    broken = [line async for line in export_endpoint._counted(_lines(export_endpoint._LastLine(b"!\n")), observation)]
    left = export_endpoint._counted(_lines(), None)
    await anext(left)
    during = own()
    await left.aclose()

    assert (whole, broken) == ([b"1\n", b"2\n"], [b"1\n", b"2\n", b"!\n"])
    assert observation.outcome == PARTIAL
    assert _grown(before, "fuseway_exports_total", "outcome", "ok", "failed", "hang_up") == [1, 1, 1]
    after, in_flight = own(), "fuseway_exports_in_flight"
    assert [value(taken, in_flight) - value(before, in_flight) for taken in (during, after)] == [1, 0]
    assert value(after, "fuseway_export_objects_total") - value(before, "fuseway_export_objects_total") == 5
