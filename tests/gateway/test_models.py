"""The model of a command: how it is named, what is said of one that is wrong, and projects with folders of our names."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from deploy.embedded.engines import StoreUrls
from tests.gateway.command_line import CommandResult, run_command
from tests.loaders.model.models import RIGHT
from tests.testing.conftest import library_project, run_pytest_with
from tests.wheels import OFFLINE, PIP, build_wheel

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
URLS = {"DATABASE_URL": "postgresql://x:1/x", "CLICKHOUSE_URL": "http://x:1", "REDIS_URL": "redis://x:1"}
WRONG = RIGHT.replace("name: str", "name: Sting").replace('m.sql("count()"', 'm.sql("count("')
COMMANDS = (
    ["serve"],
    ["migrate"],
    ["schema"],
    ["warm", "documents"],
    ["invalidate", "--everything"],
)


def gateway(*arguments: str, cwd: Path | None = None, **environment: str) -> CommandResult:
    """Run a command of the gateway without a model in its environment."""
    clean = {name: value for name, value in os.environ.items() if name != "GATEWAY_MODEL"}
    return run_command(*arguments, environment={**clean, **URLS, **environment}, cwd=cwd)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_without_a_model_says_how_to_name_one(command: list[str]) -> None:
    answer = gateway(*command)
    assert answer.returncode == 1
    assert answer.stderr == (
        "gateway: No model is named: name one with --model or GATEWAY_MODEL, as a module (shop.model) or a file"
        " (shop/model.py). Without one, `gateway run` serves a sample.\n"
    )


@pytest.mark.parametrize(
    "command", [pytest.param(["run"], marks=pytest.mark.engine), *COMMANDS], ids=lambda command: command[0]
)
def test_all_mistakes_of_a_model_are_shown_before_anything_starts(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(WRONG)
    data = tmp_path / "data"
    answer = gateway(*command, "--model", "model.py", cwd=tmp_path, GATEWAY_DATA_DIRECTORY=str(data))
    lines = answer.stderr.splitlines()
    assert (answer.returncode, answer.stdout, len(lines)) == (1, "", 2)
    assert any(line.startswith("model.py:") and "Account.name: Sting names Sting" in line for line in lines)
    assert any(line.startswith("model.py:") and "Use.events: a bracket is not closed" in line for line in lines)
    assert not data.exists()
    named = gateway(*command, cwd=tmp_path, GATEWAY_MODEL="model.py", GATEWAY_DATA_DIRECTORY=str(data))
    assert (named.returncode, named.stderr) == (1, answer.stderr)


def test_a_schema_that_differs_is_written_by_a_command(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(RIGHT)
    differs = gateway("schema", "--check", cwd=tmp_path, GATEWAY_MODEL="model.py")
    assert (differs.returncode, differs.stderr) == (
        1,
        "gateway: schema.graphql differs from the model's schema: run `gateway schema --write`.\n",
    )
    assert gateway("schema", "--write", cwd=tmp_path, GATEWAY_MODEL="model.py").returncode == 0
    assert gateway("schema", "--check", cwd=tmp_path, GATEWAY_MODEL="model.py").returncode == 0


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with the gateway's wheel, over this one's packages."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    (site_packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (site_packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    target = ["--python", str(folder / "venv" / "bin" / "python"), "install", *OFFLINE, str(wheel)]
    subprocess.run([*PIP, *target], check=True, capture_output=True)
    return folder / "venv" / "bin"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a model in a folder of its own, beside folders that are named as the gateway's packages."""
    for name in ("gateway", "resolvers", "loaders", "deploy", "fuseway"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise ImportError('the project has a {name} of its own')\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "names.py").write_text('NAME = "shop"\n')
    text = WRONG.replace("import fuseway as m\n", "import fuseway as m\nfrom shop.names import NAME\n")
    (tmp_path / "shop" / "model.py").write_text(text)
    return tmp_path


@pytest.mark.parametrize("model", ["shop.model", "shop/model.py", "shop"])
def test_the_installed_gateway_works_beside_folders_of_its_own_names(
    installed: Path, project: Path, model: str
) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("GATEWAY_MODEL", "PYTHONPATH")}
    command = [str(installed / "gateway"), "schema", "--model", model]
    answer = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60, cwd=project)
    lines = answer.stderr.splitlines()
    assert (answer.returncode, len(lines)) == (1, 2)
    assert all(line.startswith("shop/model.py:") for line in lines), answer.stderr


def test_the_installed_fleet_is_served_from_such_a_folder(installed: Path, project: Path) -> None:
    command = [str(installed / "gateway"), "schema", "--model", "deploy.fleet.model"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=project)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == (ROOT / "schema.graphql").read_text()


def test_a_strangers_tests_pass_with_the_installed_plugin(
    installed: Path, tmp_path: Path, store_urls: StoreUrls
) -> None:
    project = library_project(tmp_path)
    (project / "test_generated.py").write_text("from fuseway.testing.checks import *\n")
    answer = run_pytest_with(installed / "python", store_urls, project, "--fuseway-cases", "2")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (site_packages,) = installed.parent.glob("lib/python*/site-packages")
    assert (site_packages / "fuseway" / "testing" / "plugin.py").exists()
    assert all((site_packages / name / "py.typed").exists() for name in ("fuseway", "loaders", "gateway"))
