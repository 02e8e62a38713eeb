"""A dictionary that is bounded in entries and bytes, and evicts what was used least recently."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, ItemsView, Iterator, ValuesView
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _no_size(_key: object, _value: object) -> int:
    return 0


class LRUCache(Generic[K, V]):
    """Values by key, at most `max_entries` of them, and at most `max_bytes` together by what `size_of` says of each.

    `size_of` is called once for each value that is put. A value that is larger than `max_bytes` is not kept, and evicts
    no other. `on_evict` is called with each key and value that does not stay because of the bounds.

    It is not cachetools' LRUCache because a look-up there takes three times as long, and a request makes thousands.
    """

    __slots__ = (
        "_entries",
        "_max_bytes",
        "_max_entries",
        "_on_evict",
        "_size_of",
        "_sizes",
        "bytes",
        "evictions",
        "peek",
        "touch",
    )

    def __init__(
        self,
        *,
        max_entries: int | None = None,
        max_bytes: int | None = None,
        size_of: Callable[[K, V], int] | None = None,
        on_evict: Callable[[K, V], None] | None = None,
    ) -> None:
        if max_bytes is not None and size_of is None:
            raise ValueError("max_bytes needs size_of, which says how many bytes a value has.")
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._sizes: dict[K, int] = {}
        self._max_entries = sys.maxsize if max_entries is None else max_entries
        self._max_bytes = sys.maxsize if max_bytes is None else max_bytes
        self._size_of = size_of or _no_size
        self._on_evict = on_evict
        self.bytes = 0
        """The size of all values together."""
        self.evictions = 0
        """How many values were evicted to make room for others."""
        # Both are the methods of the dictionary itself: on hot paths, a call of Python's costs more than the look-up.
        self.peek = self._entries.get
        """Return the value of a key without marking it as used; None where there is none."""
        self.touch = self._entries.move_to_end
        """Mark a key as used. Raises KeyError where it is not there."""

    def get(self, key: K) -> V | None:
        """Return the value of a key and mark it as used; None where there is none."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Set the value of a key, mark it as used, and evict the least recently used ones that are over the bounds."""
        size = self._size_of(key, value)
        if size > self._max_bytes:
            self.pop(key)
            if self._on_evict is not None:
                self._on_evict(key, value)
            return
        if size or key in self._sizes:
            self.bytes += size - self._sizes.get(key, 0)
            self._sizes[key] = size
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries or self.bytes > self._max_bytes:
            evicted = self.pop_oldest()
            self.evictions += 1
            if self._on_evict is not None:
                self._on_evict(*evicted)

    def pop(self, key: K) -> V | None:
        """Remove a key, and return its value; None where there is none."""
        value = self._entries.pop(key, None)
        self.bytes -= self._sizes.pop(key, 0)
        return value

    def pop_oldest(self) -> tuple[K, V]:
        """Remove the key that was used least recently, and return it with its value. Raises KeyError when empty."""
        key, value = self._entries.popitem(last=False)
        self.bytes -= self._sizes.pop(key, 0)
        return key, value

    def clear(self) -> None:
        """Remove everything."""
        self._entries.clear()
        self._sizes.clear()
        self.bytes = 0

    def items(self) -> ItemsView[K, V]:
        """Return keys and values, the least recently used ones first."""
        return self._entries.items()

    def values(self) -> ValuesView[V]:
        """Return the values, the least recently used ones first."""
        return self._entries.values()

    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)
