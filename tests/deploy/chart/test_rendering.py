"""Helm lints the chart, renders each example to what was looked at once, and refuses values with a sentence."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.chart_tools.chart import CHART, EXAMPLES, GOLDEN, ROOT, SHIPPED, examples, golden_text, shipped_copies
from deploy.chart_tools.helm import HelmError, render, render_text, run_helm
from gateway.health import LIVE
from tests.deploy.chart.conftest import Resource, environment, of_kind, parse, pods

pytestmark = pytest.mark.deploy

MINIMAL = EXAMPLES / "minimal.yaml"


def test_there_are_examples_for_each_way_to_deploy() -> None:
    assert len(examples()) >= 8


@pytest.mark.parametrize("name", examples())
def test_an_example_passes_lint(name: str) -> None:
    assert "0 chart(s) failed" in run_helm("lint", CHART, "--strict", "--values", examples()[name])


@pytest.mark.parametrize("name", examples())
def test_an_example_renders_to_its_golden_file(name: str, rendered: Mapping[str, str]) -> None:
    assert golden_text(rendered[name]) == (GOLDEN / f"{name}.yaml").read_text(), (
        "make chart writes it: look at the diff"
    )


def test_there_is_no_golden_file_without_an_example() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.yaml")) == sorted(examples())


def test_all_that_values_lack_is_told_at_once() -> None:
    with pytest.raises(HelmError) as refusal:
        render_text("{}")
    missing = (
        "image.repository",
        "model.name",
        "REDIS_URL",
        "GATEWAY_CURSOR_SECRET",
        "no database",
        "migration.enabled",
    )
    assert [word for word in missing if word not in str(refusal.value)] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("autoscaling.hpa.enabled=true,autoscaling.keda.enabled=true", "are both true: KEDA makes a Horizontal"),
        ("autoscaling.keda.enabled=true", "autoscaling.keda.prometheusAddress is missing"),
        ("autoscaling.keda.enabled=true,autoscaling.keda.prometheusAddress=http://p", "autoscaling.keda.selector is missing"),
        ("autoscaling.minReplicas=11", "autoscaling.minReplicas is more than autoscaling.maxReplicas"),
        ("autoscaling.hpa.enabled=true,metrics.enabled=false", "autoscaling.hpa.inFlightRequests needs metrics.enabled"),
        ("metrics.serviceMonitor.enabled=true,metrics.enabled=false", "metrics.serviceMonitor.enabled needs metrics.enabled"),
        ("probe.enabled=true,probe.url=https://shop.example/graphql", "probe.url or probe.checks is missing"),
        ("redis.enabled=true", "redis.password.secret is missing"),
        ("ingress.enabled=true,settings.GATEWAY_TRUSTED_PROXIES=10.0.0.0/8", "ingress.host is missing"),
        ("ingress.enabled=true,ingress.host=shop.example", "settings.GATEWAY_TRUSTED_PROXIES is missing"),
        ("model.configMap.name=a,model.configMap.files.b=c", "model.configMap has both a name and files"),
        ("rollout.maxSurge=0,rollout.maxUnavailable=0", "rollout.maxSurge and rollout.maxUnavailable are both 0"),
        ("settings.GATEWAY_MAX_IDDS=500", "at '/settings': additional properties 'GATEWAY_MAX_IDDS' not allowed"),
        ("settings.GATEWAY_MAX_IDS=many", "at '/settings/GATEWAY_MAX_IDS': got string, want integer"),
        ("settings.GATEWAY_MAX_IDS=0", "at '/settings/GATEWAY_MAX_IDS': minimum: got 0, want 1"),
        ("settings.GATEWAY_POSTGRES_POOLER=statement", "at '/settings/GATEWAY_POSTGRES_POOLER': value must be one of"),
        ("settings.GATEWAY_WORKERS=null", "at '/settings': missing property 'GATEWAY_WORKERS'"),
        ("settings.GATEWAY_PORT=80", "additional properties 'GATEWAY_PORT' not allowed"),
        ("settings.DATABASE_URL=postgresql://x", "additional properties 'DATABASE_URL' not allowed"),
        ("secretSettings.REDIS_URL=redis://:password@x", "at '/secretSettings/REDIS_URL': got string, want object"),
        ("secretSettings.GATEWAY_MAX_IDS.secret=a", "at '/secretSettings': additional properties 'GATEWAY_MAX_IDS' not allowed"),
        ("secretSettings.REDIS_URL.name=a", "at '/secretSettings/REDIS_URL': additional properties 'name' not allowed"),
        ("settings.GATEWAY_CACHE_TIMEOUT_S=soon", "at '/settings/GATEWAY_CACHE_TIMEOUT_S': 'soon' does not match"),
        ("resources.limits.cpu=2", "at '/resources/limits': additional properties 'cpu' not allowed"),
        ("readinessPath=/", "at '/readinessPath': value must be one of"),
        ("image.user=0", "at '/image/user': minimum: got 0, want 1"),
        ("replicas=none", "at '/replicas': got string, want integer"),
        ("ingress.requestsPerConnection=100", "at '/ingress/requestsPerConnection': minimum"),
        ("mounts[0].path=/a,mounts[0].secret=b,mounts[0].configMap=c", "at '/mounts/0'"),
        ("warming[0].name=Morning,warming[0].schedule=daily,warming[0].documents={/a}", "at '/warming/0/schedule'"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused_with_a_sentence(options: str, message: str) -> None:
    with pytest.raises(HelmError) as refusal:
        render(MINIMAL, "--set", options)
    assert message in str(refusal.value)


def _deployment(*options: str) -> Resource:
    (deployment,) = of_kind(parse(render(MINIMAL, *options)), "Deployment")
    return deployment


def test_the_kubelet_waits_for_all_that_the_gateway_may_take_to_stop() -> None:
    pod = _deployment("--set", "drainSeconds=7,settings.GATEWAY_SHUTDOWN_TIMEOUT_S=42")["spec"]["template"]["spec"]
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}
    assert pod["terminationGracePeriodSeconds"] == 7 + 42 + 3


def test_without_a_drain_there_is_no_hook() -> None:
    """A sleep of 0 seconds is refused by Kubernetes before 1.33."""
    pod = _deployment("--set", "drainSeconds=0")["spec"]["template"]["spec"]
    assert "lifecycle" not in pod["containers"][0]


def test_a_pod_may_get_requests_whether_its_databases_answer_or_not() -> None:
    pod = _deployment("--set", f"readinessPath={LIVE}")["spec"]["template"]["spec"]
    assert pod["containers"][0]["readinessProbe"]["httpGet"]["path"] == LIVE


def test_the_startup_probe_waits_longer_than_the_start_waits_for_postgres() -> None:
    pod = _deployment("--set", "settings.GATEWAY_START_TIMEOUT_S=100.5")["spec"]["template"]["spec"]
    probe = pod["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 100.5 + 30


def test_large_and_small_numbers_are_not_written_with_an_exponent() -> None:
    options = "settings.GATEWAY_MAX_COST=100000000,settings.GATEWAY_CACHE_TIMEOUT_S=0.001,settings.GATEWAY_CACHE=false"
    variables = environment(_deployment("--set", options)["spec"]["template"]["spec"])
    assert variables["GATEWAY_MAX_COST"] == "100000000"
    assert variables["GATEWAY_CACHE_TIMEOUT_S"] == "0.001"
    assert variables["GATEWAY_CACHE"] == "false"


@pytest.mark.parametrize("mode", ["hpa", "keda"])
def test_an_autoscaler_alone_says_how_many_replicas_there_are(mode: str) -> None:
    options = f"autoscaling.{mode}.enabled=true,metrics.serviceMonitor.enabled=true"
    options += ",autoscaling.keda.prometheusAddress=http://p:9090"
    assert "replicas" not in _deployment("--set", options)["spec"]


def test_another_content_of_the_model_is_another_configmap() -> None:
    def names(text: str) -> set[str]:
        objects = parse(render(EXAMPLES / "model-configmap.yaml", "--set", f"model.configMap.files.tables\\.py={text}"))
        mounted = {
            volume["configMap"]["name"]
            for pod in pods(objects).values()
            for volume in pod["volumes"]
            if "configMap" in volume
        }
        assert {item["metadata"]["name"] for item in of_kind(objects, "ConfigMap")} == mounted
        return mounted

    first, second = names("a=1"), names("a=2")
    assert len(first) == 1
    assert first != second


@pytest.mark.parametrize("text", ["  a = 1\n", "a = '\\t'\r\n\n\n", 'b = """é"""', "#: {{ .Values }}\n"])
def test_files_of_the_model_arrive_as_they_are(text: str, tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_bytes(text.encode())
    objects = parse(render(MINIMAL, "--set-file", rf"model.configMap.files.model\.py={file}"))
    assert [item["data"] for item in of_kind(objects, "ConfigMap")] == [{"model.py": text}]


def test_the_model_is_there_before_the_migration_and_after_a_rollback(resources: Mapping[str, list[Resource]]) -> None:
    (model,) = of_kind(resources["model-configmap"], "ConfigMap")
    (migration,) = of_kind(resources["model-configmap"], "Job")
    hooks = [item["metadata"]["annotations"] for item in (model, migration)]
    assert set(hooks[1]["helm.sh/hook"].split(",")) <= set(hooks[0]["helm.sh/hook"].split(","))
    assert int(hooks[0]["helm.sh/hook-weight"]) < int(hooks[1]["helm.sh/hook-weight"])
    assert "pre-rollback" in hooks[0]["helm.sh/hook"]
    assert "hook-succeeded" not in hooks[0]["helm.sh/hook-delete-policy"]
    assert model["immutable"] is True


def test_names_fit_whatever_the_release_is_called() -> None:
    values = EXAMPLES / "production.yaml"
    text = run_helm("template", "r" * 53, CHART, "--namespace", "n", "--values", values)
    assert max(len(item["metadata"]["name"]) for item in parse(text)) <= 63
    assert max(len(item["metadata"]["name"]) for item in of_kind(parse(text), "CronJob")) <= 52


def test_notes_say_how_many_connections_postgres_must_accept() -> None:
    values = ("--values", MINIMAL, "--set", "replicas=3,settings.GATEWAY_WORKERS=2")
    notes = run_helm("install", "shop", CHART, "--namespace", "n", "--dry-run=client", *values)
    assert f"must accept {(3 + 1) * 2 * (10 + 3)} connections" in notes


def test_rules_and_dashboards_are_included_as_they_are(resources: Mapping[str, list[Resource]]) -> None:
    objects = resources["tracing-metrics"]
    rules = of_kind(objects, "PrometheusRule")
    dashboards = {name: text for item in of_kind(objects, "ConfigMap") for name, text in item["data"].items()}
    (rules_folder, rules_pattern, _), (dashboards_folder, dashboards_pattern, _) = SHIPPED
    originals = sorted((ROOT / rules_folder).glob(rules_pattern))
    assert len(originals) >= 3
    assert len(dashboards) >= 5
    assert [item["spec"] for item in rules] == [parse(path.read_text())[0] for path in originals]
    assert dashboards == {path.name: path.read_text() for path in (ROOT / dashboards_folder).glob(dashboards_pattern)}


def test_a_package_of_the_chart_has_its_files_and_no_examples(tmp_path: Path) -> None:
    run_helm("package", CHART, "--destination", tmp_path)
    (package,) = tmp_path.glob("fuseway-*.tgz")
    with tarfile.open(package) as archive:
        names = set(archive.getnames())
    copies = {f"fuseway/{path.relative_to(CHART)}" for path in shipped_copies()}
    assert names >= {"fuseway/values.schema.json", "fuseway/templates/deployment.yaml", *copies}
    assert [name for name in names if "examples" in name] == []
