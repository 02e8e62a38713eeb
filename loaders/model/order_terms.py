"""Terms of an order: `issued_at desc nulls last, id`, read once and written for either store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TERM = re.compile(
    r"(?P<expression>.+?)(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One expression of an order, its direction, and where nulls come: last in either direction by default."""

    expression: str
    is_descending: bool = False
    nulls_first: bool = False

    def __str__(self) -> str:
        direction = "desc" if self.is_descending else "asc"
        return f"{self.expression} {direction} nulls {'first' if self.nulls_first else 'last'}"


def order_terms(text: str) -> tuple[OrderTerm, ...]:
    """Return the terms of an order in SQL; commas inside brackets separate nothing."""
    matches = (_TERM.fullmatch(part.strip()) for part in _split(text))
    return tuple(
        OrderTerm(
            match["expression"].strip(),
            (match["direction"] or "").lower() == "desc",
            (match["nulls"] or "").lower() == "first",
        )
        for match in matches
        if match is not None
    )


def _split(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    if text[start:].strip():
        yield text[start:]
