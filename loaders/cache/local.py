"""The cache in the memory of a process, bounded in entries and bytes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from loaders.cache.fields import NEVER, CacheField, Entry
from loaders.lru_cache import LRUCache

_OVERHEAD = 400
"""Bytes that an entry takes beside its value: its object, its place in two dictionaries, its times."""
_EXPANSION = 6
"""About how many times larger a value is in memory than its text."""
_MAX_GENERATIONS = 100_000
"""Sources whose generation is remembered: each tenant has its own, and tenants may come and go for years."""


@dataclass(slots=True)
class _Held:
    """The entries of one object by name of the field, each with the generation of its sources when it was put."""

    fields: dict[str, tuple[Entry, int]] = field(default_factory=dict)
    bytes: int = 0


class LocalCache:
    """Entries by object and field. Past the bounds, the least recently used objects are evicted whole."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._objects = LRUCache[str, _Held]()
        self._generations: dict[str, int] = {}
        """How often each source was dropped."""
        self.entries = 0
        self.bytes = 0
        self.evictions = 0
        """How many entries were evicted to make room for others."""

    def __len__(self) -> int:
        return self.entries

    def get(
        self, keys: Sequence[str], fields: Sequence[CacheField], now: bytes
    ) -> tuple[list[list[Any] | None], list[tuple[int, int]], bytes]:
        """Return a row of values for each object, None where one of them is missing; the row and column of each stale
        value; and the times of the least fresh one.
        """
        names = [(item.name, self._generation(item), item.is_brief) for item in fields]
        stale: list[tuple[int, int]] = []
        rows: list[list[Any] | None] = []
        oldest = NEVER
        for key in keys:
            held = self._objects.peek(key)
            row = None if held is None else _row(held.fields, names, now, len(rows), stale)
            if row is None:
                rows.append(None)
                continue
            self._objects.touch(key)
            values, times = row
            rows.append(values)
            oldest = min(oldest, times)
        return rows, stale, oldest

    def put(self, key: str, fields: Sequence[CacheField], entries: Sequence[Entry]) -> None:
        """Put entries of an object, and evict others where there are too many."""
        if not self._max_entries:
            return
        held = self._objects.peek(key)
        if held is None:
            held = _Held()
            self._objects.put(key, held)
        before, bytes_before = len(held.fields), held.bytes
        for item, entry in zip(fields, entries, strict=True):
            known = held.fields.get(item.name)
            held.bytes += _size(entry) - (_size(known[0]) if known else 0)
            held.fields[item.name] = (entry, self._generation(item))
        self.bytes += held.bytes - bytes_before
        self.entries += len(held.fields) - before
        while self.entries > self._max_entries or self.bytes > self._max_bytes:
            evicted = self._objects.pop_oldest()[1]
            self.evictions += len(evicted.fields)
            self._subtract(evicted)

    def drop(self, keys: Collection[str], sources: Collection[str]) -> None:
        """Drop these objects, and all values that came from these sources."""
        for key in keys:
            held = self._objects.pop(key)
            if held is not None:
                self._subtract(held)
        for source in sources:
            # Entries of older generations are never returned.
            self._generations[source] = self._generations.get(source, 0) + 1
        if len(self._generations) > _MAX_GENERATIONS:
            self.clear()

    def clear(self) -> None:
        """Drop everything."""
        self._objects.clear()
        self._generations.clear()
        self.entries = self.bytes = 0

    def _generation(self, item: CacheField) -> int:
        """Return a number that grows whenever one of the field's sources is dropped."""
        return sum(map(self._generations.get, item.sources, repeat(0)))

    def _subtract(self, held: _Held) -> None:
        self.entries -= len(held.fields)
        self.bytes -= held.bytes


def _row(
    held: dict[str, tuple[Entry, int]],
    names: Sequence[tuple[str, int, bool]],
    now: bytes,
    index: int,
    stale: list[tuple[int, int]],
) -> tuple[list[Any], bytes] | None:
    row: list[Any] = []
    oldest = NEVER
    for name, generation, is_brief in names:
        known = held.get(name)
        if known is None or known[1] != generation:
            return None
        value, times, _ = known[0]
        if is_brief and times[:13] != times[13:26]:
            return None
        if times < now:
            if times[13:26] < now:
                return None
            stale.append((index, len(row)))
        if times < oldest:
            oldest = times
        row.append(value)
    return row, oldest


def _size(entry: Entry) -> int:
    return entry.size * _EXPANSION + _OVERHEAD
