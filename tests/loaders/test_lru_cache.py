"""The bounded dictionary: what it evicts, in which order, and what it counts."""

from collections import OrderedDict
from random import Random

import pytest

from loaders.lru_cache import LRUCache


def _length(_key: str, value: str) -> int:
    return len(value)


def test_the_least_recently_used_entry_is_evicted_first() -> None:
    cache = LRUCache[str, int](max_entries=2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert list(cache.items()) == [("a", 1), ("c", 3)]
    assert cache.get("b") is None


def test_a_peek_does_not_mark_as_used_and_a_touch_does() -> None:
    cache = LRUCache[str, int](max_entries=2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert (cache.peek("a"), cache.peek("missing")) == (1, None)
    cache.put("c", 3)
    cache.touch("b")
    cache.put("d", 4)
    assert list(cache) == ["b", "d"]


def test_putting_a_key_again_replaces_its_value_and_its_size() -> None:
    cache = LRUCache[str, str](max_bytes=10, size_of=_length)
    cache.put("a", "12345")
    cache.put("b", "123")
    cache.put("a", "1")
    assert (list(cache.items()), cache.bytes, len(cache)) == ([("b", "123"), ("a", "1")], 4, 2)
    cache.put("a", "")
    assert cache.bytes == 3


def test_entries_are_evicted_until_the_bytes_fit() -> None:
    evicted: list[tuple[str, str]] = []
    cache = LRUCache[str, str](max_bytes=6, size_of=_length, on_evict=lambda key, value: evicted.append((key, value)))
    for key in "abc":
        cache.put(key, key * 2)
    cache.put("d", "ddddd")
    assert (list(cache), cache.bytes) == (["d"], 5)
    assert evicted == [("a", "aa"), ("b", "bb"), ("c", "cc")]


def test_a_value_that_is_larger_than_the_bound_is_not_kept_and_evicts_no_other() -> None:
    evicted: list[tuple[str, str]] = []
    cache = LRUCache[str, str](max_bytes=3, size_of=_length, on_evict=lambda key, value: evicted.append((key, value)))
    cache.put("a", "1")
    cache.put("b", "12")
    cache.put("b", "1234")
    assert (list(cache.items()), cache.bytes, evicted) == ([("a", "1")], 1, [("b", "1234")])


def test_what_is_removed_frees_its_bytes_and_is_not_reported_as_evicted() -> None:
    evicted: list[str] = []
    cache = LRUCache[str, str](max_bytes=10, size_of=_length, on_evict=lambda key, _: evicted.append(key))
    for key in "abc":
        cache.put(key, key * 3)
    assert (cache.pop("b"), cache.pop("b"), cache.bytes) == ("bbb", None, 6)
    assert (cache.pop_oldest(), cache.bytes) == (("a", "aaa"), 3)
    cache.clear()
    assert (len(cache), cache.bytes, "c" in cache, list(cache.values())) == (0, 0, False, [])
    with pytest.raises(KeyError):
        cache.pop_oldest()
    assert evicted == []


def test_a_cache_without_bounds_evicts_nothing() -> None:
    cache = LRUCache[int, int]()
    for key in range(1_000):
        cache.put(key, key)
    assert (len(cache), cache.bytes) == (1_000, 0)


def test_bytes_need_a_function_that_counts_them() -> None:
    with pytest.raises(ValueError, match="max_bytes needs size_of"):
        LRUCache[str, str](max_bytes=1)


def test_random_operations_do_what_a_simple_model_does() -> None:
    random = Random(11)
    cache, model = LRUCache[str, str](max_entries=5, max_bytes=20, size_of=_length), OrderedDict[str, str]()
    for _ in range(5_000):
        key, value = random.choice("abcdefghij"), "x" * random.randrange(9)
        match random.randrange(4):
            case 0:
                assert cache.get(key) == model.get(key)
                if key in model:
                    model.move_to_end(key)
            case 1:
                assert cache.pop(key) == model.pop(key, None)
            case _:
                cache.put(key, value)
                model.pop(key, None)
                model[key] = value
                while len(model) > 5 or sum(map(len, model.values())) > 20:
                    model.popitem(last=False)
        assert list(cache.items()) == list(model.items())
        assert cache.bytes == sum(map(len, model.values()))
