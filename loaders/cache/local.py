"""The cache in the process: bounded in entries and bytes, emptied of what is invalidated."""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.cache.fields import NEVER, CacheField, Entry

_OVERHEAD = 400
"""Bytes that an entry takes beside what it holds: its object, its place in two dictionaries, its times."""
_EXPANSION = 6
"""How many times as large values are in memory as they are written, about."""


@dataclass(slots=True)
class _Held:
    """An object's entries by name of the field, each with the generation of its source that it belongs to."""

    fields: dict[str, tuple[Entry, int]] = field(default_factory=dict)
    bytes: int = 0


class LocalCache:
    """Entries by object and field. What was used least lately goes first, an object at a time."""

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._objects: OrderedDict[str, _Held] = OrderedDict()
        self._generations: defaultdict[str, int] = defaultdict(int)
        self.entries = 0
        self.bytes = 0

    def get(
        self, keys: Sequence[str], fields: Sequence[CacheField], now: bytes
    ) -> tuple[list[list[Any] | None], list[tuple[int, int]], bytes]:
        """By object, the values of all fields, or None where one is lacking; places whose value is stale; and the times
        of the least fresh.
        """
        names = [(one.name, self._generations[one.source], one.is_brief) for one in fields]
        stale: list[tuple[int, int]] = []
        rows: list[list[Any] | None] = []
        oldest = NEVER
        for key in keys:
            held = self._objects.get(key)
            row = None if held is None else _row(held.fields, names, now, len(rows), stale)
            if row is None:
                rows.append(None)
                continue
            self._objects.move_to_end(key)
            values, times = row
            rows.append(values)
            oldest = min(oldest, times)
        return rows, stale, oldest

    def put(self, key: str, fields: Sequence[CacheField], entries: Sequence[Entry]) -> None:
        """Hold an object's entries, and let go of what is too much."""
        if not self._most_entries:
            return
        held = self._objects.get(key)
        if held is None:
            held = self._objects[key] = _Held()
        before, bytes_before = len(held.fields), held.bytes
        for one, entry in zip(fields, entries, strict=True):
            known = held.fields.get(one.name)
            held.bytes += _size(entry) - (_size(known[0]) if known else 0)
            held.fields[one.name] = (entry, self._generations[one.source])
        self.bytes += held.bytes - bytes_before
        self.entries += len(held.fields) - before
        while self.entries > self._most_entries or self.bytes > self._most_bytes:
            self._drop(next(iter(self._objects)))

    def drop(self, keys: Collection[str], sources: Collection[str]) -> None:
        """Let go of these objects, and of all that these sources answered."""
        for key in keys:
            if key in self._objects:
                self._drop(key)
        for source in sources:
            self._generations[source] += 1  # what is of an older generation is found no more, and goes in its turn

    def clear(self) -> None:
        """Let go of everything."""
        self._objects.clear()
        self.entries = self.bytes = 0

    def _drop(self, key: str) -> None:
        held = self._objects.pop(key)
        self.entries -= len(held.fields)
        self.bytes -= held.bytes


def _row(
    held: dict[str, tuple[Entry, int]],
    names: Sequence[tuple[str, int, bool]],
    now: bytes,
    at: int,
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
            stale.append((at, len(row)))
        if times < oldest:
            oldest = times
        row.append(value)
    return row, oldest


def _size(entry: Entry) -> int:
    return entry.size * _EXPANSION + _OVERHEAD
