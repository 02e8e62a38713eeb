"""The gateway's settings in the schema of the chart's values: names, types, bounds and descriptions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any, Final

from gateway.setting import NAMED_VARIABLES
from gateway.settings import Settings

SET_BY_THE_CHART: Final = frozenset(
    {
        "GATEWAY_DATA_DIRECTORY",  # of `gateway run` alone
        "GATEWAY_METRICS_HOST",
        "GATEWAY_METRICS_PORT",
        "GATEWAY_MODEL",
        "GATEWAY_PORT",
        "GATEWAY_PROBE_CREDENTIAL",  # of the probe's pod alone
    }
)
"""Settings that follow from other values, or that have no meaning in a cluster."""
TRACING_SECRETS: Final = {"OTEL_EXPORTER_OTLP_HEADERS": "Headers for the collector of traces, such as its token."}
NAMED_URLS: Final = "^(DATABASE|CLICKHOUSE)_[A-Z0-9_]+_URL$"
"""The URLs of databases that a model names."""
DECIMAL: Final = r"^[0-9]+(\.[0-9]+)?$"
"""A number with a fraction is a text where it comes by Helm's --set."""
_REFERENCE: Final = {"$ref": "#/$defs/secretKey"}
_TYPES: Final = {bool: "boolean", int: "integer", float: "number"}


def plain_settings() -> list[Field[Any]]:
    """Return the settings whose values are no secrets, but for those that the chart sets itself."""
    return [item for item in _settings() if item.repr]


def secret_variables() -> dict[str, str]:
    """Return what each variable with a secret is for, without the URLs of databases that a model names."""
    return {
        item.metadata["variable"]: item.metadata["about"] for item in _settings() if not item.repr
    } | TRACING_SECRETS


def add_settings(schema: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    """Return the schema with the gateway's settings as they are, and those required that the chart reads itself."""
    result = copy.deepcopy(schema)
    settings, secrets = (result["properties"][name] for name in ("settings", "secretSettings"))
    settings["properties"] = {item.metadata["variable"]: _property(item) for item in plain_settings()}
    settings["required"] = list(required)
    secrets["properties"] = {name: {**_REFERENCE, "description": about} for name, about in secret_variables().items()}
    secrets["patternProperties"] = {NAMED_URLS: _REFERENCE}
    return result


def _settings() -> list[Field[Any]]:
    return [item for item in fields(Settings) if item.metadata["variable"] not in SET_BY_THE_CHART | {NAMED_VARIABLES}]


def _property(item: Field[Any]) -> dict[str, Any]:
    """Return the schema of one setting."""
    result: dict[str, Any] = {"type": _TYPES.get(type(item.default), "string"), "description": item.metadata["about"]}
    if result["type"] in ("integer", "number"):
        result |= {"minimum": item.metadata["minimum"], "maximum": item.metadata["maximum"]}
    if result["type"] == "number":
        result |= {"type": ["number", "string"], "pattern": DECIMAL}
    if item.metadata["choices"]:
        result["enum"] = list(item.metadata["choices"])
    return result
