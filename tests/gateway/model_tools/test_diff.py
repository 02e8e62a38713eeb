"""`gateway model diff` between commits of git, and between files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gateway.cli import main

pytestmark = pytest.mark.slow

Output = pytest.CaptureFixture[str]
TABLES = """
import fuseway as m
things = m.Postgres().table("shop.things", scope="shop:read")
"""
MODEL = '''
from __future__ import annotations
import fuseway as m
from shop.tables import things

class Thing(m.Object, table=things):
    """A thing."""
    id: int = m.key()
    name: str

class Query(m.Query):
    thing: Thing | None = m.by_key()

print("A model may print.", end="")
model = m.Model("shop", query=Query, types=[Thing])
'''


def git(folder: Path, *arguments: str) -> None:
    """Run git without anybody's settings."""
    own = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules in a repository, committed once, below its top folder."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    package = tmp_path / "api" / "shop"
    package.mkdir(parents=True)
    for name, text in (("__init__.py", ""), ("tables.py", TABLES), ("model.py", MODEL)):
        (package / name).write_text(text)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=First")
    return package / "model.py"


def test_the_model_as_it_is_is_compared_with_a_commit_of_all_its_modules(model: Path, capsys: Output) -> None:
    assert main(["model", "diff", "main", "--model", str(model)]) == 0
    assert capsys.readouterr().out == "Nothing has changed in the API.\n"
    (model.parent / "tables.py").write_text(TABLES.replace("shop:read", "shop:all"))
    model.write_text(MODEL.replace("    name: str\n", "    title: str\n"))
    assert main(["model", "diff", "main", "--model", str(model)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "breaking   Field Thing.name was removed.",
        "breaking   Thing: needs the scope shop:all, in the place of shop:read.",
        "safe       Field Thing.title was added.",
        "3 changes: 2 breaking, 1 safe",
    ]


def test_two_commits_are_compared(model: Path, capsys: Output) -> None:
    model.write_text(MODEL.replace("    name: str\n", "    name: str\n    size: int | None\n"))
    git(model.parent, "commit", "--quiet", "--all", "--message=Second")
    assert main(["model", "diff", "main~1", "main", "--json", "--model", str(model)]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == {
        "problems": [],
        "changes": [{"level": "safe", "subject": "", "message": "Field Thing.size was added."}],
    }


def test_a_file_is_another_model(model: Path, tmp_path: Path, capsys: Output) -> None:
    other = tmp_path / "other.py"
    other.write_text(MODEL.replace("from shop.tables import things", TABLES.replace("scope", "rows=10, scope")))
    assert main(["model", "diff", str(other), "--strict", "--model", str(model)]) == 0
    assert capsys.readouterr().out == "Nothing has changed in the API.\n"


def test_two_files_are_compared_without_the_name_of_a_model(
    model: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEWAY_MODEL", raising=False)
    assert main(["model", "diff", str(model), str(model.parent)]) == 0
    assert capsys.readouterr().out == "Nothing has changed in the API.\n"
    assert main(["model", "diff", "main", str(model)]) == 2
    assert "No model is named" in capsys.readouterr().err


def test_links_that_lead_out_of_the_repository_are_left_out(model: Path, capsys: Output) -> None:
    for name, target in (("absolute", "/etc/passwd"), ("relative", "../../../elsewhere")):
        (model.parent / name).symlink_to(target)
    git(model.parent, "add", ".")
    git(model.parent, "commit", "--quiet", "--message=Links")
    assert main(["model", "diff", "main", "--model", str(model)]) == 0
    assert capsys.readouterr().out == "Nothing has changed in the API.\n"


def test_a_model_that_ends_the_process_is_status_2(model: Path, capsys: Output) -> None:
    model.write_text("raise SystemExit(0)")
    assert main(["model", "diff", "main", "--model", str(model)]) == 2
    assert "cannot be loaded:\nit ends the process while it is imported" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nowhere", "git rev-parse nowhere^{commit}: there is no such file, folder, commit, branch or tag."),
        (5_000 * "x", f"git rev-parse {200 * 'x'}: there is no such file, folder, commit, branch or tag."),
        ("--output=x", "git rev-parse --output=x^{commit}: there is no such file, folder, commit, branch or tag."),
    ],
)
def test_a_revision_that_is_not_there_is_status_2(model: Path, revision: str, message: str, capsys: Output) -> None:
    assert main(["model", "diff", "--model", str(model), "--", revision]) == 2
    assert capsys.readouterr().err == f"gateway: {message}\n"


def test_a_revision_with_mistakes_says_which(model: Path, capsys: Output) -> None:
    model.write_text(MODEL.replace("name: str", "name: Sting"))
    assert main(["model", "diff", "main", "--model", str(model)]) == 2
    assert "cannot be loaded:\nmodel.py:9  Thing.name: Sting names Sting" in capsys.readouterr().err
