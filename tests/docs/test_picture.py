"""The picture of the architecture is true to the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.admission.admission import Admission
from gateway.app import _middleware, _observing
from gateway.persisted import Persisted
from gateway.settings import Settings
from tests.fleet.served import MODEL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PICTURE = PAGE.partition("## The picture\n")[2].partition("```text\n")[2].partition("```")[0]
PATH = re.compile(r"\b(?:gateway|resolvers|loaders|deploy)/[\w/]+(?:\.py|/)")
ARROW = re.compile(r"(\S+\.py) ─▶ (\S+\.py)")
MARKS = re.compile(r" {2}([mtl](?: [mtl])*)$")
SOURCES = {
    "m": {"metrics", "http_metrics", "gateway_metrics", "instruments"},
    "t": {"tracing", "spans"},
    "l": {"request_log", "slow_statements"},
}
"""The modules that what is seen comes from."""


def _marked() -> list[tuple[str, str]]:
    """Return the last module of each line with marks, and these."""
    lines = [(line, MARKS.search(line)) for line in PICTURE.splitlines()]
    return [(PATH.findall(line)[-1], marks[1]) for line, marks in lines if marks]


def _imported(file: str) -> Iterator[str]:
    """Yield the names of the modules that a file imports, and of what it imports from them."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_each_module_of_the_picture_is_there() -> None:
    paths = PATH.findall(PICTURE)
    assert len(set(paths)) > 25
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(("module", "used"), ARROW.findall(PICTURE))
def test_an_arrow_is_an_import(module: str, used: str) -> None:
    assert used.removesuffix(".py").replace("/", ".") in set(_imported(module))


def test_there_are_arrows_and_marks() -> None:
    assert len(ARROW.findall(PICTURE)) == PICTURE.count("─▶")
    assert {mark for _, marks in _marked() for mark in marks.split()} == SOURCES.keys()


@pytest.mark.parametrize(("module", "marks"), _marked())
def test_a_mark_is_an_import_of_what_observes(module: str, marks: str) -> None:
    names = {name.rpartition(".")[2] for name in _imported(module)}
    assert {mark for mark, sources in SOURCES.items() if names & sources} == set(marks.split())


def test_middleware_stands_in_the_order_in_which_it_is_passed() -> None:
    settings = Settings.from_environment(
        {
            "GATEWAY_METRICS_PORT": "9464",
            "GATEWAY_ALLOWED_HOSTS": "fleet.example",
            "DATABASE_URL": "postgresql://localhost/fleet",
            "CLICKHOUSE_URL": "http://localhost/fleet",
            "REDIS_URL": "redis://localhost",
        }
    )
    admission = Admission(max_wait_s=1.0, max_under_way=16, max_response_bytes=1)
    passed = _observing(settings, Persisted.of(settings))
    passed += _middleware(settings, MODEL, admission, cast(Any, object()))
    classes = [cast(Any, item.cls) for item in passed]
    drawn = re.findall(r"[├└]─ (gateway/\S+\.py)", PICTURE)
    assert [f"{each.__module__.replace('.', '/')}.py" for each in classes] == drawn
