"""The pytest plugin, as a team that tests its model meets it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.engines import StoreUrls
from tests.conftest import NewDatabase
from tests.testing.conftest import Run

NAMES = """
import json
from pathlib import Path

def test_names(fuseway_session):
    Path("names.json").write_text(json.dumps([name for _, name in fuseway_session.databases.created]))
"""


async def test_a_teams_tests_of_its_model_pass_and_leave_no_database(
    library: Path, run_pytest: Run, new_database: NewDatabase
) -> None:
    (library / "test_generated.py").write_text("from fuseway.testing.checks import *\n")
    (library / "test_names.py").write_text(NAMES)
    answer = await asyncio.to_thread(run_pytest, library, "-q", "--fuseway-cases", "1")
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stdout
    assert int(re.findall(r"(\d+) passed", answer.stdout)[0]) > 7, answer.stdout
    created = set(json.loads((library / "names.json").read_text()))
    async with new_database() as new:
        rows = await new.stores.postgres.rows("select datname from pg_database")
        others = await new.stores.clickhouse.columns("select name from system.databases", {})
    assert len(created) == 6  # two databases, and two copies of each
    assert created & ({name for (name,) in rows} | {name for column in others.columns for name in column}) == set()


def test_without_a_model_nothing_is_loaded(tmp_path: Path, run_pytest: Run) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\ndef test_nothing(): assert not {'fuseway', 'loaders', 'gateway'} & sys.modules.keys()\n"
    )
    answer = run_pytest(tmp_path, "-q")
    assert answer.returncode == 0, answer.stdout


def test_all_that_is_wrong_with_a_model_is_said_before_a_test_is_run(library: Path, run_pytest: Run) -> None:
    file = library / "library" / "model.py"
    file.write_text(file.read_text().replace("name: str", "name: Sting").replace("avg(pages)", "avg(pages"))
    answer = run_pytest(library, "-q")
    assert answer.returncode != 0
    assert "Reader.name: Sting names Sting" in answer.stdout + answer.stderr
    assert "Visits.pages: a bracket is not closed" in answer.stdout + answer.stderr


def test_a_fixture_of_the_team_fills_the_databases(library: Path, run_pytest: Run) -> None:
    file = library / "library" / "model.py"
    file.write_text(file.read_text().replace(', setup="library.set_up:set_up"', ""))
    with (library / "conftest.py").open("a") as conftest:
        conftest.write(
            """
import asyncio
import asyncpg
from library.set_up import POSTGRES

@pytest.fixture(scope="session")
def fuseway_databases(fuseway_databases):
    async def fill():
        connection = await asyncpg.connect(fuseway_databases["DATABASE_URL"])
        for statement in POSTGRES:
            await connection.execute(statement)
        await connection.close()
    asyncio.run(fill())
    return fuseway_databases
"""
        )
    with (library / "pytest.ini").open("a") as settings:
        settings.write("fuseway_tenant = 1\n")
    answer = run_pytest(library, "-q", "-k", "answered or addresses")
    assert answer.returncode == 0, answer.stdout
    assert "2 passed" in answer.stdout


async def test_existing_databases_are_read_and_never_written(
    library: Path, run_pytest: Run, new_database: NewDatabase, store_urls: StoreUrls
) -> None:
    with (library / "pytest.ini").open("a") as settings:
        settings.write("fuseway_tenant = 1\n")
    async with new_database() as new:
        urls = {
            "FUSEWAY_TEST_DATABASE_URL": new.database_url,
            "FUSEWAY_TEST_CLICKHOUSE_DOORS_URL": new.clickhouse_url,
            "FUSEWAY_TEST_REDIS_URL": store_urls.redis_url,
        }
        answer = run_pytest(library, "-q", "-k", "answered", **urls)
        assert "The gateway answered with an error" in answer.stdout  # there is no table: no set-up was run
        assert not await new.stores.postgres.rows("select from pg_namespace where nspname = 'library'")
        del urls["FUSEWAY_TEST_DATABASE_URL"]
        answer = run_pytest(library, "-q", "-k", "answered", **urls)
    assert "FUSEWAY_TEST_DATABASE_URL is missing: either all databases of library exist" in answer.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fuseway", "gateway"])
def test_a_project_may_have_packages_of_the_gateways_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise ImportError('the project has one of its own')\n")
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr
