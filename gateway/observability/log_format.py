"""How lines of the log are written: as text, or as JSON with one object a line.

A record may have `facts`, by name: they follow the message of a text, and are members of their own in JSON.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JSON, TEXT = "json", "text"
FACTS = "facts"
"""The name of the facts among a record's attributes."""


def show_facts_of_commands() -> None:
    """Have facts follow the bare messages that commands write, which configure no logging."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(TextFormatter("%(message)s"))


class TextFormatter(logging.Formatter):
    """Writes `LEVEL:logger:message`, and facts as `name=value`."""

    def __init__(self, line: str = logging.BASIC_FORMAT) -> None:
        super().__init__(line)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Return the line; a line's end in it is escaped, since databases repeat in messages what clients have sent."""
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join(map(_escaped, line))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and those of an exception."""
        facts: Mapping[str, Any] = getattr(record, FACTS, {})
        return " ".join([super().format(record), *(f"{name}={value}" for name, value in _written(facts))])


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _written(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the facts as texts, those of an object by names with a dot. None has a line's end in it."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _written(value, f"{prefix}{name}.")
        elif isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "='):
            yield f"{prefix}{name}", value
        else:
            yield f"{prefix}{name}", _json(value)


class JSONFormatter(logging.Formatter):
    """Writes an object a line: `time`, `level`, `logger`, `message`, facts, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FACTS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _json(line)


def _json(value: object) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # of a text that is not Unicode, which a client may send
        return json.dumps(value, default=str)
