"""The tiers of the tests: their markers are derived from fixtures, and no test starts an engine without its marker."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any, Final

import pytest

ENGINE_FIXTURES: Final = frozenset(
    {
        "alone",
        "cluster",
        "engines",
        "fuseway_sessions",
        "own_databases",
        "own_engines",
        "server",
        "servers",
        "spawner",
        "store_urls",
    }
)
"""Fixtures that start engines, of all tests or of a file. A test whose closure has one of them gets the marker `engine`."""
PROGRAM_FIXTURES: Final = frozenset({"chromium", "own_copy", "start_edge"})
"""Fixtures that start a browser, npm or nginx. A test whose closure has one of them gets the marker `slow`."""

LONG_TESTS: Final = (Path(__file__).parent / "long_tests.txt").read_text().split()
"""Tests and files that take longest. They begin first, so that no worker has one left when the others are done."""

NEVER_AGAIN: Final = ("tests/chaos/", "tests/execution/", "tests/fuzz/", "tests/truth/", "/test_proof.py")
"""Parts of the names of tests that look for a wrong answer. One is enough: they never run a second time, as CI gives
others."""

_LONG: Final = {name: index for index, name in enumerate(LONG_TESTS)}
_PROGRAMS: Final = frozenset({"initdb", "pgbouncer", "postgres", "valkey-server"})
_MODULE: Final = "deploy.embedded.clickhouse_http"


class UnmarkedEngineError(RuntimeError):
    """A test without the marker `engine` starts an engine."""


class EngineGuard:
    """Refuses to start an engine for a test that has no marker `engine`: the fast tier would start it."""

    def __init__(self) -> None:
        self._unmarked: str | None = None
        sys.addaudithook(self._audit)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note the test that runs, unless it may start engines."""
        self._unmarked = None if item.get_closest_marker("engine") else item.nodeid
        try:
            return (yield)
        finally:
            self._unmarked = None

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and self._unmarked and starts_engine(arguments[1]):
            raise UnmarkedEngineError(f"{self._unmarked} starts an engine: mark it with `pytest.mark.engine`.")


def starts_engine(command: str | Sequence[str]) -> bool:
    """Tell whether a command starts PostgreSQL, ClickHouse, Valkey or a pooler, itself or as `gateway run`."""
    words = command.split() if isinstance(command, str) else [str(word) for word in command]
    runs_gateway = any(words[index : index + 2] == ["gateway", "run"] for index in range(len(words)))
    return runs_gateway or _MODULE in words or not _PROGRAMS.isdisjoint(PurePath(word).name for word in words)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a file that is of a tier which the run leaves out, as the line of its marker says."""
    if not collection_path.name.startswith("test_") or collection_path.suffix != ".py":
        return None
    selected, text = config.getoption("markexpr"), collection_path.read_text()
    left_out = [tier for tier in ("deploy", "engine", "slow") if f"not {tier}" in selected.split(" and ")]
    return any(f"\npytestmark = pytest.mark.{tier}\n" in text for tier in left_out) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the markers before pytest selects by markers, and put long tests first."""
    for item in items:
        for marker, names in (("engine", ENGINE_FIXTURES), ("slow", PROGRAM_FIXTURES)):
            if not names.isdisjoint(getattr(item, "fixturenames", ())):
                item.add_marker(marker)
        if any(part in item.nodeid for part in NEVER_AGAIN):
            item.add_marker(pytest.mark.flaky(reruns=0))
    items.sort(key=lambda item: _order(item.nodeid))


def _order(nodeid: str) -> int:
    """Return the place among long tests, which is the same for all tests that are not."""
    names = (nodeid.partition("[")[0], nodeid.partition("::")[0])
    return min(_LONG.get(name, len(_LONG)) for name in names)


def pytest_configure(config: pytest.Config) -> None:
    """Guard the run."""
    config.pluginmanager.register(EngineGuard(), "engine-guard")
