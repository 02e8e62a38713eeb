"""Where traces are exported to, if anywhere, as the settings say."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gateway.http_client import is_http_url
from gateway.setting import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.observability.tracing import Tracing
    from gateway.settings import Settings

_TRACES_PATH = "/v1/traces"
_VARIABLE, _TRACES_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_PACKAGES = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_SDK = "opentelemetry"
"""The logger above those of the SDK."""
_HEADERS_READER = "opentelemetry.util.re"
"""The logger that repeats headers which cannot be read, and so tokens."""
_HEADERS_RULE = "OTEL_EXPORTER_OTLP_HEADERS must look like name=value,name=value."


def traces_endpoint(settings: Settings) -> str:
    """Return the URL that traces are sent to, empty where none are.

    Raises SettingsError for what is no URL, without repeating it since it may hold a password, and where the packages
    of the extra are not there.
    """
    if settings.traces_endpoint:
        variable, endpoint = _TRACES_VARIABLE, settings.traces_endpoint
    elif settings.otlp_endpoint:
        variable, endpoint = _VARIABLE, settings.otlp_endpoint.rstrip("/") + _TRACES_PATH
    else:
        return ""
    if not is_http_url(endpoint):
        raise SettingsError(f"{variable} must look like http://collector:4318.")
    if not _are_installed():
        raise SettingsError(f"{variable} is set, and tracing is not installed: pip install 'fuseway[tracing]'.")
    return endpoint


def check_tracing(settings: Settings) -> None:
    """Check what the SDK reads of the environment, before anything is started. Raises SettingsError.

    The SDK logs what it cannot read and goes on with a default, such as to trace each request.
    """
    endpoint = traces_endpoint(settings)
    if not endpoint:
        return
    with _complaints() as complaints:
        try:
            from gateway.observability.tracing import exporter_and_provider

            exporter_and_provider(endpoint)
        except Exception as error:  # of the SDK and what it loads, of any kind
            complaints.append(str(error))
    if complaints:
        raise SettingsError(
            f"A variable of OpenTelemetry's (OTEL_…) is invalid, of which its SDK says: {complaints[0]}"
        )


def open_tracing(settings: Settings) -> Tracing | None:
    """Return the tracing that the settings ask for; None where they do not, and nothing is imported."""
    endpoint = traces_endpoint(settings)
    if not endpoint:
        return None
    from gateway.observability.tracing import Tracing

    return Tracing(endpoint, settings)


class _Kept(logging.Handler):
    """Keeps what is logged, in the place of writing it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(_HEADERS_RULE if record.name == _HEADERS_READER else record.getMessage())


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Yield the warnings of the SDK in the block, none of which is logged."""
    logger, kept = logging.getLogger(_SDK), _Kept()
    logger.addHandler(kept)
    logger.propagate, propagated = False, logger.propagate
    try:
        yield kept.messages
    finally:
        logger.propagate = propagated
        logger.removeHandler(kept)


def _are_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _PACKAGES)
    except ModuleNotFoundError:
        return False
