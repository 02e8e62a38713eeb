"""Where traces are exported to, if anywhere, as the settings say."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.setting import SettingsError

if TYPE_CHECKING:
    from gateway.observability.tracing import Tracing
    from gateway.settings import Settings

_TRACES_PATH = "/v1/traces"
_VARIABLE, _TRACES_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_PACKAGES = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


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
    if not _is_url(endpoint):
        raise SettingsError(f"{variable} must look like http://collector:4318.")
    if not _are_installed():
        raise SettingsError(f"{variable} is set, and tracing is not installed: pip install 'fuseway[tracing]'.")
    return endpoint


def open_tracing(settings: Settings) -> Tracing | None:
    """Return the tracing that the settings ask for; None where they do not, and nothing is imported."""
    endpoint = traces_endpoint(settings)
    if not endpoint:
        return None
    from gateway.observability.tracing import Tracing

    return Tracing(endpoint)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _are_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _PACKAGES)
    except ModuleNotFoundError:
        return False
