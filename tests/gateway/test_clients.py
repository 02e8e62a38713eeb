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

HERE = Path(__file__).parents[1] / "clients_js"
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


def _ended(command: list[str], timeout_s: float) -> tuple[int, str]:
    """The exit status and what was printed. All that the command started ends with it, however it ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=HERE, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
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
        ("relay", "ok: an invalid document is an error"),
        ("apollo-persisted", "ok: and only the unknown one is sent again with its text"),
        ("urql-persisted", "ok: by its hash alone"),
    ],
)
def test_a_client_gets_what_it_asks_for(gateway_url: str, node: str, script: str, last_line: str) -> None:
    status, output = _ended([node, f"{script}.mjs", gateway_url], SCRIPT_TIMEOUT_S)
    assert status == 0, output
    assert output.splitlines()[-1] == last_line


def test_packages_are_pinned_and_locked_without_addresses() -> None:
    package = json.loads((HERE / "package.json").read_text())["dependencies"]
    lock = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in package} == package
    assert [name for name, locked in lock.items() if "resolved" in locked] == []
    assert [name for name, locked in lock.items() if name and "integrity" not in locked] == []
