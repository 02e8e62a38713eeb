"""The objects of KEDA, Prometheus' operator and Argo CD fit their operators' models, without a field beyond them."""

from __future__ import annotations

import copy
import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.chart_tools.chart import CHART
from tests.deploy.chart.conftest import Resource, of_kind, parse
from tests.deploy.programs import leave_out, program

pytestmark = pytest.mark.deploy

HERE = Path(__file__).parent / "crds"
LOCKED = (".npmrc", "package-lock.json", "package.json")
KINDS = ("ScaledObject", "ServiceMonitor", "PrometheusRule", "Application")
APPLICATION = CHART / "examples" / "argo-cd.yaml"

Check = Callable[[list[Resource]], list[list[str]]]


@pytest.fixture(scope="module")
def check() -> Check:
    """Says what is wrong with each of a list of objects, by npm packages: installed once, until the lock file changes."""
    node, npm = program("node", "nodejs"), program("npm")
    stamp = HERE / "node_modules" / ".installed"
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LOCKED)).hexdigest()
    with (HERE / "package.json").open() as lock:  # two runs would install over each other
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != digest:
            done = subprocess.run([npm, "ci"], cwd=HERE, capture_output=True, text=True, timeout=300)
            if done.returncode:
                shutil.rmtree(HERE / "node_modules", ignore_errors=True)
                leave_out(f"npm ci failed: {done.stderr[-500:]}")
            stamp.write_text(digest)

    def errors(resources: list[Resource]) -> list[list[str]]:
        command = [node, str(HERE / "check.mjs")]
        done = subprocess.run(command, input=json.dumps(resources), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        result: list[list[str]] = json.loads(done.stdout)
        return result

    return errors


def _custom(resources: Mapping[str, list[Resource]]) -> list[Resource]:
    """Return the custom resources of all examples, and Argo CD's application."""
    return [item for objects in resources.values() for item in of_kind(objects, *KINDS)] + parse(
        APPLICATION.read_text()
    )


def test_custom_resources_are_what_their_operators_take(check: Check, resources: Mapping[str, list[Resource]]) -> None:
    objects = _custom(resources)
    assert {item["kind"] for item in objects} == set(KINDS)
    names = [f"{item['kind']} {item['metadata']['name']}" for item in objects]
    assert [(name, errors) for name, errors in zip(names, check(objects), strict=True) if errors] == []


def _changed(resource: Resource, path: tuple[Any, ...], value: object) -> Resource:
    changed = copy.deepcopy(resource)
    item: Any = changed
    for key in path[:-1]:
        item = item[key]
    item[path[-1]] = value
    return changed


def test_an_unknown_field_and_a_wrong_type_are_seen_at_any_depth(
    check: Check, resources: Mapping[str, list[Resource]]
) -> None:
    kinds = {item["kind"]: item for item in _custom(resources)}
    changes: list[tuple[str, tuple[Any, ...], object]] = [
        ("ScaledObject", ("spec", "triggers", 0, "metricTyp"), "Value"),
        ("ScaledObject", ("spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleUp", "policys"), []),
        ("ScaledObject", ("spec", "triggers", 0, "metadata", "threshold"), 5),
        ("ServiceMonitor", ("spec", "endpoints", 0, "intervall"), "15s"),
        ("ServiceMonitor", ("spec", "endpoints"), "metrics"),
        ("PrometheusRule", ("spec", "groups", 0, "rules", 0, "expression"), "up"),
        ("Application", ("spec", "sources", 0, "helm", "valueFile"), "a"),
        ("Application", ("spec", "syncPolicy", "automated", "prune"), "yes"),
    ]
    changed = [_changed(kinds[kind], path, value) for kind, path, value in changes]
    errors = check(changed)
    assert [change for change, messages in zip(changes, errors, strict=True) if not messages] == []
