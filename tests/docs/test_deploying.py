"""What an operator reads in docs/deploy.md and in the files that it leads to is there, and does what it says."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.embedded import postgres
from deploy.embedded.directory import DataDirectory
from deploy.embedded.process import Spawner
from tests.docs.steps import blocks_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
PRODUCTION = (ROOT / "deploy" / "chart" / "examples" / "values" / "production.yaml").read_text()
VALUES: dict[str, Any] = yaml.safe_load(PRODUCTION)


def _named(values: Any) -> Iterator[str]:
    """Yield the names of secrets and ConfigMaps in values."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key in ("secret", "configMap", "checks") and isinstance(value, str):
                yield value
            elif key == "pullSecrets":
                yield from value
            else:
                yield from _named(value)
    elif isinstance(values, list):
        for value in values:
            yield from _named(value)


def test_production_says_what_has_to_be_there_before() -> None:
    said = set(re.findall(r"[\w-]+", "".join(line for line in PRODUCTION.splitlines(True) if line.startswith("#"))))
    names = {*_named(VALUES), VALUES["priorityClassName"], VALUES["redis"]["storage"]["className"]}
    assert len(names) > 10
    assert sorted(names - said) == []


def test_what_is_shipped_for_users_logs_what_is_slow() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())
    for settings in (VALUES["settings"], compose["x-gateway"]["environment"]):
        assert settings["GATEWAY_SLOW_OPERATION_S"] > 0
        assert settings["GATEWAY_SLOW_STATEMENT_S"] > 0


def test_pages_that_install_an_extra_say_how_in_a_clone() -> None:
    pages = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
    pages = {name: text for name, text in pages.items() if "\npip install 'fuseway[" in text}
    assert len(pages) > 1
    assert [name for name, text in pages.items() if "clone" not in text] == []


def test_the_file_of_passwords_is_closed_to_others(tmp_path: Path) -> None:
    block = next(block.text for block in blocks_of(PAGE) if "< .env.example" in block.text)
    lines = [line for line in block.splitlines() if not line.startswith(("cd ", "docker "))]
    (tmp_path / ".env.example").write_text("# a comment\nPASSWORD=\nOPEN=all\n")
    subprocess.run(["sh", "-euc", "umask 022\n" + "\n".join(lines)], cwd=tmp_path, check=True)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert re.fullmatch(r"# a comment\nPASSWORD=\w{48}\nOPEN=all\n", (tmp_path / ".env").read_text())


@pytest.mark.engine
async def test_a_session_with_the_embedded_postgresql_is_opened_as_the_page_says(tmp_path: Path) -> None:
    block = next(block.text for block in blocks_of(PAGE) if "postmaster.pid" in block.text)
    assert block.endswith(" fleet\n")  # the sample's database, which is not there without its model
    command = (
        f"{block.removesuffix(' fleet' + chr(10))} gateway --no-align --tuples-only --command 'select current_user'"
    )
    (tmp_path / ".data").mkdir()
    spawner = Spawner()
    engine, _ = await asyncio.to_thread(postgres.start, DataDirectory(tmp_path / ".data"), spawner)
    try:
        path = f"{postgres._binary('psql').parent}:{os.environ['PATH']}"
        answer = await asyncio.to_thread(
            subprocess.run, ["sh", "-euc", command], cwd=tmp_path, env={"PATH": path}, capture_output=True, check=True
        )
    finally:
        engine.stop()
        spawner.close()
    assert answer.stdout == b"gateway\n"
