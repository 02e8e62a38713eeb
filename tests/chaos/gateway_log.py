"""What a gateway's log must not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.chaos.answer_check import Violation

RECORD: Final = re.compile(r"^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):([\w.]+):")
_JSON_RECORD: Final = re.compile(r'^\{"time":"[^"]+","level":"\w+","logger":"([\w.]+)"')
_JSON_TRACEBACK: Final = '"exception":"Traceback'
_NEVER: Final = (
    "was never retrieved", "was never awaited", "Task was destroyed", "Unclosed ", "Exception in ASGI",
    "Exception in callback", "Fatal Python error",
)  # fmt: skip
_CONTEXT_LINES: Final = 12


class GatewayLog:
    """A gateway's log, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0

    def violations(self) -> list[Violation]:
        """Return what is wrong in the lines since the last call: unhandled errors, and tracebacks beside alerts."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            data = file.read()
        self._read_bytes += len(data)
        return list(_violations(data.decode(errors="replace").splitlines()))


def _violations(lines: list[str]) -> Iterator[Violation]:
    logger = ""
    for number, line in enumerate(lines):
        if record := RECORD.match(line) or _JSON_RECORD.match(line):
            logger = record[1]
        is_alert = logger == "gateway" or logger.startswith("gateway.")
        has_traceback = line.startswith("Traceback") or _JSON_TRACEBACK in line
        if any(text in line for text in _NEVER) or (has_traceback and not is_alert):
            yield Violation("LOG", "\n".join(lines[max(0, number - 1) : number + _CONTEXT_LINES]))
