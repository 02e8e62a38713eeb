"""Messages that announce changes on a channel of PostgreSQL, as a model's cache knows them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from loaders.cache.invalidation import Change
from loaders.model.key_spaces import KeySpace
from loaders.model.names import table_parts
from loaders.objects.table_changes import TableChanges, merged
from loaders.statements.parameters import TenantScope

_log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class ChannelMessages:
    """Reads the messages of one channel: a JSON object with a `table`, and perhaps `keys` and a `tenant`.

    `tables` are by the names that messages have for them: those of two schemas may share one.
    """

    channel: str
    tables: Mapping[str, tuple[TableChanges, ...]]

    @classmethod
    def of(cls, channel: str, tables: Iterable[TableChanges]) -> ChannelMessages:
        """Return the reader of messages about some tables, by their names with and without the schema."""
        by_name: dict[str, tuple[TableChanges, ...]] = {}
        for each in tables:
            parts = table_parts(each.table.name)
            for name in dict.fromkeys((parts[-1], ".".join(parts))):
                by_name[name] = (*by_name.get(name, ()), each)
        return cls(channel, by_name)

    def __call__(self, message: str) -> Change:
        """Return what a message announces. One that cannot be read is a change of all tables of the channel."""
        try:
            content = orjson.loads(message)
            return merged(_change(each, content) for each in self.tables[content["table"]])
        except (ValueError, KeyError, TypeError):
            said = "A message on %s cannot be read, or names a table that the model does not; all of it is invalidated"
            _log.warning(f"{said}: %.200s", self.channel, message)
            return merged(each.whole() for some in self.tables.values() for each in some)


def _change(table: TableChanges, content: Mapping[str, Any]) -> Change:
    """Return the change of one table. Raises ValueError or TypeError for a message that cannot be read."""
    keys = content.get("keys")
    if not keys:
        return table.whole()
    if not isinstance(keys, list):
        raise ValueError("keys are a list")
    texts = list(map(_text, keys))
    return table.of_rows({space: _values(space, texts) for space in table.spaces}, _tenant(table, content))


def _tenant(table: TableChanges, content: Mapping[str, Any]) -> TenantScope | None:
    """Return whose rows have changed; None where the message does not say, or the model has no tenants."""
    scalar, tenant = table.model.tenant_scalar, content.get("tenant")
    if scalar is None or tenant is None:
        return None
    value = scalar.read_key(_text(tenant)) if scalar.read_key is not None else None
    if value is None:
        raise ValueError("not a tenant")
    return TenantScope(scalar, value)


def _values(space: KeySpace, texts: Iterable[str]) -> list[Any]:
    values = list(map(space.key.read, texts))
    if None in values:
        raise ValueError("not a key")
    return values


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("keys are texts or numbers")
    return str(value)
