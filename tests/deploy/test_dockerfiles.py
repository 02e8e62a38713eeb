"""The Dockerfiles are clean by hadolint, and name the version that they are of."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.programs import leave_out

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "image"
VERSION = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
NAMES = ["Dockerfile", "model.Dockerfile"]


@pytest.mark.deploy
@pytest.mark.parametrize("name", NAMES)
def test_a_dockerfile_is_clean(name: str) -> None:
    hadolint = Path(sys.prefix) / "deploy" / "bin" / "hadolint"
    if not hadolint.exists():
        leave_out("hadolint is not installed: `make test-deploy` installs it")
    command = [str(hadolint), "--failure-threshold", "style", str(FOLDER / name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("", 0)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_dockerfile_silences_it(name: str) -> None:
    assert "hadolint" not in (FOLDER / name).read_text()


@pytest.mark.parametrize("path", ["deploy/image/Dockerfile", "deploy/image/model.Dockerfile", "docs/deploy.md"])
def test_images_are_named_by_this_version(path: str) -> None:
    text = (ROOT / path).read_text()
    assert set(re.findall(r"\bfuseway(?:-sample)?:(\d[\w.]*)", text)) == {VERSION}


def test_the_base_is_that_of_the_page() -> None:
    (base,) = re.findall(r"^ARG BASE=(\S+)$", (FOLDER / "Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-bookworm", base)
    assert f"`{base}`" in (ROOT / "docs" / "deploy.md").read_text()
