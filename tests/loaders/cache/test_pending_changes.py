"""Changes that wait are few, whatever has changed meanwhile."""

from loaders.cache.invalidation import Change
from loaders.cache.pending_changes import PendingChanges

WHOLE = Change(sources=("table",))


def test_changes_are_merged_and_taken_once() -> None:
    pending = PendingChanges(WHOLE)
    pending.add(Change(("a", "b"), ("s",)))
    pending.add(Change(("b", "c"), ("s", "t")))
    assert pending.take() == Change(("a", "b", "c"), ("s", "t"))
    assert pending.take() == Change()


def test_too_many_objects_are_a_change_of_everything() -> None:
    pending = PendingChanges(WHOLE)
    for number in range(10_001):
        pending.add(Change((str(number),)))
    assert pending.take() == WHOLE


def test_sources_of_too_many_tenants_are_a_change_of_everything() -> None:
    pending = PendingChanges(WHOLE)
    for number in range(10_001):
        pending.add(Change(sources=(f"table@{number}",)))
    pending.add(Change(("a",), ("table@1",)))
    assert pending.take() == Change(("a",), ("table", "table@1"))
