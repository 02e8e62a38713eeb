"""A load that is in flight, and the types of what it asks the stores for."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from loaders.cache.fields import NEVER, CacheField
from loaders.request_tracker import current_request
from loaders.stores.errors import StoreError

KeysByField = dict[CacheField, list[str]]
"""The keys of the objects to load, by the field that is needed of them."""
LoadedValues = Mapping[CacheField, Mapping[str, Any] | StoreError]
"""Values by field and key; the error of a field that could not be loaded. A key that is left out has the value None."""
LoadFunction = Callable[[KeysByField], Awaitable[LoadedValues]]
"""Loads from the stores, in as few statements as possible."""


@dataclass(eq=False, slots=True)
class InFlightLoad:
    """Objects whose fields are being loaded; `rows` has the values of each, in the order of the fields."""

    keys: Sequence[str]
    fields: Sequence[CacheField]
    load: LoadFunction
    rows: dict[str, list[Any]] = field(default_factory=dict)
    errors: dict[str, StoreError] = field(default_factory=dict)
    """The error of each field that failed, by the field's name."""
    stale: Counter[CacheField] = field(default_factory=Counter)
    missed: Counter[CacheField] = field(default_factory=Counter)
    oldest: bytes = NEVER
    """The times of its least fresh value."""
    outdated: bool = False
    """Whether a change came that it may predate: then its values are not cached in memory, and no request joins it."""


def record_fetch(
    keys: Sequence[str],
    fields: Sequence[CacheField],
    fresh_until: float,
    stale: Counter[CacheField],
    loads: Sequence[InFlightLoad],
) -> None:
    """Record, for the current request, what came from memory, where `stale` counts, and from these loads.

    `fresh_until` is in seconds of the monotonic clock.
    """
    tracker = current_request()
    if tracker is None:
        return
    stale_s = min(each.freshness.stale_while_revalidate_s for each in fields)
    tracker.cache_policy.depends_on(keys, chain.from_iterable(each.sources for each in fields), fresh_until, stale_s)
    for each in fields:
        missed = min(len(keys), sum(load.missed[each] for load in loads))
        served_stale = min(len(keys) - missed, stale[each] + sum(load.stale[each] for load in loads))
        tracker.stats.count(each.label or each.name, "fresh", len(keys) - missed - served_stale)
        tracker.stats.count(each.label or each.name, "stale", served_stale)
        tracker.stats.count(each.label or each.name, "missed", missed)
