"""The Compose file is one for Docker Compose, and every setting, port, address and file that it names exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis.asyncio import Redis

from benchmarks.servers import accepts, running
from deploy.embedded.process import free_port
from deploy.embedded.valkey import _server
from gateway.settings import Settings
from gateway.trusted_proxies import TrustedProxies, parse_address
from tests.deploy.compose import FOLDER, PAGE, ROOT, blocks, configuration, filled_environment
from tests.deploy.sizing import needed_bytes

pytestmark = pytest.mark.deploy

Service = dict[str, Any]
GATEWAYS = ("gateway-1", "gateway-2")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled .env."""
    return filled_environment(tmp_path_factory.mktemp("compose"))


@pytest.fixture(scope="module")
def compose(environment: Path) -> dict[str, Any]:
    """The whole file."""
    return configuration(environment, FOLDER / "compose.yaml")


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    """The services by name."""
    result: dict[str, Service] = compose["services"]
    return result


def _settings(service: Service) -> Settings:
    return Settings.from_environment(service["environment"])


def _port(command: str) -> str:
    """Return the port of the last URL in a health check."""
    return re.findall(r"127\.0\.0\.1(?::(\d+))?/", command)[-1] or "80"


def test_every_secret_is_asked_for_and_none_is_shipped(environment: Path) -> None:
    example, filled = (FOLDER / ".env.example").read_text(), environment.read_text()
    names = re.findall(r"^(\w+)=$", example, re.MULTILINE)
    used = set(re.findall(r"\$\{(\w+)", (FOLDER / "compose.yaml").read_text()))
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == used
    required = set(re.findall(r"\$\{(\w+):\?", (FOLDER / "compose.yaml").read_text()))
    assert set(names) == required
    assert all(re.search(rf"^{name}=[0-9a-f]{{48}}$", filled, re.MULTILINE) for name in names)


def test_every_setting_of_the_gateways_exists_and_is_valid(services: dict[str, Service]) -> None:
    variables = {item.metadata["variable"] for item in fields(Settings)}
    for name in (*GATEWAYS, "setup"):
        assert set(services[name]["environment"]) - variables == set()
    settings = _settings(services["gateway-1"])
    assert settings == _settings(services["gateway-2"])
    assert _settings(services["setup"]).database_url == settings.database_url


def test_urls_of_stores_are_those_of_the_stores(services: dict[str, Service]) -> None:
    settings = _settings(services["gateway-1"])
    postgres, clickhouse = services["postgres"]["environment"], services["clickhouse"]["environment"]
    login = f"{postgres['POSTGRES_USER']}:{postgres['POSTGRES_PASSWORD']}"
    assert settings.database_url == f"postgresql://{login}@postgres:5432/{postgres['POSTGRES_DB']}"
    login = f"{clickhouse['CLICKHOUSE_USER']}:{clickhouse['CLICKHOUSE_PASSWORD']}"
    assert settings.clickhouse_url == f"http://{login}@clickhouse:8123/{clickhouse['CLICKHOUSE_DB']}"
    command = services["redis"]["command"]
    assert settings.redis_url == f"redis://:{command[command.index('--requirepass') + 1]}@redis:6379/0"
    assert settings.redis_url == f"redis://:{services['redis']['environment']['REDIS_PASSWORD']}@redis:6379/0"
    assert len(GATEWAYS) * settings.workers * (settings.postgres_connections + 3) < 100, "max_connections of PostgreSQL"


