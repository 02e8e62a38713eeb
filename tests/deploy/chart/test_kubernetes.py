"""What the chart renders is what three versions of Kubernetes take, without a field that they do not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.chart_tools.chart import CHART, examples
from deploy.chart_tools.helm import HelmError, render
from tests.deploy.chart.conftest import Resource, of_kind, parse

pytestmark = pytest.mark.deploy

VERSIONS = ("1.30", "1.34", "1.37")
CUSTOM = ("ScaledObject", "ServiceMonitor", "PrometheusRule")
"""Kinds that Kubernetes itself does not know: test_custom_resources.py."""


def _errors(resource: Resource, version: str) -> str:
    return _text_errors(json.dumps(resource), version)


@cache
def _text_errors(text: str, version: str) -> str:
    """Return what is wrong with an object: many examples have the same ones."""
    resource = json.loads(text)
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{resource['kind']} {resource['metadata']['name']}: {list(error.path)} {error.message}"
    return ""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", examples())
def test_kubernetes_takes_what_an_example_renders_to(
    name: str, version: str, resources: Mapping[str, list[Resource]]
) -> None:
    objects = [item for item in resources[name] if item["kind"] not in CUSTOM]
    assert [error for item in objects if (error := _errors(item, version))] == []


def test_the_examples_of_the_controllers_configuration_fit() -> None:
    (configuration,) = parse((CHART / "examples" / "nginx-ingress-controller.yaml").read_text())
    assert [_errors(configuration, version) for version in VERSIONS] == ["", "", ""]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "template", "spec", "containers", 0, "livenessProbe", "timeoutSecond"), 5),
        (("spec", "template", "spec", "enableServiceLink"), False),
        (("spec", "replicas"), "two"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_field_and_a_wrong_type_are_seen(
    path: tuple[Any, ...], value: object, version: str, resources: Mapping[str, list[Resource]]
) -> None:
    (deployment,) = of_kind(yaml.safe_load(yaml.safe_dump(resources["minimal"])), "Deployment")
    item: Any = deployment
    for key in path[:-1]:
        item = item[key]
    item[path[-1]] = value
    assert str(path[-1]) in _errors(deployment, version)


def test_an_older_kubernetes_is_refused() -> None:
    with pytest.raises(HelmError, match=r"incompatible with Kubernetes v1\.29"):
        render(examples()["minimal"], kubernetes="1.29")
