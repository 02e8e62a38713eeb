"""Names of operations as values of a metric's label: those of trusted documents, and the most frequent others."""

from __future__ import annotations

import fcntl
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from loaders.instruments import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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


class SharedNames:
    """The names that the workers of a gateway have given labels, in a file: all of them together have the bound."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: frozenset[str] = frozenset()

    def claim(self, name: str) -> bool:
        """Return whether a name has a label, or gets one now; none is given while the file cannot be written."""
        if name not in self._known and len(self._known) < MAX_NAMES:
            with suppress(OSError):  # the disk is full: the request was answered, and is counted as OTHER
                self._known = self._claimed(name)
        return name in self._known

    def _claimed(self, name: str) -> frozenset[str]:
        """Write a name to the file if there is room for it, and return all that are there."""
        with self._path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
            file.seek(0)
            known = frozenset(file.read().split())
            if name in known or len(known) >= MAX_NAMES:
                return known
            file.write(f"{name}\n")
        return known | {name}


class OperationNames:
    """The operation names that have a label of their own; all others are OTHER.

    Names are the client's: without the bound, one that makes up a name for each request would make metrics without end.
    """

    def __init__(self, trusted: Iterable[str] = (), shared: SharedNames | None = None) -> None:
        self._labels = {"": UNNAMED, BATCH: BATCH, EXPORT: EXPORT, UNKNOWN: UNKNOWN}
        self._counts = Counter[str]()
        self._seen = 0
        for name in sorted(trusted)[:MAX_TRUSTED]:
            self._add(name)
        self._max_labels = len(self._labels) + MAX_NAMES
        self._shared = shared

    def label(self, name: str) -> str:
        """Return the label of an operation's name, and count that it was asked for."""
        return self._labels.get(name) or self._count(name)

    def _count(self, name: str) -> str:
        if len(self._labels) >= self._max_labels or not _may_be_label(name):
            return OTHER
        self._counts[name] += 1
        self._seen += 1
        is_frequent = self._counts[name] >= MIN_COUNT and (self._shared is None or self._shared.claim(name))
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
