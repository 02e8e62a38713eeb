"""The memory of a process forgets what was dropped, and remembers no more than it needs for that."""

from __future__ import annotations

from typing import Any

from loaders.cache.fields import NEVER, CacheField, Entry, clock
from loaders.cache.local import LocalCache
from loaders.model.databases import Freshness

NOW = clock(0)


def field_of(*sources: str, name: str = "name") -> CacheField:
    """Return a field that depends on sources."""
    return CacheField(name, sources, Freshness(60, 600, 3_600), lambda value: value, None)


def value_of(local: LocalCache, field: CacheField) -> Any:
    """Return the row of the one object, as far as it is there."""
    (row,), _, _ = local.get(["key"], [field], NOW)
    return row


def test_a_dropped_source_takes_its_values_with_it() -> None:
    local, field = LocalCache(10, 10_000), field_of("table", "table@a")
    local.put("key", [field], [Entry(1, NEVER, 1)])
    local.drop((), ["table@b"])
    assert value_of(local, field) == [1]
    local.drop((), ["table@a"])
    assert value_of(local, field) is None


def test_sources_of_many_tenants_do_not_pile_up() -> None:
    local, field = LocalCache(10, 10_000), field_of("table")
    for number in range(100_000):
        value_of(local, field_of(f"table@{number}"))
    assert not local._generations, "a look-up leaves no trace"
    local.drop((), ["table"])
    local.put("key", [field], [Entry(1, NEVER, 1)])
    local.drop((), [f"table@{number}" for number in range(99_999)])
    assert value_of(local, field) == [1]
    local.drop((), ["table@99999"])
    assert value_of(local, field) is None, "everything goes with the sources that are forgotten"
    assert not local._generations
    assert (local.entries, local.bytes) == (0, 0)
