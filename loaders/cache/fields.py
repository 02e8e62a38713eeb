"""Cached fields, and how their values are written in Redis.

A text consists of three times, the epochs in which the value was loaded, and the value as JSON. The times have 13
digits each, milliseconds since 1970 by the clock of Redis: until when the value is fresh, may be served while it is
refreshed, and may be served where a refresh fails. They are compared as bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from random import SystemRandom
from typing import Any, NamedTuple

import orjson

from loaders.model.databases import Freshness

TIMES = 39
NEVER = b"9" * TIMES
"""The times of a value that is always fresh."""
EPOCHS = 16
_HEADER = TIMES + EPOCHS

_JITTER = 0.1
"""Maximum share by which an age is shortened, so that what was loaded together does not expire together."""
MIN_MS = 1000 * (1 - _JITTER)
"""Minimum milliseconds of one second of age."""
VARIANTS = 32
"""Number of different ages among values that were loaded together."""

_random = SystemRandom()


@dataclass(frozen=True, eq=False, slots=True)
class CacheField:
    """A field of objects that is cached: a section with its arguments, or a record.

    `name` is unique among fields and includes everything that the value depends on; each of `sources` invalidates it.
    `read` converts what orjson parsed into the value, and raises ValueError, TypeError or IndexError for anything else.
    `of` identifies the field for its loader. `label` is what statistics call it, the name where it is empty. A field
    equals only itself, so each must be created once.
    """

    name: str
    sources: tuple[str, ...]
    freshness: Freshness
    read: Callable[[Any], Any]
    of: Any
    label: str = ""
    store: str = ""
    """The store that it is loaded from, for errors."""

    @property
    def section_name(self) -> str:
        """The name of the section alone, without the arguments that follow it in the label: these are values."""
        return self.label.partition(" ")[0]

    @property
    def is_brief(self) -> bool:
        """Whether values are never served stale while they are refreshed, nor served if they were cached for longer."""
        return not self.freshness.stale_while_revalidate_s


class Entry(NamedTuple):
    """A value with its times, and the length of its text in bytes."""

    value: Any
    times: bytes
    size: int


def clock(now_ms: float) -> bytes:
    """Format a time for comparison: `times >= clock` is fresh, and `times[13:26] >= clock` may be served stale."""
    return b"%013d" % now_ms


def variants(freshness: Freshness, now_ms: int) -> list[bytes]:
    """Return the times of values loaded from `now_ms` on, in variants that expire at different times."""
    return [_times(freshness, now_ms) for _ in range(VARIANTS)]


def written(value: Any, times: bytes, epochs: bytes) -> tuple[bytes, Entry] | None:
    """Encode a value. Return its text and entry; None where it cannot be written as JSON."""
    try:
        json = orjson.dumps(value)
    except TypeError:  # a text that is not Unicode
        return None
    if b"null" in json and not _is_finite(value):  # orjson writes NaN and infinity as null
        return None
    text = times + epochs + json
    return text, Entry(value, times, len(text))


def _is_finite(value: Any) -> bool:
    if type(value) is float:
        return isfinite(value)
    if type(value) is dict:
        value = value.values()
    elif type(value) not in (list, tuple):
        return True
    return all(map(_is_finite, value))


def entries(texts: Sequence[bytes], fields: Sequence[CacheField]) -> list[Entry | None]:
    """Decode the entries, one for each text; None for a malformed text."""
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
    fresh = now_ms + int(freshness.fresh_s * 1000 * _random.uniform(1 - _JITTER, 1))
    stale = fresh + freshness.stale_while_revalidate_s * 1000
    return b"%013d%013d%013d" % (fresh, stale, max(stale, fresh + freshness.stale_if_error_s * 1000))