@pytest.mark.engine
async def test_redis_starts_with_its_arguments(services: dict[str, Service], tmp_path: Path) -> None:
    _, *arguments = services["redis"]["command"]
    port = free_port()
    command = [str(_server()), *arguments, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    url = _settings(services["gateway-1"]).redis_url.replace("@redis:6379", f"@127.0.0.1:{port}")
    with running(command, lambda: accepts(port)):
        async with Redis.from_url(url, decode_responses=True) as client:
            assert (await client.config_get("maxmemory*"))["maxmemory-policy"] == "allkeys-lru"
            assert await client.config_get("save") == {"save": ""}


def test_every_file_that_is_mounted_is_there(compose: dict[str, Any], services: dict[str, Service]) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    binds = [mount for mount in mounts if mount["type"] == "bind"]
    assert len(binds) == 6
    assert [mount["source"] for mount in binds if not Path(mount["source"]).exists()] == []
    assert all(mount["read_only"] for mount in binds)
    assert {mount["source"] for mount in mounts if mount["type"] == "volume"} == set(compose["volumes"])
    for service in services.values():
        if "build" in service:
            file = Path(service["build"]["context"], service["build"]["dockerfile"])
            assert f" AS {service['build']['target']}\n" in file.read_text()


def test_what_programs_are_told_to_read_is_mounted(services: dict[str, Service]) -> None:
    for name in ("prometheus", "alertmanager"):
        (file,) = (word.partition("=")[2] for word in services[name]["command"] if word.startswith("--config.file="))
        mount = next(mount for mount in services[name]["volumes"] if file.startswith(mount["target"] + "/"))
        assert (Path(mount["source"]) / file.removeprefix(mount["target"] + "/")).is_file()
    providers = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/fuseway.yaml").read_text())["providers"]
    targets = {mount["target"] for mount in services["grafana"]["volumes"]}
    assert {provider["options"]["path"] for provider in providers} < targets


def test_prometheus_finds_the_gateways_alertmanager_and_is_found(services: dict[str, Service]) -> None:
    targets = ROOT / "deploy" / "prometheus" / "targets"
    gateways = yaml.safe_load((targets / "gateways.yaml").read_text())
    port = _settings(services["gateway-1"]).metrics_port
    assert [target for group in gateways for target in group["targets"]] == [f"{name}:{port}" for name in GATEWAYS]
    assert yaml.safe_load((targets / "alertmanagers.yaml").read_text()) == [{"targets": ["alertmanager:9093"]}]
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text())
    assert [source["url"] for source in sources["datasources"]] == ["http://prometheus:9090"]
    for name in (*GATEWAYS, "prometheus", "alertmanager", "grafana"):
        assert "monitoring" in services[name]["networks"]


def test_nginx_knows_the_gateways_and_they_it(services: dict[str, Service]) -> None:
    environment = services["nginx"]["environment"]
    template = (ROOT / "deploy" / "nginx" / "gateway.conf.template").read_text()
    assert set(re.findall(r"\$\{(EDGE_\w+)\}", template)) == {name for name in environment if name.startswith("EDGE_")}
    settings = _settings(services["gateway-1"])
    addresses = [services[name]["networks"]["edge"]["ipv4_address"] for name in GATEWAYS]
    servers = re.findall(
        r"server (\S+) (max_fails=3 fail_timeout=2s|backup max_fails=0);", environment["EDGE_GATEWAYS"]
    )
    assert sorted({server for server, _ in servers}) == [f"{address}:{settings.port}" for address in addresses]
    assert len(servers) == 4
    nginx = services["nginx"]["networks"]["edge"]["ipv4_address"]
    proxies = TrustedProxies.parse(settings.trusted_proxies)
    trusted = [text for text in (nginx, *addresses) if (address := parse_address(text)) and proxies.is_trusted(address)]
    assert trusted == [nginx]
    files = int(re.findall(r"worker_rlimit_nofile (\d+);", (ROOT / "deploy/nginx/nginx.conf").read_text())[0])
    assert services["nginx"]["ulimits"]["nofile"] >= files


