"""Follows docs/adding-a-section.md in a copy of the code, and checks what it promises."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy.embedded.engines import StoreUrls
from deploy.fleet.sample.files import data_folder
from tests.conftest import Stores

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-section.md").read_text()

ASK = """
import asyncio, json, sys
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.stores import open_stores
from resolvers.context import RequestContext
from tests.fleet.served import MODEL

async def main():
    async with open_stores(Settings.from_environment(), MODEL) as stores:
        context = RequestContext.of(stores.loaders())
        result = await build_schema().execute(sys.stdin.read(), context_value=context)
    print(json.dumps({"data": result.data} | ({"errors": str(result.errors)} if result.errors else {})))

asyncio.run(main())
"""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code with the page's classes at the end of the file that it names."""
    ignored = shutil.ignore_patterns("node_modules", "assets", "__pycache__")
    for package in ("gateway", "resolvers", "loaders", "deploy", "docs"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    with (tmp_path / "loaders" / "catalogue" / "schedule.py").open("a") as family:
        family.write("\n\n" + "\n\n".join(_blocks("python")))
    return tmp_path


def _python(copy: Path, *arguments: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)} | environment,
        input=stdin,
        capture_output=True,
        text=True,
    )


def test_the_page_is_followed_to_its_answer(copy: Path, store_urls: StoreUrls, sample_stores: Stores) -> None:  # noqa: ARG001
    (query,), (answer,) = _blocks("graphql"), _blocks("json")
    asked = _python(
        copy,
        "-c",
        ASK,
        stdin=query,
        DATABASE_URL=store_urls.database_url,
        CLICKHOUSE_URL=store_urls.clickhouse_url,
        REDIS_URL=store_urls.redis_url,
    )
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout) == json.loads(answer)


def test_the_answer_on_the_page_is_true() -> None:
    archive = zipfile.ZipFile(data_folder() / "flights.csv.zip")
    with archive, archive.open("flights.csv") as binary:
        rows = [row for row in csv.DictReader(io.TextIOWrapper(binary)) if row["tailnum"] == "N14228"]
    delays = [(int(row["month"]), int(row["arr_delay"])) for row in rows if row["arr_delay"] != "NA"]
    early = [-delay for _, delay in delays if delay < 0]
    (answer,) = _blocks("json")
    analysis = json.loads(answer)["data"]["aircraft"]["analysis"]
    assert analysis["punctuality"]["flights"] == len(rows)
    assert analysis["earlyArrivals"] == {
        "flights": len(early),
        "share": pytest.approx(len(early) / len(delays), rel=1e-12),
        "meanMinutes": pytest.approx(sum(early) / len(early), rel=1e-12),
        "maxMinutes": max(early),
    }
    months = [sum(month == wanted and delay < 0 for month, delay in delays) for wanted in (1, 2)]
    assert [one["flights"] for one in analysis["earlyByMonth"]] == months


def test_the_schema_and_the_page_of_sections_follow_by_a_command(copy: Path) -> None:
    assert _python(copy, "-m", "gateway", "schema", "--check").returncode == 1
    assert _python(copy, "-m", "gateway", "schema", "--write").returncode == 0
    assert _python(copy, "-m", "gateway", "schema", "--check").returncode == 0
    schema = (copy / "schema.graphql").read_text()
    assert "earlyArrivals: EarlyArrivals\n" in schema
    assert '"""Mean minutes before time. Unit: minutes."""' in schema
    assert "### earlyByMonth" in _python(copy, "-m", "loaders.catalogue.document").stdout
