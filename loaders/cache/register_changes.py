"""Changes of the register: the messages that announce them, and those that wait to be invalidated."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import orjson

from loaders.cache.invalidation import Change
from loaders.catalogue import SECTIONS
from loaders.catalogue.sources import AIRCRAFT_TABLE, REGISTER_TABLE

CHANNEL = "gateway_changes"

_MAX_KEYS = 10_000
"""Objects that wait at most while changes cannot be made known. With more of them, the whole register has changed."""

_SHARED = tuple(sorted({one.relation.source.name for one in SECTIONS.values() if one.relation.source.shared}))

_log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class _Table:
    """The part of the cache that depends on a table.

    A changed row concerns the object `prefix` + key, and the sources `with_each`; a change of the whole table concerns
    the sources `whole`.
    """

    prefix: str
    with_each: tuple[str, ...]
    whole: tuple[str, ...]


_OF_AIRCRAFT = _Table("aircraft:", _SHARED, (AIRCRAFT_TABLE.name, REGISTER_TABLE.name, *_SHARED))
_TABLES = {
    "aircraft": _OF_AIRCRAFT,
    "register": _OF_AIRCRAFT,
    "airline": _Table("airline:", (), ("airline",)),
    "airport": _Table("airport:", (), ("airport",)),
}

WHOLE_REGISTER = Change(sources=tuple(dict.fromkeys(source for table in _TABLES.values() for source in table.whole)))
"""A change of every aircraft's entry, every airline and every airport."""


def parse_change(message: str) -> Change:
    """Parse a message on the channel. One that cannot be read is a change of the whole register."""
    try:
        content = orjson.loads(message)
        table = _TABLES[content["table"]]
        if not content.get("keys"):
            return Change(sources=table.whole)
        return Change(tuple(table.prefix + key for key in content["keys"]), table.with_each)
    except (ValueError, KeyError, TypeError):
        _log.warning("A message on %s cannot be read, the whole register is invalidated: %.200s", CHANNEL, message)
        return WHOLE_REGISTER


class PendingChanges:
    """Changes that wait to be invalidated, merged into one. Bounded: too many objects become the whole register."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self._sources: dict[str, None] = {}

    def add(self, change: Change) -> None:
        """Merge a change into those that wait."""
        self._keys.update(dict.fromkeys(change.keys))
        self._sources.update(dict.fromkeys(change.sources))
        if len(self._keys) > _MAX_KEYS:
            self._keys.clear()
            self._sources.update(dict.fromkeys(WHOLE_REGISTER.sources))

    def take(self) -> Change:
        """Return all that waits, and empty the list."""
        change = Change(tuple(self._keys), tuple(self._sources))
        self._keys.clear()
        self._sources.clear()
        return change
