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

from deploy import SAMPLE_MODEL
from deploy.embedded.engines import StoreUrls
from deploy.fleet.sample.files import data_folder
from tests.conftest import Stores

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-section.md").read_text()

ASK = """
import asyncio, json, sys
from gateway.request_context import open_context
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.stores import open_stores
from loaders.model.loading import load_model
from loaders.request_tracker import begin_request

async def main():
    model = load_model(sys.argv[1])
    async with open_stores(Settings.from_environment(), model) as stores:
        tracker, context = begin_request(), open_context(stores, model.scopes, None)
        result = await build_schema(model).execute(sys.stdin.read(), context_value=context)
    answer = {"data": result.data} | ({"errors": str(result.errors)} if result.errors else {})
    print(json.dumps([answer, tracker.stats.fused]))

asyncio.run(main())
"""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def _add_classes(root: Path, block: str) -> None:
    """Append a block to the file that its first line names."""
    head, _, code = block.partition("\n")
    path = root / re.fullmatch(r"# (\S+), at the end", head)[1]  # type: ignore[index]
    path.write_text(f"{path.read_text()}\n\n{code}")


def _add_fields(root: Path, block: str) -> None:
    """Put a block's import among those of the file that its first line names, and its fields at the end of the class."""
    head, _, code = block.partition("\n")
    path = root / head.removeprefix("# ")
    imported, _, declared = code.partition("\n\n\n")
    (class_line,) = re.findall(r"^class .*:$", declared, flags=re.MULTILINE)
    fields = declared.partition("    ...\n")[2]
    before, result, after = path.read_text().partition(f"\n{class_line}\n")
    body, end, rest = after.partition("\n\n\n")
    assert result
    assert fields
    text = before.replace("\nimport fuseway as m\n", f"\nimport fuseway as m\n{imported}\n", 1)
    path.write_text(f"{text}{result}{body}\n{fields.rstrip()}{end}{rest}")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code with what the page says in the files that it names."""
    ignored = shutil.ignore_patterns("node_modules", "assets", "__pycache__")
    for package in ("fuseway", "gateway", "resolvers", "loaders", "deploy"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    classes, fields = _blocks("python")
    _add_classes(tmp_path, classes)
    _add_fields(tmp_path, fields)
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
    (query,), (shown,) = _blocks("graphql"), _blocks("json")
    asked = _python(
        copy,
        "-c",
        ASK,
        SAMPLE_MODEL,
        stdin=query,
        DATABASE_URL=store_urls.database_url,
        CLICKHOUSE_URL=store_urls.clickhouse_url,
        REDIS_URL=store_urls.redis_url,
    )
    assert asked.returncode == 0, asked.stderr
    answer, fused = json.loads(asked.stdout)
    assert answer == json.loads(shown)
    assert ["Aircraft.analysis.early_arrivals", "Aircraft.analysis.punctuality"] in fused


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
    assert [item["flights"] for item in analysis["earlyByMonth"]] == months


def test_the_schema_and_the_page_of_the_model_follow_by_a_command(copy: Path) -> None:
    (command,) = _blocks("sh")
    program, *arguments = command.split()
    printed = _python(copy, "-m", program, *arguments)
    assert printed.returncode == 0, printed.stderr
    assert "earlyArrivals: EarlyArrivals\n" in printed.stdout
    assert '"""Mean time by which they were early. Unit: minutes."""' in printed.stdout
    assert _python(copy, "-m", *command.split(), "--check").returncode == 1
    page = _python(copy, "-m", program, "model", "docs", "--model", SAMPLE_MODEL).stdout
    assert "### EarlyArrivals\n" in page
    assert "| `earlyByMonth` |" in page
