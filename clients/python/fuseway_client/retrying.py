"""Decide whether and when to retry a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom
from warnings import warn

import httpx

TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503

_random = SystemRandom()
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LOST = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
MAX_WAIT_S = 86_400.0
"""Nothing is waited for longer. What a server says beyond it is taken for this: a date may be years away."""


def retry_max_s_of(retry_max_s: float, retry_most_s: float | None) -> float:
    """Return the time of all attempts; what its old name says goes first, with a warning."""
    if retry_most_s is None:
        return retry_max_s
    warn("retry_most_s is deprecated: write retry_max_s.", DeprecationWarning, stacklevel=4)
    return retry_most_s


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How often and how long one call tries; the clock's are seconds."""

    attempts: int
    backoff_s: float
    max_s: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"retry_attempts must be at least 1, and is {self.attempts}.")
        if not (0 <= self.backoff_s <= MAX_WAIT_S and 0 <= self.max_s <= MAX_WAIT_S):
            raise ValueError("retry_backoff_s and retry_max_s must be at least 0 s, and a day at most.")


class Retries:
    """The remaining attempts and time of one call."""

    def __init__(self, settings: RetrySettings) -> None:
        self._settings = settings
        self._until = settings.clock() + settings.max_s
        self._made = 0

    def pause_s(self, asked_s: float | None) -> float | None:
        """Return the seconds until the next attempt, after one that failed; None where none is left.

        At least as long as the server asked for, and a random part of a backoff that doubles, so that clients that
        failed together do not come back together. What was asked for is never shortened: beyond the time, it ends here.
        """
        self._made += 1
        left_s = self._until - self._settings.clock()
        asked_s = asked_s or 0.0
        if self._made >= self._settings.attempts or left_s <= asked_s:
            return None
        backoff_s = self._settings.backoff_s * 2.0 ** min(self._made - 1, 30)
        return min(asked_s + _random.uniform(0, backoff_s), left_s)


def may_repeat(outcome: httpx.Response | httpx.RequestError, *, reads: bool) -> bool:
    """Return whether a request with this outcome can be sent again and do nothing twice.

    A request that only reads nearly always can.
    """
    if isinstance(outcome, httpx.RequestError):
        return isinstance(outcome, _UNSENT) or (reads and isinstance(outcome, _LOST))
    if outcome.status_code == UNAVAILABLE:  # a proxy says it too of what has begun, with a Retry-After of its own
        return reads
    return outcome.status_code == TOO_MANY_REQUESTS


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the seconds that the response asks to wait, a day at most; None where it does not say.

    A date that has passed is 0. It counts from the server's own, so that a clock that is wrong here does no harm.
    """
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal():
        return min(float(said), MAX_WAIT_S)
    until = _date(said)
    if until is None:
        return None
    since = _date(response.headers.get("date", "")) or datetime.now(UTC)
    return min(max((until - since).total_seconds(), 0.0), MAX_WAIT_S)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
