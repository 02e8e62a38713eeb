"""NetworkPolicies let through what needs to pass, and nothing else, by the rules of Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.deploy.chart.conftest import Resource, of_kind

pytestmark = pytest.mark.deploy

CONTROLLER, MONITORING, OUTSIDE = "nginx-ingress", "monitoring", ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection begins or ends: a pod of the release by its component, or something else by its namespace."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    """The numbers of its ports by name."""


def places(objects: list[Resource]) -> dict[str, Place]:
    """Return each pod of the release by its component, and what is beside it by its namespace."""
    result = {name: Place(name) for name in (CONTROLLER, MONITORING, OUTSIDE)}
    for item in of_kind(objects, "Deployment", "StatefulSet", "Job", "CronJob"):
        spec = item["spec"].get("jobTemplate", item)["spec"]["template"]
        ports = spec["spec"]["containers"][0].get("ports", [])
        numbers = {port["name"]: port["containerPort"] for port in ports}
        labels = spec["metadata"]["labels"]
        result[labels["app.kubernetes.io/component"]] = Place("", labels, numbers)
    result["stranger"] = Place("", {"app.kubernetes.io/name": "stranger"})
    return result


def selects(selector: Resource, labels: Mapping[str, str]) -> bool:
    """Return whether a selector is of these labels."""
    expressions = selector.get("matchExpressions", [])
    assert {item["operator"] for item in expressions} <= {"In"}
    is_in = all(labels.get(item["key"]) in item["values"] for item in expressions)
    return is_in and selector.get("matchLabels", {}).items() <= labels.items()


def is_peer(peer: Resource, place: Place) -> bool:
    """Return whether a rule names this place. A block of addresses is outside of the cluster."""
    if "ipBlock" in peer:
        return place == Place(OUTSIDE)
    if "namespaceSelector" in peer:
        return selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": place.namespace})
    return bool(place.labels) and selects(peer["podSelector"], place.labels)


def lets_through(rule: Resource, peer: Place, port: int, ports: Mapping[str, int]) -> bool:
    """Return whether a rule of either direction is about this peer and this port."""
    peers = rule.get("from", rule.get("to"))
    numbers = [ports.get(item["port"], item["port"]) for item in rule.get("ports", [{"port": port}])]
    return port in numbers and (peers is None or any(is_peer(item, peer) for item in peers))


def is_allowed(objects: list[Resource], source: Place, target: Place, port: int) -> bool:
    """Return whether all that concerns a connection allows it: policies of its source, and of its target."""
    for direction, pod, peer in (("Egress", source, target), ("Ingress", target, source)):
        policies = [
            policy["spec"]
            for policy in of_kind(objects, "NetworkPolicy")
            if direction in policy["spec"]["policyTypes"]
            and pod.labels
            and selects(policy["spec"]["podSelector"], pod.labels)
        ]
        rules = [rule for policy in policies for rule in policy.get(direction.lower(), [])]
        # Names are those of the target's ports, which a policy of the source is better without.
        if policies and not any(lets_through(rule, peer, port, pod.ports) for rule in rules):
            return False
    return True


@pytest.mark.parametrize(
    ("source", "target", "port", "expected"),
    [
        *((job, "redis", 6379, True) for job in ("gateway", "migration", "warming")),
        *((job, OUTSIDE, port, True) for job in ("gateway", "migration", "warming") for port in (53, 5432, 8443, 4318)),
        ("gateway", OUTSIDE, 443, False),
        ("gateway", "redis", 8000, False),
        (CONTROLLER, "gateway", 8000, True),
        (CONTROLLER, "gateway", 9464, False),
        (MONITORING, "gateway", 9464, True),
        (MONITORING, "gateway", 8000, False),
        ("stranger", "gateway", 8000, False),
        ("stranger", "gateway", 9464, False),
        ("stranger", "redis", 6379, False),
        ("probe", "gateway", 8000, True),
        ("probe", OUTSIDE, 443, True),
        ("probe", "redis", 6379, False),
        (CONTROLLER, "probe", 8080, True),
        (MONITORING, "probe", 9465, True),
        (CONTROLLER, "probe", 9465, False),
        ("redis", OUTSIDE, 53, False),
    ],
)
def test_a_connection_of_the_production_example(
    source: str, target: str, port: int, expected: bool, resources: Mapping[str, list[Resource]]
) -> None:
    objects = resources["production"]
    named = places(objects)
    assert is_allowed(objects, named[source], named[target], port) is expected


def test_anyone_reaches_the_gateway_where_no_clients_are_named(resources: Mapping[str, list[Resource]]) -> None:
    objects = resources["minimal"]
    named = places(objects)
    assert is_allowed(objects, named["stranger"], named["gateway"], 8000)
    assert not is_allowed(objects, named["stranger"], named["gateway"], 9464)
