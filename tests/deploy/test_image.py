"""The shipped image, built from the shipped Dockerfile: what is in it, and what it does without rights and on a file system
that it cannot write to."""

from __future__ import annotations

import json
import re
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from benchmarks.nginx import TEMPLATE, running_nginx
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway.graphiql import build
from tests.asking import ask
from tests.conftest import NewDatabase, Stores
from tests.deploy.compose import FOLDER, configuration, filled_environment
from tests.deploy.containers import BASE, ROOT, Container, Containers, new_containers
from tests.deploy.programs import leave_out, program
from tests.gateway.conftest import environment_of

pytestmark = pytest.mark.deploy

DOCKERFILE = ROOT / "deploy" / "image" / "Dockerfile"
EXAMPLES = ROOT / "deploy" / "fleet" / "examples"
IMAGE, SAMPLE_IMAGE = "localhost/fuseway:test", "localhost/fuseway-sample:test"
STOP_S = 10.0
"""GATEWAY_SHUTDOWN_TIMEOUT_S, within which a gateway stops."""

DISTRIBUTIONS = "import importlib.metadata as m; print(*sorted(f'{d.name}=={d.version}' for d in m.distributions()))"
STRANGE_FILES = """
import importlib.util, os, stat, struct
def is_compiled(path, status):
    with open(importlib.util.cache_from_source(path), "rb") as file:
        head = file.read(16)
    return struct.unpack("<II", head[8:]) == (int(status.st_mtime), status.st_size)
for folder, _, names in os.walk("/opt"):
    for path in [folder, *(os.path.join(folder, name) for name in names)]:
        status = os.lstat(path)
        is_writable = not stat.S_ISLNK(status.st_mode) and status.st_mode & 0o022
        is_module = path.endswith(".py") and "/site-packages/" in path
        if status.st_uid or status.st_gid or is_writable or is_module and not is_compiled(path, status):
            print(path)
"""
"""Prints files that others than root may write, and modules that would be compiled at each start."""

MODEL = '''
from __future__ import annotations

import fuseway as m

FRESH = m.Freshness(fresh_s=60, stale_while_revalidate_s=600, stale_if_error_s=3_600)
airlines = m.Postgres().table("public.airline", scope="shop:read", freshness=FRESH)


class Carrier(m.Object, table=airlines):
    """An airline."""

    code: str = m.key()
    name: str


class Query(m.Query):
    """Where queries begin."""

    carrier: Carrier | None = m.by_key()


model = m.Model("shop", query=Query, types=[Carrier])
'''
"""A model of one's own, over a table that the tests' databases have."""


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    """Both programs and a base."""
    with new_containers() as containers:
        yield containers


@pytest.fixture(scope="module")
def image(containers: Containers) -> str:
    """The image that serves, with GraphiQL's own files where npm can build them."""
    build.ensure_built()
    containers.build(IMAGE, DOCKERFILE, ROOT, target="serve", BASE=BASE)
    return IMAGE


@pytest.fixture(scope="module")
def sample_image(containers: Containers) -> str:
    """The image that has the sample's data, too."""
    containers.build(SAMPLE_IMAGE, DOCKERFILE, ROOT, target="sample", BASE=BASE)
    return SAMPLE_IMAGE


@pytest.fixture(scope="module")
def container(
    containers: Containers,
    image: str,
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
) -> Iterator[Container]:
    """Two workers that serve the sample fleet, and their metrics on a port of their own."""
    settings = {"GATEWAY_MODEL": "deploy.fleet.model", "GATEWAY_ANONYMOUS": "all", "GATEWAY_WORKERS": "2"}
    settings |= {"GATEWAY_METRICS_PORT": str(free_port()), "GATEWAY_GRAPHIQL": "true"}
    with containers.serving(image, "gateway", {**environment_of(store_urls), **settings}) as container:
        yield container


def dashboard() -> dict[str, Any]:
    """The body of a dashboard's request."""
    variables = json.loads((EXAMPLES / "dashboard.json").read_text())
    return {"query": (EXAMPLES / "dashboard.graphql").read_text(), "variables": variables}


def test_the_image_says_how_it_is_run(containers: Containers, image: str) -> None:
    facts = containers.inspect("image", image)
    config = facts["Config"]
    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"]) == (["gateway"], ["serve"])
    assert config["ExposedPorts"] == {"8000/tcp": {}}
    assert config["StopSignal"] in ("SIGTERM", "15")
    assert facts["Healthcheck"]["Test"][:2] == ["CMD", "python3"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["version"], labels["licenses"]) == (project["version"], project["license"])


