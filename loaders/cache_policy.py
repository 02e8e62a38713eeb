"""The cache policy of one response: whether and for how long it may be cached, and what invalidates it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class CachePolicy:
    """The cache policy of one answer, filled in while the request is answered.

    `keys` and `sources` are the objects and sources that the answer depends on, as they are invalidated. `fresh_until`
    is when the least fresh part of it becomes stale, in seconds of the monotonic clock; None where nothing of it came
    by way of the cache.
    """

    keys: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    fresh_until: float | None = None
    stale_while_revalidate_s: int = 0
    """How long after `fresh_until` the answer may be served while it is refreshed: the shortest time of its parts."""
    is_kept: bool = True
    """Whether the answer may be cached: not where a part of it was read from a store past the cache."""

    def depends_on(self, keys: Iterable[str], sources: Iterable[str], fresh_until: float, stale_s: int) -> None:
        """Add what was read by way of the cache; `stale_s` is how long it may be served stale."""
        self.keys.update(keys)
        self.sources.update(sources)
        first = self.fresh_until is None
        self.fresh_until = fresh_until if first else min(fresh_until, self.fresh_until or 0.0)
        self.stale_while_revalidate_s = stale_s if first else min(stale_s, self.stale_while_revalidate_s)

    def fresh_for_s(self) -> float:
        """Return for how many seconds the whole answer stays fresh; 0 where a part is stale or may not be cached."""
        if self.fresh_until is None or not self.is_kept:
            return 0.0
        return max(0.0, self.fresh_until - time.monotonic())
