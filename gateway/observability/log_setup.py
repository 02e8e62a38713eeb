"""Set up the log of a process."""

from __future__ import annotations

import logging
import sys

from gateway.observability.log_format import JSON, JSONFormatter, TextFormatter
from gateway.observability.log_handler import LogHandler

_EXPORTING = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")
"""Loggers of OpenTelemetry's that repeat with each export what the gateway says once."""
_REPEATING = "opentelemetry.trace"
"""The logger that repeats what is wrong with a client's headers, values and all."""


def configure_logging(level: str, log_format: str) -> None:
    """Have the loggers of the process write to standard error, unless it has a handler by now."""
    if not logging.root.handlers:
        handler = _handler()
        handler.setFormatter(JSONFormatter() if log_format == JSON else TextFormatter())
        logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in _EXPORTING:
        logging.getLogger(name).setLevel(logging.NOTSET if level.upper() == "DEBUG" else logging.CRITICAL)
    logging.getLogger(_REPEATING).setLevel(logging.CRITICAL)


def _handler() -> logging.Handler:
    """Return what writes to standard error; nothing where it is closed, as a socket may have its descriptor by now."""
    try:
        return LogHandler(sys.stderr.fileno())
    except (AttributeError, OSError):  # a program may have put something in its place, too
        return logging.StreamHandler()
