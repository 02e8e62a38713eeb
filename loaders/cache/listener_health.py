"""Track whether changes reach this process, and shorten cache lifetimes while they may be missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import lru_cache

from loaders.cache.fields import CacheField

UNHEALTHY_AGE_S = 30
"""How long values are cached whose changes may be missed. The database is then queried for
each at most twice a minute, and no cached value is older than this."""

_MAX_FIELDS = 4_096


class ListenerHealth:
    """Whether changes are known to reach this process: not before `mark_healthy`, and only until the time given there.

    `sources` are what the changes concern, and `subject` what messages call it. `dropped` is called when changes are no
    longer heard, since what is cached already must not be served from then on.
    """

    def __init__(self, sources: Collection[str], dropped: Callable[[], None], *, subject: str) -> None:
        self._sources = frozenset(sources)
        self._dropped = dropped
        self._until = 0.0
        self._is_kept = False
        self.reason: str | None = f"Changes of {subject} are not heard yet."
        """Why changes are not heard, in a sentence that may be public; None while they are."""

    @property
    def is_healthy(self) -> bool:
        """Whether every change that was committed more than some seconds ago has reached this process."""
        return time.monotonic() < self._until

    def mark_healthy(self, until: float) -> None:
        """Record that changes are heard, until a point in time of the monotonic clock."""
        self._until = max(until, self._until)
        self._is_kept = True
        self.reason = None

    def extend(self, until: float) -> None:
        """Extend a healthy state while the database does not answer, when nothing can be proven or disproven."""
        if self.is_healthy:
            self._until = max(until, self._until)

    def mark_unhealthy(self, reason: str) -> None:
        """Record that changes are not heard from now on, for a reason that may be public."""
        self._until = 0.0
        self.reason = reason
        if self._is_kept:
            self._is_kept = False
            self._dropped()

    def adjust(self, fields: Sequence[CacheField]) -> Sequence[CacheField]:
        """Return the fields in the same order; while this is not healthy, shorten those of the sources."""
        if self.is_healthy:
            return fields
        return tuple(item if self._sources.isdisjoint(item.sources) else _shortened(item) for item in fields)


class CombinedHealth:
    """Whether changes of several sources are heard, each of which shortens what depends on it alone."""

    def __init__(self, healths: Sequence[ListenerHealth]) -> None:
        self._healths = healths

    @property
    def reason(self) -> str | None:
        """Why changes are not heard, in sentences that may be public; None while all are."""
        return " ".join(health.reason for health in self._healths if health.reason is not None) or None

    def adjust(self, fields: Sequence[CacheField]) -> Sequence[CacheField]:
        """Return the fields in the same order, each shortened where changes that concern it are not heard."""
        for health in self._healths:
            fields = health.adjust(fields)
        return fields


@lru_cache(maxsize=_MAX_FIELDS)
def _shortened(field: CacheField) -> CacheField:
    """Return the field with a short freshness and no stale-while-revalidate; stale-if-error stays as it is."""
    freshness = field.freshness
    age_s = min(UNHEALTHY_AGE_S, freshness.fresh_s)
    return replace(field, freshness=replace(freshness, fresh_s=age_s, stale_while_revalidate_s=0))
