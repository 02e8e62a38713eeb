"""What the chart's example values render to, once for all tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from deploy.chart_tools.chart import examples
from deploy.chart_tools.helm import HelmMissingError, helm, render
from tests.deploy.programs import leave_out

Resource = dict[str, Any]
"""One object of Kubernetes, as the API takes it."""


@pytest.fixture(scope="session", autouse=True)
def _helm(request: pytest.FixtureRequest) -> None:
    """Have Helm, or skip the tests that need it."""
    if not any(item.get_closest_marker("deploy") for item in request.session.items):
        return
    try:
        helm()
    except HelmMissingError as error:
        leave_out(str(error))


@pytest.fixture(scope="session")
def rendered() -> Mapping[str, str]:
    """The text that each example of values renders to, by the example's name."""
    return {name: render(path) for name, path in examples().items()}


@pytest.fixture(scope="session")
def resources(rendered: Mapping[str, str]) -> Mapping[str, list[Resource]]:
    """The objects that each example of values renders to, by the example's name."""
    return {name: parse(text) for name, text in rendered.items()}


def parse(text: str) -> list[Resource]:
    """Return the objects of a text with several YAML documents."""
    return [item for item in yaml.load_all(text, Loader=yaml.CSafeLoader) if item]


def of_kind(resources: list[Resource], *kinds: str) -> list[Resource]:
    """Return the objects of these kinds."""
    return [item for item in resources if item["kind"] in kinds]


def pods(resources: list[Resource]) -> dict[str, Resource]:
    """Return the specification of each pod that the objects make, by kind and name."""
    specs = {}
    for item in resources:
        spec = item.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            specs[f"{item['kind']} {item['metadata']['name']}"] = spec["template"]["spec"]
    return specs


def environment(pod: Resource) -> dict[str, str]:
    """Return the variables of a pod's container; of those from secrets, the reference as `secret NAME/KEY`."""
    (container,) = pod["containers"]
    values = {}
    for item in container["env"]:
        reference = item.get("valueFrom", {}).get("secretKeyRef", {})
        values[item["name"]] = item["value"] if "value" in item else f"secret {reference['name']}/{reference['key']}"
    return values
