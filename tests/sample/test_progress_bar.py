"""The progress bar in a terminal and in a file."""

from io import StringIO

from deploy.fleet.sample.progress_bar import ProgressBar


class Terminal(StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_fills_up() -> None:
    stream = Terminal()
    bar = ProgressBar(stream)
    for fraction in (0.0, 0.5, 1.0):
        bar("flights", fraction)
    assert stream.getvalue() == (
        f"\rflights    [{'.' * 30}]   0%\rflights    [{'#' * 15}{'.' * 15}]  50%\rflights    [{'#' * 30}] 100%\n"
    )


def test_a_file_gets_a_line_a_step() -> None:
    stream = StringIO()
    bar = ProgressBar(stream)
    for step in ("flights", "weather"):
        for fraction in (0.0, 0.5, 1.0, 1.0):
            bar(step, fraction)
    assert stream.getvalue() == "flights: loaded\nweather: loaded\n"
