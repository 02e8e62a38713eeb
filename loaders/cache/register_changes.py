"""Changes of the register: the messages that announce them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import orjson

from loaders.cache.invalidation import Change
from loaders.cache.notifications import NotificationSource
from loaders.catalogue import SECTIONS
from loaders.catalogue.sources import AIRCRAFT_TABLE, REGISTER_TABLE
from loaders.stores.postgres import Postgres

CHANNEL = "gateway_changes"

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


def register_source(postgres: Postgres) -> NotificationSource:
    """Return where changes of the register are heard."""
    return NotificationSource(postgres, {CHANNEL: parse_change}, WHOLE_REGISTER, "the register")
