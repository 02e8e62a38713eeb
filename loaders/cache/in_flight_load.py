"""What is on its way from the stores."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.cache.fields import NEVER, CacheField
from loaders.request_tracker import current_request
from loaders.stores.errors import StoreError

Wanted = dict[CacheField, list[str]]
"""Objects by the field that is wanted of them."""
Answers = Mapping[CacheField, Mapping[str, Any] | StoreError]
"""Values by field and object; the error where a field could not be loaded. An object that is left out has None."""
Load = Callable[[Wanted], Awaitable[Answers]]
"""Asks the stores, fused."""


@dataclass(eq=False, slots=True)
class Flight:
    """Objects whose fields are being fetched; `rows` has an object's values in the order of the fields."""

    keys: Sequence[str]
    fields: Sequence[CacheField]
    load: Load
    rows: dict[str, list[Any]] = field(default_factory=dict)
    errors: dict[str, StoreError] = field(default_factory=dict)
    """By name of the field."""
    stale: Counter[CacheField] = field(default_factory=Counter)
    missed: Counter[CacheField] = field(default_factory=Counter)
    oldest: bytes = NEVER
    """The times of the least fresh of it."""
    outdated: bool = False
    """Whether something was invalidated that it may have read before: then nothing of it is kept in memory."""


def note(
    keys: Sequence[str],
    fields: Sequence[CacheField],
    fresh_until: float,
    stale: Counter[CacheField],
    flights: Sequence[Flight],
) -> None:
    """Record, for the current request, what came from memory, where `stale` counts, and from these flights.

    `fresh_until` is in seconds of the monotonic clock.
    """
    tracker = current_request()
    if tracker is None:
        return
    stale_s = min(one.freshness.stale_while_revalidate_s for one in fields)
    tracker.cache_policy.depends_on(keys, (one.source for one in fields), fresh_until, stale_s)
    for one in fields:
        missed = min(len(keys), sum(flight.missed[one] for flight in flights))
        served_stale = min(len(keys) - missed, stale[one] + sum(flight.stale[one] for flight in flights))
        tracker.stats.count(one.name, "fresh", len(keys) - missed - served_stale)
        tracker.stats.count(one.name, "stale", served_stale)
        tracker.stats.count(one.name, "missed", missed)
