"""Images that buildah builds and containers that podman runs, in a storage of their own: nothing is pulled or installed.

Containers have the machine's network, since the tests' engines listen on its loopback address alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.servers import answers, wait_until
from deploy.embedded.process import free_port
from tests.deploy.programs import leave_out, program

ROOT: Final = Path(__file__).parents[2]
BASE: Final = "localhost/base:test"
_PROCESSES: Final = 4_096
TIMEOUT_S: Final = 480.0
"""How long a build may take: it is a minute on a machine that is busy."""

_DEBIAN: Final = (
    "--variant=minbase",
    "--include=python3,python3-venv,ca-certificates",
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")),
    "--quiet",
    "bookworm",
)
"""What python:3.11-slim-bookworm has for the Dockerfile: Debian 12, a Python 3.11, and certificates."""
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fuseway-tests"
"""Debian's packages and the wheels: what takes most of the time, and is the same from run to run."""
_WEEK_S: Final = 7 * 86_400
_MEMORY: Final = Path("/dev/shm")
"""Where layers are stored: on a disk, each of them waits until it is written."""
_PIP_CONF: Final = "[global]\nno-index = true\nfind-links = /wheels\ndisable-pip-version-check = true\n"


@dataclass(frozen=True, slots=True)
class Container:
    """A gateway that runs in a container."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Containers:
    """The two programs, with all that they store in one folder."""

    buildah: str
    podman: str
    folder: Path
    wheels: Path

    def storage(self) -> list[str]:
        """Return the options that both programs have for where they store."""
        places = ["--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run")]
        return [*places, "--storage-driver", "overlay"]

    def build(self, tag: str, dockerfile: Path, context: Path, *, target: str = "", **arguments: str) -> None:
        """Build an image. Raises CalledProcessError, with the output, where that fails."""
        volumes = (f"{self.wheels}:/wheels:ro", f"{self.folder / 'pip.conf'}:/etc/pip.conf:ro")
        command = [
            self.buildah,
            *self.storage(),
            "build",
            "--format",
            "docker",
            "--isolation",
            "chroot",
            "--layers",
        ]
        command += [word for volume in volumes for word in ("--volume", volume)] + ["--pull-never"]
        command += [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        command += ["--target", target] if target else []
        _run([*command, "--tag", tag, "--file", str(dockerfile), str(context)])

    def run_podman(self, *arguments: str, is_checked: bool = True) -> subprocess.CompletedProcess[str]:
        """Run podman, and return what it printed. Raises CalledProcessError where it fails, unless it may."""
        options = ["--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        return _run([self.podman, *self.storage(), *options, *arguments], is_checked=is_checked)

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """Return all that podman knows of an image or a container."""
        result: dict[str, Any] = json.loads(self.run_podman(kind, "inspect", name).stdout)[0]
        return result

    def run(self, image: str, *arguments: str, entrypoint: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a command in a new container, hardened as the shipped ones, and return what it printed."""
        options = ["--rm", *hardened(environment or {}), f"--entrypoint={entrypoint}"]
        return self.run_podman("run", *options, image, *arguments).stdout

    @contextmanager
    def serving(self, image: str, name: str, environment: Mapping[str, str]) -> Iterator[Container]:
        """A container that serves on a free port of the loopback address, until the end of the block."""
        port = free_port()
        added = {"GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), **environment}
        self.run_podman("run", "--detach", f"--name={name}", *hardened(added), image)
        container = Container(name, f"http://127.0.0.1:{port}")
        try:
            wait_until(lambda: answers(f"{container.url}/livez"))
            yield container
        finally:
            self.run_podman("rm", "--force", "--time", "0", name)


def hardened(environment: Mapping[str, str]) -> list[str]:
    """Return the options of a container that writes to /tmp alone, and has no rights beyond its user's."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # podman's own limits are more than some sandboxes allow
    options = ["--network=host", f"--ulimit=nofile={files}:{files}", f"--ulimit=nproc={_PROCESSES}:{_PROCESSES}"]
    options += ["--read-only", "--read-only-tmpfs=false"]
    options += ["--tmpfs=/tmp:size=64m,mode=1777", "--cap-drop=all", "--security-opt=no-new-privileges"]
    return options + [f"--env={name}={value}" for name, value in environment.items()]


@contextmanager
def new_containers() -> Iterator[Containers]:
    """Both programs with wheels and a base to build on; all that they stored is gone at the end."""
    buildah, podman, _ = program("buildah"), program("podman"), program("runc")
    if os.geteuid() != 0:
        leave_out("containers are built and run as root here: sudo make test-deploy")
    with TemporaryDirectory(prefix="fuseway-image-", dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        folder = Path(name)
        wheels = _cached("wheels", "".join(map(_requirements, ("serve", "build", "sample"))), _download_wheels)
        containers = Containers(buildah, podman, folder, wheels)
        (folder / "pip.conf").write_text(_PIP_CONF)
        try:
            base = _cached("debian", repr(_DEBIAN), _make_debian) / "base.tar"
            containers.run_podman("import", str(base), BASE)
            yield containers
        finally:
            containers.run_podman("rm", "--all", "--force", "--time", "0")
            _run([buildah, *containers.storage(), "rm", "--all"])  # of builds that failed
            subprocess.run(["umount", str(folder / "storage" / "overlay")], check=False, capture_output=True)


def _cached(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that is made once on this machine for a key; others that no run used for a week are removed."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    for path in _CACHE.iterdir():
        if path.stat().st_mtime < time.time() - _WEEK_S:
            shutil.rmtree(path, ignore_errors=True)
    place = _CACHE / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if not place.exists():
        with TemporaryDirectory(dir=_CACHE) as name:
            new = Path(name) / kind
            new.mkdir()
            make(new)
            with suppress(OSError):  # another run was first
                new.rename(place)
    os.utime(place)
    return place


def _make_debian(folder: Path) -> None:
    _run([program("mmdebstrap"), *_DEBIAN, str(folder / "base.tar")])


def _download_wheels(folder: Path) -> None:
    """Download what the image installs, for the base's Python: builds then need no network."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--dest",
        str(folder),
    ]
    every = folder / "requirements.txt"  # Debian's Python is 3.11.2, and this one's markers may leave out what it needs
    every.write_text(_requirements("serve").replace(" ; python_full_version < '3.11.3'", "") + _requirements("build"))
    _run([*command, "--only-binary=:all:", "--python-version=3.11", "--requirement", str(every)])
    # It is an archive of sources, of which the image makes a wheel.
    _run([*command, "--no-build-isolation", "--requirement", str(ROOT / "requirements" / "sample.txt")])


def _requirements(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def _run(command: Sequence[str], *, is_checked: bool = True) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    if is_checked and result.returncode != 0:
        print(result.stdout, result.stderr, sep="\n")
        result.check_returncode()
    return result
