"""Rate limits by GCRA: in Redis for all processes together, and in each process on its own while Redis is away.

A caller has a budget of points a minute, and may use a whole minute's at once. All that is stored of a caller is the
theoretical arrival time, at which everything used will have been paid back, in microseconds. Points delay it, and a
request is refused that would delay it to more than a minute from now. A refused request costs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any

from loaders.concurrency import cancel_and_wait, close_with_timeout
from loaders.lru_cache import LRUCache
from loaders.stores.circuit_breaker import CircuitBreaker
from loaders.stores.redis import Redis, Scripts

WINDOW_S = 60
_WINDOW_US = WINDOW_S * 1e6
_MAX_CALLERS = 10_000
"""Callers that a process remembers by itself. Without a bound, many addresses could fill the memory."""

_KNOWN_S = 1.0
"""How long the remaining budget that Redis returned is used, minus what this process has charged since."""
_SMALL_SHARE = 100
"""A request for at most this fraction of the remaining budget is charged later. Near its end, a budget is exact."""
_GATHER_S = 0.05
"""How long charges are gathered and sent together: a command for each request would cost as much as all other checks of
it."""
_CLOSE_TIMEOUT_S = 1.0
"""How long closing waits for charges that are being sent."""
_RETRY_S = 0.5
"""How often pending charges are tried again while Redis is away."""

_TAKE = """
-- KEYS: caller. ARGV: points, points a minute, points that were given before, which are counted in any case. Answers
-- whether the points were taken, those that are left now, and in microseconds: how long until they could be taken (0
-- where they were), how long until all is paid back.
local t = redis.call('TIME')
local now, window = t[1] * 1000000 + t[2], 60000000
local each = window / tonumber(ARGV[2])
local before = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + tonumber(ARGV[3]) * each
local after = before + tonumber(ARGV[1]) * each
local wait = after - now - window
local taken = wait <= 1  -- less is how numbers are rounded
if not taken then after = before end
if after > now then
  redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.max(1, math.ceil((after - now) / 1000)))
