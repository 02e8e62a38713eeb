"""Tables in a terminal, printed once or shown again and again. Needs the extra `top`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.observability.table import Table

_UNBOUNDED_WIDTH = 1_000
"""Columns of what is no terminal: a line is for a program then, and is not broken."""
_LINES_BESIDE_ROWS = 3
"""A table's title, its headings, and the line after it."""
_MIN_ROWS = 3
"""Rows that a table keeps, however low the terminal is."""

Show = Callable[[str, Sequence["Table"]], None]
"""Shows a heading and tables in the place of those before."""


class Terminal:
    """Standard output, as a terminal where it is one."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = _UNBOUNDED_WIDTH

    def write(self, heading: str, tables: Sequence[Table]) -> None:
        """Print the tables once."""
        with self._console.capture() as captured:
            self._console.print(_rendered(heading, tables))
        lines = (line.rstrip() for line in captured.get().splitlines())
        self._console.file.write("\n".join(lines) + "\n")

    @contextmanager
    def live(self) -> Iterator[Show]:
        """Yield what shows tables in the place of those before, on a screen of its own, until the block ends."""
        with Live(console=self._console, screen=True, auto_refresh=False) as live:

            def show(heading: str, tables: Sequence[Table]) -> None:
                live.update(_rendered(heading, fitted(tables, self._console.height - 2)), refresh=True)

            show("Waiting for the first interval …", [])
            yield show


def fitted(tables: Sequence[Table], lines: int) -> list[Table]:
    """Return the tables with as many rows as fit into the lines, at least three each: the longest ones lose theirs."""
    rows = max((len(table.rows) for table in tables), default=0)
    while rows > _MIN_ROWS and _height(tables, rows) > lines:
        rows -= 1
    return [table.first(rows) for table in tables]


def _height(tables: Sequence[Table], rows: int) -> int:
    return sum(min(len(table.rows), rows) + _LINES_BESIDE_ROWS for table in tables)


def _rendered(heading: str, tables: Sequence[Table]) -> RenderableType:
    return Group(Text(heading, style="dim"), *(part for table in tables for part in (Text(), _rich_table(table))))


def _rich_table(table: Table) -> RichTable:
    """Return a table; cells are texts, so that nothing in a name is taken for markup."""
    result = RichTable(
        title=Text(table.title), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    for column in table.columns:
        justify = "right" if column.unit.is_number else "left"
        result.add_column(Text(column.heading), justify=justify, no_wrap=True, header_style="dim")  # type: ignore[arg-type]
    for row in table.rows:
        cells = (column.text(cell) for column, cell in zip(table.columns, row, strict=True))
        result.add_row(*(Text(cell, style="bold red" if cell == "OPEN" else "") for cell in cells))
    return result
