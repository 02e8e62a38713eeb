"""Pods of the chart are as closed as Kubernetes' restricted standard wants them, and its objects fit each other."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.chart_tools.chart import examples
from gateway.health import LIVE, READY
from gateway.settings import Settings
from tests.deploy.chart.conftest import Resource, environment, of_kind, pods
from tests.deploy.programs import program
from tests.deploy.sizing import needed_bytes

pytestmark = pytest.mark.deploy

EVERY_EXAMPLE = pytest.mark.parametrize("name", examples())


@EVERY_EXAMPLE
def test_every_pod_fits_the_restricted_standard(name: str, resources: Mapping[str, list[Resource]]) -> None:
    specs = pods(resources[name])
    assert specs
    for pod in specs.values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]


@EVERY_EXAMPLE
def test_every_container_has_its_memory_and_no_limit_of_cpu(name: str, resources: Mapping[str, list[Resource]]) -> None:
    for pod in pods(resources[name]).values():
        for container in pod["containers"]:
            needs = container["resources"]
            assert "cpu" in needs["requests"]
            assert "cpu" not in needs["limits"]
            assert needs["limits"]["memory"] == needs["requests"]["memory"]


@EVERY_EXAMPLE
def test_a_gateway_has_the_memory_that_its_workers_take(name: str, resources: Mapping[str, list[Resource]]) -> None:
    (deployment,) = of_kind(resources[name], "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    plain = {key: text for key, text in environment(pod).items() if not text.startswith("secret ")}
    limit = re.fullmatch(r"(\d+)(Mi|Gi)", pod["containers"][0]["resources"]["limits"]["memory"])
    assert limit
    assert needed_bytes(Settings.from_environment(plain)) <= int(limit[1]) * {"Mi": 1 << 20, "Gi": 1 << 30}[limit[2]]


@EVERY_EXAMPLE
def test_no_service_sets_variables_of_pods(name: str, resources: Mapping[str, list[Resource]]) -> None:
    """A service named `gateway` would set GATEWAY_PORT to a URL, and the gateway would not start."""
    assert [pod for pod in pods(resources[name]).values() if pod["enableServiceLinks"] is not False] == []


@EVERY_EXAMPLE
def test_no_secret_is_rendered(name: str, resources: Mapping[str, list[Resource]]) -> None:
    assert of_kind(resources[name], "Secret") == []


@EVERY_EXAMPLE
def test_probes_ask_where_the_gateway_answers_them(name: str, resources: Mapping[str, list[Resource]]) -> None:
    (deployment,) = of_kind(resources[name], "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")}
    assert paths == {"startup": LIVE, "readiness": READY, "liveness": LIVE}
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    variables = {item["name"]: item.get("value") for item in container["env"]}
    assert ports["http"] == variables["GATEWAY_PORT"]
    assert ports.get("metrics") == variables.get("GATEWAY_METRICS_PORT")


def _selected(selector: Mapping[str, str], labelled: list[Mapping[str, str]]) -> int:
    return sum(selector.items() <= labels.items() for labels in labelled)


@EVERY_EXAMPLE
def test_selectors_and_references_lead_somewhere(name: str, resources: Mapping[str, list[Resource]]) -> None:
    objects = resources[name]
    workloads = of_kind(objects, "Deployment", "StatefulSet")
    templates = [item["spec"]["template"] for item in workloads]
    labelled = [template["metadata"]["labels"] for template in templates]
    ports = {port["name"] for template in templates for port in template["spec"]["containers"][0]["ports"]}
    services = of_kind(objects, "Service")
    for service in services:
        assert _selected(service["spec"]["selector"], labelled) == 1
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for budget in of_kind(objects, "PodDisruptionBudget"):
        assert _selected(budget["spec"]["selector"]["matchLabels"], labelled) == 1
    for item in workloads:
        assert item["spec"]["selector"]["matchLabels"].items() <= item["spec"]["template"]["metadata"]["labels"].items()
    for monitor in of_kind(objects, "ServiceMonitor"):
        matches = [
            item
            for item in services
            if monitor["spec"]["selector"]["matchLabels"].items() <= item["metadata"]["labels"].items()
        ]
        assert len(matches) == 1
        assert monitor["spec"]["endpoints"][0]["port"] in [port["name"] for port in matches[0]["spec"]["ports"]]
    for scaler in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        assert [scaler["spec"]["scaleTargetRef"]["name"]] == [
            item["metadata"]["name"] for item in of_kind(objects, "Deployment")
        ]


@EVERY_EXAMPLE
def test_the_metrics_are_not_reached_from_outside(name: str, resources: Mapping[str, list[Resource]]) -> None:
    for ingress in of_kind(resources[name], "Ingress"):
        paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
        assert {path["backend"]["service"]["port"]["name"] for path in paths} == {"http"}
        assert [path["path"] for path in paths if not path["path"].endswith(("/graphql", "/export"))] == []


def test_the_ingress_lets_a_connection_carry_a_million_requests(resources: Mapping[str, list[Resource]]) -> None:
    (ingress,) = of_kind(resources["production"], "Ingress")
    annotations = ingress["metadata"]["annotations"]
    assert "keepalive_requests 1000000;" in annotations["nginx.org/server-snippets"]
    assert annotations["nginx.org/proxy-read-timeout"] == "20s"


def test_nginx_reads_the_snippet_in_a_server(resources: Mapping[str, list[Resource]], tmp_path: Path) -> None:
    (ingress,) = of_kind(resources["production"], "Ingress")
    snippet = ingress["metadata"]["annotations"]["nginx.org/server-snippets"]
    configuration = tmp_path / "nginx.conf"
    server = f"server {{ listen unix:{tmp_path}/socket; access_log off; {snippet} }}"
    configuration.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{ {server} }}\n")
    command = [program("nginx"), "-t", "-q", "-e", "stderr", "-c", str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_the_ingress_passes_what_the_gateway_takes(resources: Mapping[str, list[Resource]]) -> None:
    (ingress,) = of_kind(resources["ingress-nginx"], "Ingress")
    annotations = ingress["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "4096k"
    assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "23"
    assert not [name for name in annotations if "snippet" in name]
    assert [path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]] == ["/api/graphql", "/api/export"]
