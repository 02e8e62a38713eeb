"""Names of operations as values of a metric's label: those of trusted documents, and the most frequent others."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from loaders.instruments import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable

BATCH, EXPORT, UNKNOWN, UNNAMED = "batch", "export", "unknown", "unnamed"
"""The labels of requests with several operations, of exports, of requests that were refused before their operation was
read, and of operations without a name."""
RESERVED = frozenset({BATCH, EXPORT, OTHER, UNKNOWN, UNNAMED})
MAX_TRUSTED, MAX_NAMES = 400, 100
"""Names of trusted documents, and others, that are told apart. Each is a series for each outcome, and fifteen of a
histogram."""
WINDOW, MIN_COUNT = 1_000, 10
"""A name is one of the most frequent once this many of so many requests with other names had it."""
_MAX_LENGTH = 64
"""Characters of a name; what is longer was hardly written by hand."""


class OperationNames:
    """The operation names that have a label of their own; all others are OTHER.

    Names are the client's: without the bound, one that makes up a name for each request would make metrics without end.
    """

    def __init__(self, trusted: Iterable[str] = (), max_names: int = MAX_NAMES) -> None:
        self._labels = {"": UNNAMED, BATCH: BATCH, EXPORT: EXPORT, UNKNOWN: UNKNOWN}
        self._counts = Counter[str]()
        self._seen = 0
        for name in sorted(trusted)[:MAX_TRUSTED]:
            self._add(name)
        self._max_labels = len(self._labels) + max_names

    def label(self, name: str) -> str:
        """Return the label of an operation's name, and count that it was asked for."""
        return self._labels.get(name) or self._count(name)

    def _count(self, name: str) -> str:
        if len(self._labels) >= self._max_labels or not _may_be_label(name):
            return OTHER
        self._counts[name] += 1
        self._seen += 1
        is_frequent = self._counts[name] >= MIN_COUNT
        if is_frequent:
            self._add(name)
        if self._seen >= WINDOW:
            self._seen = 0
            self._counts.clear()
        return name if is_frequent else OTHER

    def _add(self, name: str) -> None:
        if _may_be_label(name):
            self._labels[name] = name
            self._counts.pop(name, None)


def _may_be_label(name: str) -> bool:
    return len(name) <= _MAX_LENGTH and name not in RESERVED
