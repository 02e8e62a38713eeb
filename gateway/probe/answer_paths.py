"""Paths into an answer, such as `orders.*.placedAt`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_EACH = "*"
_PART = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]{1,6}|\*")


class NoSuchPlaceError(LookupError):
    """An answer has nothing at a path; it does not say what it has instead."""


@dataclass(frozen=True, slots=True)
class AnswerPath:
    """A path below an answer's `data`: fields or their aliases, places in a list from 0, and `*` for all of them."""

    text: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> AnswerPath:
        """Parse a path. Raises ValueError."""
        parts = tuple(text.split("."))
        if not all(map(_PART.fullmatch, parts)):
            raise ValueError(f"{text!r} is no path: write names, places and * with dots between, as orders.*.placedAt.")
        return cls(text, parts)

    def values(self, data: Any) -> list[Any]:
        """Return all values at the path; nulls on the way there are values too.

        Raises NoSuchPlaceError where a field or a place is missing, or where a list that `*` stands for is empty:
        nothing would be checked then.
        """
        values = list(_values(data, self.parts))
        if not values:
            raise NoSuchPlaceError
        return values


def _values(value: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    if not parts or value is None:
        yield value
        return
    part, *rest = parts
    if part == _EACH:
        if not isinstance(value, list):
            raise NoSuchPlaceError
        for item in value:
            yield from _values(item, tuple(rest))
        return
    yield from _values(_step(value, part), tuple(rest))


def _step(value: Any, part: str) -> Any:
    try:
        return value[int(part)] if isinstance(value, list) else value[part]
    except (ValueError, LookupError, TypeError) as error:
        raise NoSuchPlaceError from error
