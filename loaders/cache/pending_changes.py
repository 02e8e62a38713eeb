"""Changes that wait to be invalidated."""

from __future__ import annotations

from loaders.cache.invalidation import Change

_MAX_WAITING = 10_000
"""Objects and sources that wait at most while changes cannot be made known. With more, everything has changed."""


class PendingChanges:
    """Changes that wait, merged into one.

    Too many objects and sources, of which each tenant has its own, become `whole`: the change of everything.
    """

    def __init__(self, whole: Change) -> None:
        self._whole = whole
        self._keys: dict[str, None] = {}
        self._sources: dict[str, None] = {}

    def add(self, change: Change) -> None:
        """Merge a change into those that wait."""
        self._keys.update(dict.fromkeys(change.keys))
        self._sources.update(dict.fromkeys(change.sources))
        if len(self._keys) + len(self._sources) > _MAX_WAITING:
            self._keys.clear()
            self._sources = dict.fromkeys(self._whole.sources)

    def take(self) -> Change:
        """Return all that waits, and empty the list."""
        change = Change(tuple(self._keys), tuple(self._sources))
        self._keys.clear()
        self._sources.clear()
        return change
