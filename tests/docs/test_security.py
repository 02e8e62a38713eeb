"""The page on security names tests and defaults that there are; so does the page on the HTTP API, of its limits."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.settings import Settings

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs" / "security.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()

DEFAULTS = {item.metadata["variable"]: item.default for item in fields(Settings)}
TESTS = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", SECURITY)


def shown(value: object) -> str:
    """A default as pages show it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def test_every_test_that_the_page_names_is_one() -> None:
    assert len(TESTS) > 50
    for path, name in TESTS:
        file = ROOT / "tests" / path
        assert file.is_file(), path
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in {item.name for item in ast.parse(file.read_text()).body if isinstance(item, functions)}, name


@pytest.mark.parametrize("page", [SECURITY, API], ids=["security", "api"])
def test_every_setting_that_the_pages_name_is_one(page: str) -> None:
    named = set(re.findall(r"`(GATEWAY_\w+)(?:=[^`]*)?`", page))
    assert len(named) > 10
    assert named <= DEFAULTS.keys()


def test_every_default_on_the_page_of_security_is_the_settings() -> None:
    stated = re.findall(r"`(GATEWAY_\w+)` \(([^)]+)\)", SECURITY)
    assert len(stated) > 20
    for variable, default in stated:
        assert default == (shown(DEFAULTS[variable]) or "not set"), variable


def test_every_limit_on_the_page_of_the_api_is_the_settings() -> None:
    rows = re.findall(r"^\| (`GATEWAY_MAX[^|]+) \| ([^|]+) \|", API, flags=re.MULTILINE)
    assert len(rows) == 11
    for variables, defaults in rows:
        names = re.findall(r"`(\w+)`", variables)
        assert defaults.split(", ") == [shown(DEFAULTS[name]) for name in names]
    budget = int(re.findall(r'"default";q=(\d+);w=60', API)[0])
    assert budget == DEFAULTS["GATEWAY_RATE_COST_PER_MINUTE"]
