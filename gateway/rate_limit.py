"""Limit the points of cost that a caller may spend in a minute, and report what is left in headers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from gateway.http.errors import HTTPError, RequestError
from gateway.limits import exceeded
from loaders.metrics import RATE_LIMIT_DECISIONS
from loaders.rate_limits import WINDOW_S, Counted, LocalRates, SharedRates
from resolvers.cost_estimate import REQUEST_POINTS

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

    from gateway.auth.viewer import Viewer
    from loaders.stores.redis import Redis

HEADERS = frozenset({b"ratelimit", b"ratelimit-policy"})
"""Headers with one caller's remaining budget. They are not cached with a response."""

_TOLD = "gateway.rate"
"""The key in a request's scope of what its headers will say: the last count, and the points of a minute."""
_ALLOWED, _REFUSED, _UNMETERED = map(RATE_LIMIT_DECISIONS.labels, ("allowed", "refused", "unmetered"))
_KEPT_NETWORKS = 4_096
"""Addresses whose networks are remembered: to read one takes as long as half of a refusal."""
_NETWORK_BITS = 64
"""Bits of an IPv6 address that count: a subscriber has all addresses of the network."""


class RateLimit:
    """Charges points to callers: in this process and, within `over`, in Redis for all processes together."""

    def __init__(self, cost_per_minute: int) -> None:
        self._cost_per_minute = cost_per_minute
        self._local = LocalRates()
        self._shared: SharedRates | None = None

    @asynccontextmanager
    async def over(self, redis: Redis, *, timeout_s: float) -> AsyncIterator[None]:
        """Share budgets with all processes over one Redis while the context is open."""
        shared = self._shared = SharedRates(redis, timeout_s=timeout_s)
        try:
            yield
        finally:
            self._shared = None
            await shared.close()

    async def charge(
        self,
        scope: Scope,
        points: int,
        *,
        viewer: str = "",
        cost_per_minute: int | None = None,
        prepaid: int = 0,
    ) -> None:
        """Take a request's points from the budget of its viewer, or of its address where it has no name.

        `cost_per_minute` is the viewer's own; 0 is without a limit. Of the points, those `prepaid` were taken before.
        Raises RequestError for more than a minute has, which no waiting helps, and HTTPError 429 where the budget is
        used up for now.
        """
        maximum = self._cost_per_minute if cost_per_minute is None else cost_per_minute
        if maximum == 0:
            _UNMETERED.value += 1
            return
        if points > maximum:
            _REFUSED.value += 1
            raise exceeded("cost_per_minute", maximum, points, unit="points of cost a minute")
        if points <= prepaid:
            return
        counted = await self._taken(scope, points - prepaid, viewer, maximum)
        if not counted.allowed:
            wait_s = math.ceil(counted.retry_after_s)
            message = f"At most {maximum:,} points of cost can be asked for in a minute: try again in {wait_s} s."
            raise HTTPError(429, message, "RATE_LIMITED", {"Retry-After": str(wait_s)}, retryAfter=wait_s)

    def owe(self, scope: Scope, points: int, *, viewer: str = "", cost_per_minute: int | None = None) -> None:
        """Charge points for work that is already done, even beyond the budget: the next requests wait until they are
        back."""
        maximum = self._cost_per_minute if cost_per_minute is None else cost_per_minute
        points = min(points, maximum)
        if not points:
            return
        caller = _caller(scope, viewer)
        if _TOLD in scope:
            counted, told_of = scope[_TOLD]
            scope[_TOLD] = replace(counted, remaining=max(0, counted.remaining - points)), told_of
        self._local.owe(caller, points, maximum)
        if self._shared is not None:
            self._shared.owe(caller, points, maximum)

    async def wait(self, scope: Scope, points: int, *, viewer: str = "", cost_per_minute: int | None = None) -> None:
        """Charge points as `charge` does, as soon as they are there: a minute, unless others take them too.

        Raises RequestError for more than a minute has.
        """
        maximum = self._cost_per_minute if cost_per_minute is None else cost_per_minute
        if 0 < maximum < points:
            raise exceeded("cost_per_minute", maximum, points, unit="points of cost a minute")
        while maximum:
            counted = await self._taken(scope, points, viewer, maximum)
            if counted.allowed:
                return
            await asyncio.sleep(counted.retry_after_s)

    async def _taken(self, scope: Scope, points: int, viewer: str, maximum: int) -> Counted:
        caller = _caller(scope, viewer)
        counted = await self._shared.take(caller, points, maximum) if self._shared is not None else None
        counted = counted or self._local.take(caller, points, maximum)
        (_ALLOWED if counted.allowed else _REFUSED).value += 1
        scope[_TOLD] = counted, maximum
        return counted

    def add_headers(self, scope: Scope, response: Response) -> None:
        """Put into the headers what was counted, but not into those of an answer that caches may give to others."""
        told = _told(*scope[_TOLD]) if _TOLD in scope else {}
        is_public = response.headers.get("cache-control", "").startswith("public")
        if scope["method"] == "POST" or not is_public:
            response.headers.update(told)


