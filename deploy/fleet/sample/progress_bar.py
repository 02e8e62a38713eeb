"""A progress bar for a terminal, plain lines for everything else."""

import sys
from dataclasses import dataclass, field
from typing import TextIO

_WIDTH = 30


@dataclass(slots=True)
class ProgressBar:
    """Call it with a step's name and how much of it is done, 0 to 1; steps come one after the other.

    A terminal gets one line a step, which fills up; a file or pipe one line when a step is done.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _finished: set[str] = field(default_factory=set)

    def __call__(self, step: str, fraction: float) -> None:
        """Show how far a step is. After its end a step is not shown again."""
        if step in self._finished:
            return
        done = fraction >= 1
        if self.stream.isatty():
            self.stream.write("\r" + _bar(step, fraction) + ("\n" if done else ""))
        elif done:
            self.stream.write(f"{step}: loaded\n")
        self.stream.flush()
        if done:
            self._finished.add(step)


def _bar(step: str, fraction: float) -> str:
    filled = round(_WIDTH * min(max(fraction, 0.0), 1.0))
    return f"{step:<10} [{'#' * filled}{'.' * (_WIDTH - filled)}] {fraction:>4.0%}"
