"""Whether changes of the register are heard of, and how long it is cached while they are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import lru_cache

from loaders.cache.fields import CacheField

UNHEARD_AGE_S = 30
"""How long anything that the register feeds is cached while its changes are not heard: a database that is asked twice a
minute bears it, and nobody is served an older answer."""

_STARTING = "Changes of the register are not heard yet."
_MOST_FIELDS = 4_096


class Hearing:
    """A process's knowledge of it. Nothing is heard until it is said, and only for as long as that.

    `dropped` is called when changes are heard no longer: nothing that was kept may be served then.
    """

    def __init__(self, sources: Collection[str], dropped: Callable[[], None]) -> None:
        self._sources = frozenset(sources)
        self._dropped = dropped
        self._until = 0.0
        self._is_kept = False
        self.reason: str | None = _STARTING
        """Why changes are not heard, in a sentence that may be public; None while they are."""

    @property
    def is_heard(self) -> bool:
        """Whether all changes are known that were committed some seconds ago."""
        return time.monotonic() < self._until

    def heard(self, until: float) -> None:
        """Changes are heard, which holds until a point in time of the monotonic clock."""
        self._until = max(until, self._until)
        self._is_kept = True
        self.reason = None

    def hold(self, until: float) -> None:
        """Nobody can tell, since the database does not answer: if changes were heard, that goes on holding."""
        if self.is_heard:
            self._until = max(until, self._until)

    def unheard(self, reason: str) -> None:
        """Changes are not heard, from now on."""
        self._until = 0.0
        self.reason = reason
        if self._is_kept:
            self._is_kept = False
            self._dropped()

    def fields(self, fields: Sequence[CacheField]) -> Sequence[CacheField]:
        """The fields as they are cached now, in the same order: those that the register feeds for a shorter time."""
        if self.is_heard:
            return fields
        return tuple(_shortened(one) if one.source in self._sources else one for one in fields)


@lru_cache(maxsize=_MOST_FIELDS)
def _shortened(field: CacheField) -> CacheField:
    """Served for a short time, and not after it; where loading fails, as long as ever."""
    freshness = field.freshness
    age_s = min(UNHEARD_AGE_S, freshness.max_age_s)
    return replace(field, freshness=replace(freshness, max_age_s=age_s, stale_while_revalidate_s=0))
