"""References in SQL: what a model's author writes in braces, and the fragment that an f-string becomes.

An f-string keeps text alone, so each reference is written into it as a token of two private characters and a number.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

_OPEN, _CLOSE = "\ue000", "\ue001"
_TOKEN = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_numbers = itertools.count(1)
_referenced: dict[int, Reference] = {}
"""By the number of the token. A model has some dozens of references, which live as long as its module."""


class Reference:
    """Something that may stand in braces in SQL."""

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError("A reference in SQL takes no format.")
        return str(self)

    def __str__(self) -> str:
        number = next(_numbers)
        _referenced[number] = self
        return f"{_OPEN}{number}{_CLOSE}"


class OwnField(Reference):
    """Another field of the same section, in the SQL of one of its fields. Two of one name are equal."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnField) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def field(name: str) -> OwnField:
    """Return a reference to another field of the same section, to stand in its SQL: `{m.field("month")}`."""
    return OwnField(name)


class FilterValue(Reference):
    """The value of the filter's field that `where` belongs to."""


value = FilterValue()
"""In `where`: what the client gave for the field."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL of a model: text and references, in order."""

    parts: tuple[str | Reference, ...]

    @classmethod
    def of(cls, text: str) -> Fragment:
        """Return the fragment that a text with tokens stands for. Raises ValueError for a token that nothing made."""
        pieces = _TOKEN.split(text)
        parts: list[str | Reference] = []
        for place, piece in enumerate(pieces):
            if place % 2 == 0:
                if _OPEN in piece or _CLOSE in piece:
                    raise ValueError("The text has characters of Unicode's private use area.")
                parts += [piece] if piece else []
            else:
                parts.append(_reference(int(piece)))
        return cls(tuple(parts))

    def references(self) -> list[Reference]:
        """Return the references, each as often as it stands there."""
        return [part for part in self.parts if isinstance(part, Reference)]

    def shown(self, placeholder: str = "x") -> str:
        """Return the text with a plain name in the place of each reference, to be looked at."""
        return "".join(part if isinstance(part, str) else placeholder for part in self.parts)


def _reference(number: int) -> Reference:
    try:
        return _referenced[number]
    except KeyError:
        raise ValueError("The text has a token that no reference of this process made.") from None
