"""The gateway reads every variable that the chart sets, and takes its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields

import pytest

from deploy.chart_tools.chart import examples
from deploy.chart_tools.values_schema import NAMED_URLS, TRACING_SECRETS
from gateway.cli import _parser
from gateway.commands.serve import check_settings
from gateway.settings import Settings
from tests.deploy.chart.conftest import Resource, environment, of_kind, pods

pytestmark = pytest.mark.deploy

KNOWN = {item.metadata["variable"] for item in fields(Settings)}
TRACING = {
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    *TRACING_SECRETS,
}
"""Variables that OpenTelemetry's own libraries read."""
SAMPLES = {"DATABASE": "postgresql://u:p@h/n", "CLICKHOUSE": "http://u:p@h:8123/n", "REDIS": "redis://:p@h:6379/0"}
FILES = ("GATEWAY_TRUSTED_DOCUMENTS", "GATEWAY_JWKS_FILE")
"""Settings that name files of the cluster's ConfigMaps."""


def _sample(name: str) -> str:
    """Return a value for a variable that comes from a secret."""
    kind = name.removeprefix("GATEWAY_").split("_")[0]
    return SAMPLES.get(kind, "a-secret-of-at-least-32-characters")


def _gateways(objects: list[Resource]) -> dict[str, Resource]:
    """Return the pods that run the gateway's image: all but Redis."""
    return {key: pod for key, pod in pods(objects).items() if not key.endswith("-redis")}


@pytest.mark.parametrize("name", examples())
def test_every_variable_is_one_that_is_read(name: str, resources: Mapping[str, list[Resource]]) -> None:
    variables = {variable for pod in _gateways(resources[name]).values() for variable in environment(pod)}
    assert {item for item in variables - KNOWN - TRACING if not re.fullmatch(NAMED_URLS, item)} == set()


@pytest.mark.parametrize("name", examples())
def test_the_gateway_takes_every_value(name: str, resources: Mapping[str, list[Resource]]) -> None:
    (deployment,) = of_kind(resources[name], "Deployment")
    variables = environment(deployment["spec"]["template"]["spec"])
    values = {
        key: _sample(key) if text.startswith("secret ") else text for key, text in variables.items() if key not in FILES
    }
    settings = Settings.from_environment({**values, "GATEWAY_PERSISTED": "automatic"})
    check_settings(settings)
    assert settings.host == "0.0.0.0"
    assert settings.model
    assert settings.redis_url
    assert settings.cursor_secret


@pytest.mark.parametrize("name", examples())
def test_the_jobs_have_the_settings_of_the_gateway(name: str, resources: Mapping[str, list[Resource]]) -> None:
    specs = {key: environment(pod) for key, pod in _gateways(resources[name]).items()}
    gateway = next(variables for key, variables in specs.items() if key.startswith("Deployment"))
    assert [key for key, variables in specs.items() if variables != gateway and not key.endswith("-probe")] == []


@pytest.mark.parametrize("name", examples())
def test_the_gateway_knows_every_command(name: str, resources: Mapping[str, list[Resource]]) -> None:
    for pod in _gateways(resources[name]).values():
        (container,) = pod["containers"]
        words: list[str] = container["command"] + container.get("args", [])
        assert words[0] == "gateway"
        assert _parser().parse_args(words[1:]).command
