"""Change feeds: how the gateway hears that rows of a table have changed, where a model says a way."""

from __future__ import annotations

from dataclasses import dataclass, field

from loaders.model.calls import noting


@dataclass(frozen=True, slots=True)
class Polls:
    """Rows whose `column` has grown since the last look have changed; the gateway looks each `every_s` seconds.

    The column is an instant, or a whole number that is greater than any of the table before; an index on it makes looks
    cheap. Rows that are deleted are not seen: what they fed is served for as long as it is fresh.
    """

    column: str
    every_s: float
    mistakes: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Notifies:
    """PostgreSQL announces changes on a channel, with triggers that are the model's own.

    A message is a JSON object. Its `table` is the table's name, with or without the schema, and its `keys` are texts of
    the values that `key` has in the changed rows: the key of the object type over the table, or the columns named here.
    Without `keys`, any row may have changed. Its `tenant` says whose rows they are; without it, they may be anybody's.
    """

    channel: str
    key: str = ""
    mistakes: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)


ChangeFeed = Polls | Notifies


@noting("m.polls")
def polls(column: str, *, every_s: float) -> Polls:
    """Say that changes of a table are found by a column that grows with each change, such as `updated_at`."""
    return Polls(column, every_s)


@noting("m.notifies")
def notifies(channel: str, *, key: str = "") -> Notifies:
    """Say that a table's own triggers announce its changes on a channel of PostgreSQL."""
    return Notifies(channel, key)