end
local remaining = math.max(0, math.floor((window - (after - now)) / each + 0.001))
return {taken and 1 or 0, remaining, taken and 0 or math.ceil(wait), math.ceil(after - now)}
"""

_Budget = tuple[str, int]
"""A caller, and its points a minute."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The result of a charge. `remaining` is in points; `retry_after_s` is 0 for a request that is allowed.

    `reset_s` is how long it takes until the whole budget is available again.
    """

    allowed: bool
    remaining: int
    retry_after_s: float
    reset_s: float


class SharedRates:
    """Budgets of callers, which all processes over one Redis share.

    A request for a small share of what remained a moment ago does not wait for Redis: it is charged in the background.
    """

    def __init__(self, redis: Redis, *, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._scripts = Scripts(redis)
        self._breaker = CircuitBreaker(self._probe, timeout_s, beside=redis.breakers)
        self._clock = clock
        self._known = LRUCache[_Budget, tuple[Counted, float]](max_entries=_MAX_CALLERS)
        self._refused = LRUCache[_Budget, tuple[int, Counted, float]](max_entries=_MAX_CALLERS)
        """The points that were refused last, what Redis returned, and when."""
        self._pending: Counter[_Budget] = Counter()
        """Points that are not charged in Redis yet. A charge that timed out stays here, and may be counted twice."""
        self._sending: asyncio.Task[None] | None = None

    async def take(self, caller: str, points: int, per_minute: int) -> Counted | None:
        """Charge points, at most as many as a minute has; None where Redis failed, was late, or is not used."""
        budget = (caller, per_minute)
        refused = self._refused_again(budget, points)
        if refused is not None:
            return refused
        known, until = self._known.peek(budget, (None, 0.0))
        if known is None or self._clock() > until or points * _SMALL_SHARE > known.remaining:
            return await self._take(budget, points)
        reset_s = known.reset_s + points * WINDOW_S / per_minute
        counted = Counted(allowed=True, remaining=known.remaining - points, retry_after_s=0.0, reset_s=reset_s)
        self._known.put(budget, (counted, until))
        self._owe(budget, points)
        return counted

    def _refused_again(self, budget: _Budget, points: int) -> Counted | None:
        """Return the last refusal while it still holds for as many points, so that Redis need not be asked again."""
        asked, counted, index = self._refused.peek(budget, (0, None, 0.0))
        passed_s = self._clock() - index
        if counted is None or points < asked or passed_s >= min(counted.retry_after_s, _KNOWN_S):
            return None
        return replace(
            counted, retry_after_s=counted.retry_after_s - passed_s, reset_s=max(0.0, counted.reset_s - passed_s)
        )

    def _keep_refused(self, budget: _Budget, points: int, counted: Counted) -> None:
        self._refused.put(budget, (points, counted, self._clock()))

    def owe(self, caller: str, points: int, per_minute: int) -> None:
        """Charge points in the background, whether or not as many remain."""
        budget = (caller, per_minute)
        known, until = self._known.peek(budget, (None, 0.0))
        if known is not None:
            self._known.put(budget, (replace(known, remaining=max(0, known.remaining - points)), until))
        if len(self._pending) < _MAX_CALLERS:
            self._owe(budget, points)

    def _owe(self, budget: _Budget, points: int) -> None:
        self._pending[budget] += points
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all(), context=Context())

    async def _send_all(self) -> None:
        """Send pending charges together. While Redis is away, they are dropped after a minute, which pays all back."""
        until = math.inf
        try:
            while self._pending:
                await asyncio.sleep(_GATHER_S if until == math.inf else _RETRY_S)
                until = math.inf if await self._send_pending() else min(until, self._clock() + WINDOW_S)
                if self._clock() >= until:
                    self._pending.clear()
        finally:
            self._sending = None

    async def _send_pending(self) -> bool:
        for budget in list(self._pending):
            if await self._take(budget, 0) is None:
                return False
        return True

    async def _take(self, budget: _Budget, points: int) -> Counted | None:
        """Charge points together with the pending charges of the budget."""
        caller, per_minute = budget
        name = f"rate:{hashlib.blake2b(caller.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"
        owed, counted = self._pending.pop(budget, 0), None
        try:
            reply = await self._breaker.call(self._scripts.run(_TAKE, [name], [points, per_minute, owed]))
            counted = _counted(reply)
        finally:
            if counted is None and owed:
                self._owe(budget, owed)
        if counted is None:
            return None
        if not counted.allowed:
            self._keep_refused(budget, points, counted)
        left = replace(counted, remaining=counted.remaining - self._pending.get(budget, 0))
        self._known.put(budget, (left, self._clock() + _KNOWN_S))
        return counted

    async def close(self) -> None:
        """Send pending charges, where Redis answers, and stop."""
        await close_with_timeout(self._send_pending())
        if self._sending is not None and not self._pending:  # it may be waiting for the reply to its last charge
            await asyncio.wait([self._sending], timeout=_CLOSE_TIMEOUT_S)
        if self._sending is not None:
            await cancel_and_wait([self._sending])
        await self._breaker.close()

    async def _probe(self) -> None:
        """Write something, since a full Redis refuses writes and answers reads."""
        await self._scripts.run(_TAKE, ["rate:"], [1, 1, 0])


def _counted(reply: Any) -> Counted | None:
    """Parse the reply of Redis; None where it is malformed."""
    try:
        allowed, remaining, wait_us, reset_us = map(int, reply or ())
    except (ValueError, TypeError):
        return None
    return Counted(allowed == 1, remaining, wait_us / 1e6, reset_us / 1e6)


class LocalRates:
    """Budgets of callers in this process alone, for the callers that were charged most recently."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paid_back = LRUCache[str, float](max_entries=_MAX_CALLERS)

    def take(self, caller: str, points: int, per_minute: int) -> Counted:
        """Charge points, at most as many as a minute has."""
        now, each = self._clock() * 1e6, _WINDOW_US / per_minute
        before = max(self._paid_back.peek(caller, now), now)
        after = before + points * each
        wait = after - now - _WINDOW_US
        allowed = wait <= 1  # less is how numbers are rounded
        kept = after if allowed else before
        self._paid_back.put(caller, kept)
        remaining = max(0, math.floor((_WINDOW_US - (kept - now)) / each + 0.001))
        return Counted(allowed, remaining, 0.0 if allowed else wait / 1e6, (kept - now) / 1e6)

    def owe(self, caller: str, points: int, per_minute: int) -> None:
        """Charge points, whether or not as many remain."""
        now = self._clock() * 1e6
        before = max(self._paid_back.peek(caller, now), now)
        self._paid_back.put(caller, before + points * _WINDOW_US / per_minute)
