"""Clients that frontends use, and graphql-http's audits, each in a script of its own in front of the real gateway."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.conftest import served

ROOT = Path(__file__).parents[2]
HERE = ROOT / "tests" / "clients_js"
INSTALL_TIMEOUT_S = 120.0
SCRIPT_TIMEOUT_S = 60.0
LOCKED = (".npmrc", "package-lock.json", "package.json")


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js, with the packages installed: once, until the lock file says otherwise."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        _missing("npm was not found")
    stamp = HERE / "node_modules" / ".installed"
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LOCKED)).hexdigest()
    with (HERE / "package.json").open() as lock:  # two runs would install over each other
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            _install(npm)
            stamp.write_text(wanted)
    return node


def _install(npm: str) -> None:
    status, output = _ended([npm, "ci"], INSTALL_TIMEOUT_S)
    if status != 0:
        _missing(f"npm ci failed: {output[-500:]}")


def _ended(command: list[str], timeout_s: float, folder: Path = HERE) -> tuple[int, str]:
    """The exit status and what was printed. All that the command started ends with it, however it ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return 1, f"{' '.join(command)} took more than {timeout_s:.0f} s.\n{process.communicate()[0]}"
    return process.returncode, output


def _missing(what: str) -> NoReturn:
    if os.environ.get("GATEWAY_TESTS_SKIP_NOTHING"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.mark.parametrize(
    ("script", "last_line"),
    [
        ("audits", "61 of 61"),
        ("apollo", "ok: whose wrong one is alone"),
        ("urql", "ok: each by one request"),
        ("apollo-deferred", "ok: of one request"),
        ("apollo-persisted", "ok: and only the unknown one is sent again with its text"),
        ("urql-persisted", "ok: by its hash alone"),
    ],
)
def test_a_client_gets_what_it_asks_for(gateway_url: str, node: str, script: str, last_line: str) -> None:
    status, output = _ended([node, f"{script}.mjs", gateway_url], SCRIPT_TIMEOUT_S)
    assert status == 0, output
    assert output.splitlines()[-1] == last_line


@pytest.mark.parametrize(
    ("script", "last_line"),
    [
        ("relay.js", "ok: what the compiler did not write is refused"),
        ("relay-refetch.js", "ok: every record of the store is of a nodeId"),
    ],
)
def test_relay_gets_what_its_compiler_wrote_and_nothing_else(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
    node: str,
    tmp_path: Path,
    script: str,
    last_line: str,
) -> None:
    """The compiler's manifest of documents is the gateway's."""
    for source in (HERE / script, HERE / "relay.config.json", ROOT / "schema.graphql"):
        shutil.copy(source, tmp_path)
    artifacts, manifest = tmp_path / "artifacts", tmp_path / "documents.json"
    artifacts.mkdir()
    manifest.write_text("{}")  # the compiler adds to it
    compiler = str(HERE / "node_modules" / "relay-compiler" / "cli.js")
    status, output = _ended([node, compiler, "--noWatchman", "relay.config.json"], SCRIPT_TIMEOUT_S, tmp_path)
    assert status == 0, output
    with served(store_urls, GATEWAY_PERSISTED="trusted", GATEWAY_TRUSTED_DOCUMENTS=str(manifest)) as url:
        status, output = _ended([node, script, url, str(artifacts)], SCRIPT_TIMEOUT_S)
    assert status == 0, output
    assert output.splitlines()[-1] == last_line


def test_the_documented_configuration_of_relay_is_the_one_that_is_tested() -> None:
    tested = json.loads((HERE / "relay.config.json").read_text())["schemaConfig"]
    chapter = (ROOT / "docs" / "api.md").read_text().partition("## Relay\n")[2].partition("\n## ")[0]
    documented = json.loads(chapter.partition("```json\n")[2].partition("```")[0])
    assert documented["schemaConfig"] == tested
    assert "getDataID: (object) => object.nodeId" in chapter
    assert "getDataID: (object) => object.nodeId" in (HERE / "relay-environment.mjs").read_text()


def test_packages_are_pinned_and_locked_without_addresses() -> None:
    package = json.loads((HERE / "package.json").read_text())["dependencies"]
    lock = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in package} == package
    assert [name for name, locked in lock.items() if "resolved" in locked] == []
    assert [name for name, locked in lock.items() if name and "integrity" not in locked] == []
