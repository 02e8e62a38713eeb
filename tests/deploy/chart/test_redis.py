"""The Redis of the chart starts with the arguments of its pod, and does what the cache counts on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import redis
import yaml

from deploy.embedded.valkey import _server
from tests.deploy.chart.conftest import Resource, of_kind
from tests.deploy.compose import FOLDER as COMPOSE

pytestmark = [pytest.mark.deploy, pytest.mark.engine]

PASSWORD = "p@ss word"
START_TIMEOUT_S = 20


@pytest.fixture
def server(resources: Mapping[str, list[Resource]], tmp_path: Path) -> Iterator[Path]:
    """The path of the socket of a Valkey with the pod's arguments, but for its port and its folder."""
    (redis_set,) = of_kind(resources["own-redis"], "StatefulSet")
    (container,) = redis_set["spec"]["template"]["spec"]["containers"]
    arguments = [
        text.replace("$(REDISCLI_AUTH)", PASSWORD).replace("/data", str(tmp_path)) for text in container["args"]
    ]
    socket = tmp_path / "socket"
    command = [str(_server()), *arguments, "--port", "0", "--unixsocket", str(socket)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + START_TIMEOUT_S
        while not socket.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        yield socket
        process.terminate()


def test_it_evicts_saves_and_wants_its_password(server: Path) -> None:
    with redis.Redis(unix_socket_path=str(server)) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis(unix_socket_path=str(server), password=PASSWORD) as client:
        values = client.config_get("maxmemory", "maxmemory-policy", "save", "stop-writes-on-bgsave-error", "dir")
    assert values == {
        "maxmemory": str(512 * 1024 * 1024),
        "maxmemory-policy": "allkeys-lru",
        "save": "3600 1",
        "stop-writes-on-bgsave-error": "no",
        "dir": str(server.parent),
    }


def test_it_is_the_one_of_the_compose_file(resources: Mapping[str, list[Resource]]) -> None:
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
    (redis_set,) = of_kind(resources["own-redis"], "StatefulSet")
    (container,) = redis_set["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"docker.io/{services['redis']['image']}"
