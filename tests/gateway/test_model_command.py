"""`gateway model`: output and exit statuses that its commands share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from tests.loaders.model.models import RIGHT

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


def test_what_cannot_be_found_out_is_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "none")
    assert main(["model", "check", "--model", "deploy.fleet.model"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err[:22]) == ("", "gateway: GATEWAY_PORT ")
