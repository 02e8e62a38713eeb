"""A store that is written and read by the tests, in place of the databases behind a cache."""

import asyncio
from collections import Counter
from typing import Any

from loaders.cache.fields import CacheField
from loaders.cache.in_flight_load import KeysByField, LoadedValues
from loaders.model.databases import Freshness
from loaders.stores.errors import StoreUnavailable

LONG = Freshness(fresh_s=1_000, stale_while_revalidate_s=1_000, stale_if_error_s=1_000)
SHORT = Freshness(fresh_s=0, stale_while_revalidate_s=1_000, stale_if_error_s=1_000)
"""Stale as soon as it is loaded."""
GONE = Freshness(fresh_s=0, stale_while_revalidate_s=0, stale_if_error_s=1_000)
"""Served only where it cannot be loaded."""


def field(name: str, freshness: Freshness = LONG, source: str = "source", *further: str) -> CacheField:
    return CacheField(name, (source, *further), freshness, lambda value: value, name)


class Truth:
    """Answers `version` of an object for every field; counts what it is asked."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.versions: Counter[str] = Counter()
        self.asked: list[dict[str, list[str]]] = []
        self.began = asyncio.Event()
        self.delay_s = delay_s
        self.fails = False

    async def __call__(self, keys_by_field: KeysByField) -> LoadedValues:
        """Reads first, then takes its time: what is written meanwhile is not in the answer."""
        self.began.set()
        self.asked.append({item.name: list(keys) for item, keys in keys_by_field.items()})
        answers: dict[CacheField, Any] = {
            item: {key: [item.name, key, self.versions[key]] for key in keys if key != "unknown"}
            for item, keys in keys_by_field.items()
        }
        await asyncio.sleep(self.delay_s)
        if self.fails:
            return dict.fromkeys(keys_by_field, StoreUnavailable("truth", "away"))
        return answers

    def value(self, item: CacheField, key: str) -> Any:
        return [item.name, key, self.versions[key]]
