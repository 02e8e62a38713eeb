"""Bound the lines that a logger writes in a second, and count those that are left out."""

from __future__ import annotations

import asyncio
import logging
import time
from contextvars import Context
from typing import TYPE_CHECKING

from gateway.observability.log_format import FACTS

if TYPE_CHECKING:
    from collections.abc import Callable

_PERIOD_S = 1.0
_EMPTY = Context()
"""The context of timers, so that none keeps a request alive."""


class LineLimit(logging.Filter):
    """Lets some lines a second of a logger pass. How many were left out is told a second after the first of them.

    Writing a line takes some ten microseconds of the event loop, and all of its time where whoever reads the lines is
    slow.
    """

    def __init__(self, logger: logging.Logger, per_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._logger = logger
        self._per_s = per_s
        self._clock = clock
        self._began = clock()
        self._written = 0
        self.left_out = 0
        """Lines that were left out, and not told of yet."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written."""
        if getattr(record, "is_unlimited", False):
            return True
        now = self._clock()
        if now - self._began >= _PERIOD_S:
            self._began, self._written = now, 0
            self._tell()
        if self._written < self._per_s:
            self._written += 1
            return True
        if not self.left_out:
            self._tell_later()
        self.left_out += 1
        return False

    def _tell(self) -> None:
        if self.left_out:
            left_out, self.left_out = self.left_out, 0
            facts = {"left_out": left_out, "lines_per_s": self._per_s}
            self._logger.warning("Lines were left out", extra={FACTS: facts, "is_unlimited": True})

    def _tell_later(self) -> None:
        """Tell of it even if no line follows. Outside of an event loop, the next line does."""
        try:
            asyncio.get_running_loop().call_later(_PERIOD_S, self._tell, context=_EMPTY)
        except RuntimeError:
            return


def limit_lines(name: str, per_s: int) -> logging.Logger:
    """Return a logger that writes from INFO on, whatever the level of the others, and so many lines a second."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.INFO)
    for other in [item for item in logger.filters if isinstance(item, LineLimit)]:
        logger.removeFilter(other)
    logger.addFilter(LineLimit(logger, per_s))
    return logger
