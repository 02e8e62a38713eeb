"""`gateway model`: output and exit statuses that its commands share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from loaders.catalog.catalog import Column, DatabaseCatalog, TableCatalog
from loaders.catalog.lock_file import lock_text
from loaders.model.databases import Kind
from tests.loaders.model.models import RIGHT

GOOD = '''
from __future__ import annotations
import fuseway as m

things = m.Postgres().table("shop.things")

class Thing(m.Object, table=things):
    """A thing."""
    id: int = m.key()

class Query(m.Query):
    thing: Thing | None = m.by_key()

model = m.Model("shop", query=Query, types=[Thing])
'''
WRONG = RIGHT.replace("name: str", "name: Sting", 1)


@pytest.fixture(autouse=True)
def _outside_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    (tmp_path / "wrong.py").write_text(WRONG)
    return str(tmp_path / "wrong.py")


def test_mistakes_of_a_model_are_lines_and_status_1(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "check", "--model", wrong]) == 1
    line, count = capsys.readouterr().out.splitlines()
    assert line.startswith("wrong.py:")
    assert "  Account.name: Sting names Sting" in line
    assert count == "1 error"


def test_json_is_one_object(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "check", "--json", "--github", "--model", wrong]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["severity"], problem["file"], problem["subject"]) == ("error", wrong, "Account.name")


def test_annotations_are_printed_where_they_are_asked_for_and_in_workflows(
    wrong: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["model", "check", "--model", wrong])
    assert "::error" not in capsys.readouterr().out
    main(["model", "check", "--github", "--model", wrong])
    asked = capsys.readouterr().out
    assert f"\n::error file={wrong}," in asked
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    main(["model", "check", "--model", wrong])
    assert capsys.readouterr().out == asked


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the analytics sample's model, with its lock file."""
    for name in ("model.py", "model.lock"):
        (tmp_path / name).write_text((Path("deploy/analytics") / name).read_text())
    return tmp_path / "model.py"


def test_warnings_fail_where_they_are_to(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "check", "--model", str(sample)]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[-1] == "6 warnings"
    assert "warning: MemberFilter.role: no index of app.members begins with" in told
    assert main(["model", "check", "--strict", "--model", str(sample)]) == 1


def _with_comment(sample: Path, line: str, codes: str) -> None:
    text = sample.read_text()
    assert text.count(line) == 1
    sample.write_text(text.replace(line, f"{line}  # fuseway: ignore[{codes}]"))


def test_a_warning_is_ignored_by_a_comment_on_its_line(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _with_comment(sample, '    tag: str = m.contains("tags")', "missing-index")
    assert main(["model", "check", "--model", str(sample)]) == 0
    told = capsys.readouterr().out
    assert "MemberFilter.tag" not in told
    assert told.splitlines()[-2:] == ["5 warnings", "1 warning ignored."]


def test_a_kind_of_warning_is_ignored_by_an_option(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["model", "check", "--strict", "--model", str(sample)]
    assert main([*command, "--ignore", "missing-index"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" ")[2] for line in told if " warning: " in line] == ["[sorting-key]"]
    assert main([*command, "--ignore", "missing-index", "--ignore", "sorting-key"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "6 warnings ignored."


def test_an_ignored_code_that_there_is_not_is_told(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _with_comment(sample, '    tag: str = m.contains("tags")', "missing-indx")
    assert main(["model", "check", "--strict", "--model", str(sample)]) == 1
    told = capsys.readouterr().out
    line = (
        sample.read_text().splitlines().index('    tag: str = m.contains("tags")  # fuseway: ignore[missing-indx]') + 1
    )
    assert f'model.py:{line}  warning: no warning has the code "missing-indx". Did you mean "missing-index"?' in told
    assert "MemberFilter.tag: no GIN index" in told


def test_no_error_is_ignored(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["model", "check", "--model", wrong])
    before = capsys.readouterr().out
    file = Path(wrong)
    lines = [
        f"{line}  # fuseway: ignore[column-type]" if line.strip() else line for line in file.read_text().split("\n")
    ]
    file.write_text("\n".join(lines))
    assert main(["model", "check", "--model", wrong]) == 1
    assert capsys.readouterr().out == before


def test_a_model_without_a_lock_file_says_how_to_write_it(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.with_suffix(".lock").unlink()
    assert main(["model", "check", "--model", str(sample)]) == 0
    line, count = capsys.readouterr().out.splitlines()
    assert line == (
        "model.py  warning: Model: there is no model.lock beside it, so that its tables and columns were not looked at:"
        " write it with gateway model pull, and commit it.  [no-lock-file]"
    )
    assert count == "1 warning"


def test_a_lock_file_that_cannot_be_read_is_status_2(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample.with_suffix(".lock").write_text("<<<<<<< HEAD")
    assert main(["model", "check", "--model", str(sample)]) == 2
    assert capsys.readouterr().err.startswith("gateway: model.lock is no lock file (")


def test_a_good_model_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.py").write_text(GOOD)
    table = TableCatalog("shop.things", {"id": Column("id", "integer")}, unique=(("id",),))
    (tmp_path / "shop.lock").write_text(lock_text([DatabaseCatalog(Kind.POSTGRES, "", "", {table.name: table})]))
    assert main(["model", "check", "--strict", "--model", str(tmp_path / "shop.py")]) == 0
    assert capsys.readouterr().out == "The model shop is good: 1 object type, 1 table.\n"


def test_what_cannot_be_found_out_is_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "none")
    assert main(["model", "check", "--model", "deploy.fleet.model"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err[:22]) == ("", "gateway: GATEWAY_PORT ")
