"""Tables of what the gateway does: values with units, and how a reader sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Cell = str | float | None
"""A name or a number in the base unit of its column; None where nothing is known or nothing happened."""

_NOTHING = "-"
_MAX_NAME = 60
"""Characters of a name that are shown: a fused statement is named after all of its sections."""
_KIBI = 1024.0


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: how a number in it is shown, and whether it is a number."""

    name: str
    show: Callable[[Any], str]
    is_number: bool = True


def _count(value: float) -> str:
    if value >= 10_000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _seconds(value: float) -> str:
    if value == 0:
        return "0"
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.3g} s" if value < 1_000 else f"{value:,.0f} s"


def _share(value: float) -> str:
    """Return a percentage. One that is not all, or not nothing, is not shown as if it were."""
    percent = value * 100
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.0f} %" if percent.is_integer() else f"{percent:.1f} %"


def _bytes(value: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if value < _KIBI:
            return f"{value:.3g} {unit}" if value < 100 or unit == "B" else f"{value:.0f} {unit}"
        value /= _KIBI
    return f"{value:.3g} GiB"


def _text(value: str) -> str:
    """Return a name without what a terminal would take for a command, and without its end where it is long."""
    text = "".join(character if character.isprintable() else "?" for character in value)
    return text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 1]}…"


TEXT = Unit("text", _text, is_number=False)
COUNT = Unit("count", _count)
RATE = Unit("per second", lambda value: f"{_count(value)}/s")
SECONDS = Unit("seconds", _seconds)
SHARE = Unit("ratio", _share)
BYTES = Unit("bytes", _bytes)
BYTE_RATE = Unit("bytes per second", lambda value: f"{_bytes(value)}/s")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name for programs, its heading for readers, and its unit."""

    name: str
    heading: str
    unit: Unit

    def text(self, cell: Cell) -> str:
        """Return a cell as a reader sees it."""
        return _NOTHING if cell is None else self.unit.show(cell)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the order in which they are shown, those that matter most first."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def first(self, count: int) -> Table:
        """Return the table with its first rows alone; the title says how many more there are."""
        left_out = len(self.rows) - count
        if left_out <= 0:
            return self
        return replace(self, title=f"{self.title} (first {count} of {len(self.rows)})", rows=self.rows[:count])

    def records(self) -> list[Mapping[str, Cell]]:
        """Return the rows as values in base units, by name of the column."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]