class CallerBudget:
    """The budget of one request's caller. Nothing is done for a request before what each request costs is taken.

    That is part of the price of its operations.
    """

    def __init__(self, rate_limit: RateLimit, scope: Scope, viewer: Viewer) -> None:
        self._rate_limit = rate_limit
        self._scope = scope
        self._viewer = viewer.budget_name
        self._cost_per_minute = viewer.limits.cost_per_minute
        self._prepaid = 1
        """The points of reading the body. Most requests take at most one."""

    async def begin(self) -> None:
        """Take what each request costs. Raises HTTPError 429 where that is not left."""
        try:
            await self._charge(REQUEST_POINTS)
        except RequestError:  # a budget so small is used up by each request
            await self._charge(1)

    async def charge(self, points: int, *, is_price: bool = False) -> None:
        """Take points before they are spent; of the price of operations, what each request costs is taken already.

        Raises RequestError for more than a minute has, and HTTPError 429 where the budget is used up for now.
        """
        if points:
            await self._charge(points, REQUEST_POINTS if is_price else self._prepaid)
        if not is_price:
            self._prepaid = 0

    def owe(self, points: int) -> None:
        """Count points that were spent already: a little, that could not be known before."""
        viewer, maximum = self._viewer, self._cost_per_minute
        self._rate_limit.owe(self._scope, points, viewer=viewer, cost_per_minute=maximum)

    async def _charge(self, points: int, prepaid: int = 0) -> None:
        viewer, maximum = self._viewer, self._cost_per_minute
        await self._rate_limit.charge(self._scope, points, viewer=viewer, cost_per_minute=maximum, prepaid=prepaid)


def _caller(scope: Scope, viewer: str) -> str:
    return f"viewer {viewer}" if viewer else f"address {address(scope)}"


def address(scope: Scope) -> str:
    """Return the address that a request counts for: the client's, of IPv6 its network."""
    return _network((scope.get("client") or ("", 0))[0])


@lru_cache(maxsize=_KEPT_NETWORKS)
def _network(host: str) -> str:
    try:
        read = ip_address(host)
    except ValueError:  # what a proxy says that knows no better
        return host
    if not isinstance(read, IPv6Address):
        return str(read)
    return str(read.ipv4_mapped or ip_network((int(read), _NETWORK_BITS), strict=False))


def _told(counted: Counted, maximum: int) -> dict[str, str]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-11; its window must not end after Retry-After."""
    window_s = math.ceil(counted.reset_s if counted.allowed else counted.retry_after_s)
    return {
        "RateLimit-Policy": f'"default";q={maximum};w={WINDOW_S}',
        "RateLimit": f'"default";r={counted.remaining};t={window_s}',
    }
