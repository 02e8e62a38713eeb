"""Pages for contributors name commands, markers and versions that there are."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_command_of_make_is_a_target() -> None:
    names = set(re.findall(r"\bmake ([a-z][a-z-]+)(?=[`\s])", CONTRIBUTING.replace("and make, and", "")))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))
    assert len(names) > 8
    assert names - targets == set()


def test_every_marker_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:needs|takes)", CONTRIBUTING, flags=re.MULTILINE)
    assert sorted(rows) == sorted(line.split(":")[0] for line in PROJECT["tool"]["pytest"]["ini_options"]["markers"])


def test_every_version_of_the_changelog_is_a_release() -> None:
    versions = re.findall(
        r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE
    )
    assert versions[0] == PROJECT["project"]["version"]
    assert versions == sorted(versions, reverse=True, key=lambda version: [int(part) for part in version.split(".")])


def test_every_tag_is_a_version_of_the_changelog() -> None:
    tags = subprocess.run(["git", "tag"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tags:
        pytest.skip("this copy of the repository has no tags")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert [tag for tag in tags if re.fullmatch(r"[\d.]+", tag) and f"\n## [{tag}] - " not in changelog] == []


def test_hooks_are_of_the_repository_alone() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}


def test_the_makefile_copies_with_what_every_system_has() -> None:
    assert "--parents" not in MAKEFILE
