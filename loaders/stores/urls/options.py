"""Options of a store URL: a table of declarations for each store, and how the text of a value is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class ValueKind(Enum):
    """The kinds of values that options have."""

    TEXT = "text"
    SECRET = "text, never printed"  # noqa: S105 (a kind)
    FLAG = "true or false"
    SECONDS = "seconds"
    INTEGER = "whole number"
    CHOICE = "one of"
    FILE = "path of a file in PEM format"


class UnfitValueError(ValueError):
    """A value does not fit its option. The message follows the option's name and never repeats the value."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name, the values that it takes, and what it is for, as docs/stores.md says it."""

    name: str
    kind: ValueKind
    about: str
    choices: tuple[str, ...] = ()
    minimum: float = 0
    maximum: float = 0
    aliases: tuple[str, ...] = ()
    needs_tls: bool = False
    topologies: tuple[str, ...] = ()
    """The kinds of deployment that have the option; empty for all."""

    def read(self, text: str) -> object:
        """Return the value of a decoded text. Raises UnfitValueError."""
        if not text:
            raise UnfitValueError("must not be empty")
        if self.kind is ValueKind.FLAG:
            return self._flag(text)
        if (choice := self._choice(text)) is not None:
            return choice
        if self.kind is ValueKind.CHOICE:
            raise UnfitValueError(f"must be one of {', '.join(self.choices)}")
        if self.kind in (ValueKind.SECONDS, ValueKind.INTEGER):
            return self._number(text)
        return text if self.kind is not ValueKind.FILE else self._file(text)

    def _choice(self, text: str) -> str | None:
        return next((choice for choice in self.choices if choice.lower() == text.lower()), None)

    def _flag(self, text: str) -> bool | str:
        if text.lower() in _FLAGS:
            return _FLAGS[text.lower()]
        if (choice := self._choice(text)) is not None:
            return choice
        raise UnfitValueError(
            f"must be {', '.join(['true', 'false', *self.choices])}".replace("true, false", "true or false")
        )

    def _number(self, text: str) -> float | int:
        whole = self.kind is ValueKind.INTEGER
        noun = "a whole number" if whole else "a number of seconds"
        try:
            number = int(text) if whole and text.isascii() and text.isdecimal() else math.nan if whole else float(text)
        except ValueError:
            number = math.nan
        if not self.minimum <= number <= self.maximum:
            raise UnfitValueError(f"must be {noun} from {self.minimum:.12g} to {self.maximum:.12g}")
        return number

    def _file(self, text: str) -> str:
        try:
            with Path(text).open("rb") as file:
                file.read(1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            raise UnfitValueError(f"must be the path of a file that the gateway can read ({reason})") from None
        return text
