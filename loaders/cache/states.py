"""Look up which cached values are fresh, stale and missing, without loading or leasing any."""

import time
from collections.abc import Mapping, Sequence

from loaders.cache.fields import CacheField, Entry, clock
from loaders.cache.local import LocalCache
from loaders.cache.shared import MAX_FIELDS, SharedCache

FRESH, STALE, MISSING = "fresh", "stale", "missing"

States = Mapping[CacheField, list[str]]
"""By field, FRESH, STALE or MISSING for each object, in order."""


async def states(
    local: LocalCache | None, shared: SharedCache, clock_ms: float, keys: Sequence[str], fields: Sequence[CacheField]
) -> States:
    """Return the states in memory and Redis. What Redis cannot be asked for, or is too much for it, counts as missing.

    Everything is missing where `local` is None, since nothing cached may be served then.
    """
    result = {item: [MISSING] * len(keys) for item in fields}
    if local is None:
        return result
    rows, stale, _ = local.get(keys, fields, clock(time.monotonic() * 1000 + clock_ms))
    missing = [index for index, row in enumerate(rows) if row is None]
    for index, row in enumerate(rows):
        for item in fields if row is not None else ():
            result[item][index] = FRESH
    for index, place in stale:
        if rows[index] is not None:
            result[fields[place]][index] = STALE
    looked = None
    if 0 < len(missing) * len(fields) <= MAX_FIELDS:
        looked = await shared.look_up([keys[index] for index in missing], fields, mode="look")
    if looked is not None:
        now = clock(looked.now_ms)
        for index, entries in zip(missing, looked.rows, strict=True):
            for item, entry in zip(fields, entries, strict=True):
                result[item][index] = _state(entry, now)
    return result


def _state(entry: Entry | None, now: bytes) -> str:
    if entry is None:
        return MISSING
    return FRESH if entry.times >= now else STALE
