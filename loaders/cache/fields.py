"""What is cached: one field of one object, and how it is written in Redis.

A text is three times, the epochs that it was loaded in, and the value as JSON. The times are 13 digits each,
milliseconds since 1970 by Redis' clock: until when the value is fresh, may be served while it is refreshed, and may be
served where a refresh fails. They are compared as they are written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import orjson

from loaders.catalogue.declaration import Freshness

TIMES = 39
NEVER = b"9" * TIMES
"""Times of what is always fresh."""
EPOCHS = 16
_HEADER = TIMES + EPOCHS

_JITTER = 0.1
"""Of an age, taken away, so that what was loaded together does not expire together."""
MIN_MS = 1000 * (1 - _JITTER)
"""Milliseconds that a second of age lasts at least."""
VARIANTS = 32
"""Different ages among values that were loaded together."""

_random = Random()  # noqa: S311 (nothing secret)


@dataclass(frozen=True, eq=False, slots=True)
class CacheField:
    """One thing that is cached of an object: a section with its arguments, or a record.

    `name` is unique among fields and says all that the value depends on; `source` is what it is invalidated with.
    `read` makes the value of what `orjson` read; it raises ValueError, TypeError or IndexError for anything else. `of`
    is what the loader knows it by. A field is equal to itself alone: whoever makes them, makes one of each.
    """

    name: str
    source: str
    freshness: Freshness
    read: Callable[[Any], Any]
    of: Any

    @property
    def is_brief(self) -> bool:
        """Whether it is never served stale while it is refreshed, and nothing that was kept for longer is served."""
        return not self.freshness.stale_while_revalidate_s


class Entry(NamedTuple):
    """A value with its times, and the length of its text in bytes."""

    value: Any
    times: bytes
    size: int


def clock(now_ms: float) -> bytes:
    """A point in time, to be compared with: `times >= clock` is fresh, `times[13:26] >= clock` may be served stale."""
    return b"%013d" % now_ms


def variants(freshness: Freshness, now_ms: int) -> list[bytes]:
    """The times of values that were loaded from `now_ms` on, in some variants that expire at different times."""
    return [_times(freshness, now_ms) for _ in range(VARIANTS)]


def written(value: Any, times: bytes, epochs: bytes) -> tuple[bytes, Entry] | None:
    """The text of a value, and its entry; None where it cannot be written."""
    try:
        text = times + epochs + orjson.dumps(value)
    except TypeError:  # a text that is not Unicode
        return None
    return text, Entry(value, times, len(text))


def entries(texts: Sequence[bytes], fields: Sequence[CacheField]) -> list[Entry | None]:
    """The entries that were written, one for each text; None for what is none of ours."""
    try:
        values = orjson.loads(b"[" + b",".join([text[_HEADER:] for text in texts]) + b"]")  # one call for all
        return [
            Entry(field.read(value), text[:TIMES], len(text))
            for field, value, text in zip(fields, values, texts, strict=True)
        ]
    except (ValueError, TypeError, IndexError):
        return [_entry(text, field) for text, field in zip(texts, fields, strict=True)]


def _entry(text: bytes, field: CacheField) -> Entry | None:
    try:
        return Entry(field.read(orjson.loads(text[_HEADER:])), text[:TIMES], len(text))
    except (ValueError, TypeError, IndexError):
        return None


def _times(freshness: Freshness, now_ms: int) -> bytes:
    fresh = now_ms + int(freshness.max_age_s * 1000 * _random.uniform(1 - _JITTER, 1))
    stale = fresh + freshness.stale_while_revalidate_s * 1000
    return b"%013d%013d%013d" % (fresh, stale, max(stale, fresh + freshness.stale_if_error_s * 1000))
