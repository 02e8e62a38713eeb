"""Tests get the markers of their tiers, and start no engine without one."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.embedded.valkey import _server
from tests.tiers import (
    LONG_TESTS,
    NEVER_AGAIN,
    UnmarkedEngineError,
    pytest_collection_modifyitems,
    pytest_ignore_collect,
    starts_engine,
)

ROOT = Path(__file__).parents[1]


@dataclass
class Item:
    """The facts that are asked of a test when it is collected."""

    fixturenames: Sequence[str]
    nodeid: str = "tests/test_some.py::test_some"
    markers: list[str | pytest.MarkDecorator] = field(default_factory=list)

    def add_marker(self, marker: str | pytest.MarkDecorator) -> None:
        self.markers.append(marker)


def test_markers_follow_from_fixtures() -> None:
    items = [Item(["tmp_path"]), Item(["tmp_path", "store_urls"]), Item(["chromium", "store_urls"])]
    pytest_collection_modifyitems(cast(Any, items))
    assert [item.markers for item in items] == [[], ["engine"], ["engine", "slow"]]


def test_a_test_that_looks_for_wrong_answers_never_has_a_second_chance() -> None:
    proof, other = Item([], "tests/loaders/cache/test_proof.py::test_nothing"), Item([])
    pytest_collection_modifyitems(cast(Any, [proof, other]))
    assert (proof.markers, other.markers) == ([pytest.mark.flaky(reruns=0)], [])
    for part in NEVER_AGAIN:
        pattern = f"{part}**/test_*.py" if part.endswith("/") else f"tests/**{part}"
        assert any(ROOT.glob(pattern)), f"no file is {part}"


def test_long_tests_come_first_and_others_keep_their_order() -> None:
    first, second = LONG_TESTS[0], LONG_TESTS[-1]
    names = ["tests/a.py::test_b", f"{second}::test_any", "tests/a.py::test_a", f"{first}[some]"]
    items = [Item([], name) for name in names]
    pytest_collection_modifyitems(cast(Any, items))
    assert [item.nodeid for item in items] == [names[3], names[1], names[0], names[2]]


@pytest.mark.parametrize("name", LONG_TESTS)
def test_a_long_test_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    assert f"def {function}" in (ROOT / file).read_text()


@pytest.mark.parametrize(
    ("selected", "line", "result"),
    [
        ("not engine and not slow and not chaos", "pytestmark = pytest.mark.slow", True),
        ("not engine and not slow and not chaos", "pytestmark = pytest.mark.chaos", None),
        ("not chaos", "pytestmark = pytest.mark.slow", None),
        ("not chaos and not deploy", "pytestmark = pytest.mark.deploy", True),
        ("not engine", "@pytest.mark.engine", None),
    ],
)
def test_files_of_a_tier_that_is_left_out_are_not_imported(
    tmp_path: Path, selected: str, line: str, result: bool | None
) -> None:
    file = tmp_path / "test_some.py"
    file.write_text(f"import pytest\n\n{line}\n")
    assert pytest_ignore_collect(file, cast(Any, SimpleNamespace(getoption={"markexpr": selected}.get))) is result


def test_a_test_over_a_database_is_marked(request: pytest.FixtureRequest) -> None:
    items = [item for item in request.session.items if "sample_stores" in getattr(item, "fixturenames", ())]
    assert all(item.get_closest_marker("engine") for item in items)


def test_a_test_without_the_marker_starts_no_engine() -> None:
    with pytest.raises(UnmarkedEngineError, match="test_a_test_without_the_marker_starts_no_engine starts an engine"):
        subprocess.run([str(_server()), "--version"], check=True)


async def test_it_starts_none_beside_its_event_loop() -> None:
    with pytest.raises(UnmarkedEngineError):
        await asyncio.create_subprocess_exec(str(_server()), "--version")


@pytest.mark.engine
def test_a_test_with_the_marker_may_start_one() -> None:
    subprocess.run([str(_server()), "--version"], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("command", "result"),
    [
        (["setpriv", "--pdeathsig", "TERM", "/wheels/valkey-server", "valkey.conf"], True),
        (["/wheels/bin/initdb", "-D", "data"], True),
        (["/usr/sbin/pgbouncer", "pgbouncer.ini"], True),
        (["python", "-P", "-m", "deploy.embedded.clickhouse_http", "--data", "data"], True),
        (["python", "-m", "gateway", "run", "--model", "model.py"], True),
        (["python", "-m", "gateway", "serve"], False),
        ("postgres -D data", True),
        ("git tag", False),
    ],
)
def test_engines_are_told_by_their_commands(command: str | list[str], result: bool) -> None:
    assert starts_engine(command) is result