def test_published_ports_are_those_that_are_listened_on(services: dict[str, Service]) -> None:
    ports = {name: [port["target"] for port in service.get("ports", [])] for name, service in services.items()}
    edge = services["nginx"]["environment"]
    assert {name: value for name, value in ports.items() if value} == {
        "nginx": [int(edge["EDGE_LISTEN"]), int(edge["EDGE_LISTEN_H2C"])],
        "prometheus": [9090],
        "alertmanager": [9093],
        "grafana": [3000],
    }
    assert {port["host_ip"] for service in services.values() for port in service.get("ports", [])} == {"127.0.0.1"}
    checks = {name: " ".join(services[name]["healthcheck"]["test"]) for name in ports if ports[name]}
    assert all(int(_port(check)) in ports[name] for name, check in checks.items())


def test_every_service_is_limited_in_memory_and_logs_and_none_in_cpu(services: dict[str, Service]) -> None:
    for service in services.values():
        assert set(service["deploy"]["resources"]["limits"]) == {"memory"}
        assert service["logging"]["options"]["max-size"] == "10m"
        assert "cpus" not in service
    limits = {name: int(service["deploy"]["resources"]["limits"]["memory"]) for name, service in services.items()}
    assert needed_bytes(_settings(services["gateway-1"])) <= limits["gateway-1"]
    assert f"limits of memory add up to {sum(limits.values()) >> 30} GiB" in PAGE.read_text()


def test_what_serves_has_a_health_check_that_what_needs_it_waits_for(services: dict[str, Service]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"setup"}
    assert services["nginx"]["depends_on"].keys() == set(GATEWAYS)
    conditions = {need: fact["condition"] for need, fact in services["gateway-1"]["depends_on"].items()}
    assert conditions == {"setup": "service_completed_successfully", "redis": "service_healthy"}
    assert services["setup"]["depends_on"].keys() == {"postgres", "clickhouse"}
    assert all(service.get("restart") == "unless-stopped" for name, service in services.items() if name != "setup")
    assert services["gateway-1"]["stop_grace_period"] == "15s"
    assert _settings(services["gateway-1"]).shutdown_timeout_s < 15


def test_nothing_but_the_databases_has_rights_or_a_file_system_to_write_to(services: dict[str, Service]) -> None:
    for name in services.keys() - {"postgres", "clickhouse"}:
        service = services[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
    for name in (*GATEWAYS, "setup"):
        assert "user" not in services[name], "the image says it"
    assert {name for name, service in services.items() if "cap_add" in service} == {"nginx"}


def test_stores_are_reached_by_the_gateways_alone(compose: dict[str, Any], services: dict[str, Service]) -> None:
    assert compose["networks"]["stores"]["internal"] is True
    members = {name for name, service in services.items() if "stores" in service["networks"]}
    assert members == {*GATEWAYS, "setup", "postgres", "clickhouse", "redis"}


def test_images_are_pinned_to_a_version(services: dict[str, Service]) -> None:
    images = {name: service["image"] for name, service in services.items()}
    assert [image for image in images.values() if not re.search(r":v?\d+\.\d+[\w.-]*$", image)] == []
    version = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert {image for image in images.values() if image.startswith("fuseway")} == {
        f"fuseway:{version}",
        f"fuseway-sample:{version}",
    }


def test_a_model_of_ones_own_takes_the_samples_place(environment: Path, tmp_path: Path) -> None:
    (text,) = (block for block in blocks("yaml") if "services:" in block)
    (tmp_path / "override.yaml").write_text(text)
    services = configuration(environment, FOLDER / "compose.yaml", tmp_path / "override.yaml")["services"]
    for name in (*GATEWAYS, "setup"):
        assert services[name]["image"] == "shop-gateway:1"
        assert "build" not in services[name]
        settings = _settings(services[name])
        assert (settings.model, settings.database_url) == (
            "/model/shop",
            "postgresql://gateway:secret@db.internal/shop",
        )
    assert services["setup"]["command"] == ["gateway migrate"]
    assert services.keys() & {"postgres", "clickhouse"} == set()
    assert "depends_on" not in services["setup"]
