"""`gateway top` in a terminal and in a pipe."""

import io

from rich.console import Console

from gateway.observability.status_tables import status_tables
from gateway.observability.terminal import Terminal
from tests.gateway.observability.expositions import interval


def _written(**options: object) -> str:
    output = io.StringIO()
    Terminal(Console(file=output, highlight=False, **options)).write("heading", status_tables(interval()))  # type: ignore[arg-type]
    return output.getvalue()


def test_a_pipe_gets_whole_lines_without_colours() -> None:
    text = _written()
    assert "\x1b" not in text
    (line,) = [line for line in text.splitlines() if line.startswith("Aircraft.analysis.monthly  clickhouse")]
    assert line.split()[2:] == ["90", "%", "90", "%", "0.3/s", "3", "s"]


def test_a_circuit_breaker_that_is_open_stands_out() -> None:
    text = _written(force_terminal=True, width=200, color_system="standard")
    assert "\x1b[1;31mOPEN " in text


def test_a_live_screen_shows_the_latest_tables_alone() -> None:
    output = io.StringIO()
    terminal = Terminal(Console(file=output, force_terminal=True, width=160, height=40))
    with terminal.live() as show:
        show("first heading", [])
        shown_before = len(output.getvalue())
        show("second heading", status_tables(interval()))
    screen = output.getvalue()[shown_before:]
    assert "second heading" in screen
    assert "first heading" not in screen
    assert "Statements by time" in screen