def test_it_has_what_is_locked_for_serving_and_nothing_else(containers: Containers, image: str) -> None:
    pins = re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / "requirements" / "serve.txt").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*pins, f"{project['name']}=={project['version']}"]
    installed = containers.run(image, "-c", DISTRIBUTIONS, entrypoint="python3").split()
    assert {_normalized(name) for name in installed} == {_normalized(name) for name in wanted}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+(?=.*==)", "-", name).lower()


def test_nothing_of_the_build_is_left(containers: Containers, image: str) -> None:
    places = "/build /wheels /opt/tools /opt/wheels /root/.cache"
    script = f"ls -d {places} 2>/dev/null; find / -xdev -name '*.whl' -path '/opt/*'; command -v gcc cc npm; true"
    assert containers.run(image, "-c", script, entrypoint="sh") == ""


def test_its_files_are_roots_and_compiled(containers: Containers, image: str) -> None:
    assert containers.run(image, "-c", STRANGE_FILES, entrypoint="python3") == ""


def test_the_context_is_of_committed_files_that_the_image_needs(containers: Containers, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /context/\n")
    containers.build("localhost/context:test", tmp_path / "Dockerfile", ROOT)
    folder = Path(containers.run_podman("image", "mount", "localhost/context:test").stdout.strip(), "context")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    uncommitted = names - set(listed.split())
    assert [
        name for name in uncommitted if not re.match("gateway/graphiql/assets/(hashed/|manifest|stamp)", name)
    ] == []
    assert {name.split("/")[0] for name in names} == {
        *("LICENSE", "README.md", "pyproject.toml", "requirements"),
        *("deploy", "fuseway", "fuseway_pytest", "gateway", "loaders", "resolvers"),
    }
    containers.run_podman("image", "unmount", "localhost/context:test")


async def test_it_answers_the_dashboards_query(container: Container, sample_stores: Stores) -> None:
    body = dashboard()
    async with httpx.AsyncClient(base_url=container.url) as client:
        answer = (await client.post("/graphql", json=body)).raise_for_status().json()
    assert answer["data"] == (await ask(*sample_stores, body["query"], body["variables"])).data
    assert len(answer["data"]["aircraftByIds"]) == 3


def test_graphiql_is_served_from_its_own_files(container: Container) -> None:
    if not build.is_current(build.HERE):
        leave_out("GraphiQL is not built: apt-get install npm")
    page = httpx.get(f"{container.url}/graphiql").text
    (script,) = re.findall(r'<script [^>]*src="([^"]+)"', page)
    assert script.startswith("graphiql/assets/")
    assert httpx.get(f"{container.url}/{script}").status_code == 200


def test_it_shows_what_it_does(containers: Containers, container: Container) -> None:
    httpx.post(f"{container.url}/graphql", json=dashboard()).raise_for_status()
    shown = containers.run_podman("exec", container.name, "gateway", "top", "--once", "--since-start").stdout
    assert "Aircraft.analysis.punctuality" in shown


def test_it_runs_without_rights(containers: Containers, container: Container) -> None:
    status = containers.run_podman("exec", container.name, "cat", "/proc/1/status").stdout
    facts = dict(line.split(":\t", 1) for line in status.splitlines())
    assert facts["Uid"].split() == ["10001"] * 4
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert facts["NoNewPrivs"] == "1"
    refused = containers.run_podman("exec", container.name, "touch", "/opt/file", is_checked=False)
    assert "Read-only file system" in refused.stderr


def test_it_writes_nothing_into_its_layer(containers: Containers, container: Container) -> None:
    httpx.post(f"{container.url}/graphql", json=dashboard()).raise_for_status()
    assert containers.run_podman("diff", container.name).stdout == "C /etc\n", (
        "podman's own /etc/hosts, and nothing else"
    )


def test_its_healthcheck_passes_and_fails_with_a_sentence(containers: Containers, container: Container) -> None:
    containers.run_podman("healthcheck", "run", container.name)
    command = ["python3", "-I", "-S", "/opt/healthcheck.py"]
    containers.run_podman("exec", container.name, *command, "/readyz")
    missing = containers.run_podman("exec", container.name, *command, "/nothing", is_checked=False)
    assert (missing.returncode, missing.stderr) == (1, "/nothing is answered 404.\n")
    absent = containers.run_podman("exec", "--env=GATEWAY_PORT=1", container.name, *command, is_checked=False)
    assert (absent.returncode, absent.stderr) == (1, "/livez is not answered: [Errno 111] Connection refused\n")


def test_it_stops_in_time(containers: Containers, image: str, store_urls: StoreUrls) -> None:
    settings = {**environment_of(store_urls), "GATEWAY_MODEL": "deploy.fleet.model", "GATEWAY_WORKERS": "2"}
    with containers.serving(image, "stopped", settings) as container:
        begun = time.monotonic()
        containers.run_podman("stop", "--time", "30", container.name)
        assert time.monotonic() - begun < STOP_S
        assert containers.inspect("container", container.name)["State"]["ExitCode"] == 0


def test_nginx_of_the_compose_file_serves_the_gateways_that_are_left(
    containers: Containers, image: str, container: Container, store_urls: StoreUrls, tmp_path: Path
) -> None:
    nginx = configuration(filled_environment(tmp_path), FOLDER / "compose.yaml")["services"]["nginx"]["environment"]
    settings = {**environment_of(store_urls), "GATEWAY_MODEL": "deploy.fleet.model", "GATEWAY_ANONYMOUS": "all"}
    port = free_port()
    with containers.serving(image, "second", settings) as second:
        servers = nginx["EDGE_GATEWAYS"].replace("172.30.80.11:8000", urlsplit(container.url).netloc)
        values = {
            "EDGE_GATEWAYS": servers.replace("172.30.80.12:8000", urlsplit(second.url).netloc),
            "EDGE_LISTEN": f"127.0.0.1:{port}",
            "EDGE_LISTEN_H2C": f"127.0.0.1:{free_port()}",
            "EDGE_CACHE": str(tmp_path / "copies"),
        }
        text = Template(TEMPLATE.read_text()).safe_substitute({**nginx, **values})
        with running_nginx(program("nginx"), tmp_path, text, port), httpx.Client(timeout=20) as client:
            for is_alone in (False, True):
                if is_alone:
                    containers.run_podman("stop", "--time", "30", second.name)
                answers = [client.post(f"http://127.0.0.1:{port}/graphql", json=dashboard()) for _ in range(8)]
                assert {answer.status_code for answer in answers} == {200}


async def test_the_sample_is_loaded_once_by_its_image(
    containers: Containers, sample_image: str, new_database: NewDatabase, store_urls: StoreUrls
) -> None:
    async with new_database() as new:
        urls = {"DATABASE_URL": new.database_url, "CLICKHOUSE_URL": new.clickhouse_url}
        settings = {**urls, "REDIS_URL": store_urls.redis_url, "GATEWAY_MODEL": "deploy.fleet.model"}
        command = ("-ec", "gateway migrate && gateway setup")
        assert "Loading the sample fleet" in containers.run(
            sample_image, *command, entrypoint="sh", environment=settings
        )
        assert [tuple(row) for row in await new.stores.postgres.rows("select count(*) from airline")] == [(16,)]
        assert "Loading" not in containers.run(sample_image, *command, entrypoint="sh", environment=settings)


def test_a_model_of_ones_own_becomes_an_image(
    containers: Containers, image: str, store_urls: StoreUrls, sample_stores: Stores, tmp_path: Path
) -> None:
    assert sample_stores
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "model.py").write_text(MODEL)
    dockerfile = ROOT / "deploy" / "image" / "model.Dockerfile"
    containers.build("localhost/shop:test", dockerfile, tmp_path, FUSEWAY=image)
    settings = {**environment_of(store_urls), "GATEWAY_ANONYMOUS": "all"}
    with containers.serving("localhost/shop:test", "shop", settings) as container:
        answer = httpx.post(f"{container.url}/graphql", json={"query": '{ carrier(id: "UA") { name } }'}).json()
    assert answer["data"] == {"carrier": {"name": "United Air Lines Inc."}}


def test_a_model_with_a_mistake_becomes_none(containers: Containers, image: str, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "model.py").write_text(MODEL.replace("    name: str", "    name: complex"))
    dockerfile = ROOT / "deploy" / "image" / "model.Dockerfile"
    with pytest.raises(subprocess.CalledProcessError) as error:
        containers.build("localhost/wrong:test", dockerfile, tmp_path, FUSEWAY=image)
    assert "model.py:14  Carrier.name: complex is no scalar" in error.value.stdout + error.value.stderr
