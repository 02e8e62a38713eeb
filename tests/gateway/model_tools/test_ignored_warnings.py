"""Comments that ignore warnings: which are read, and which are told to ignore nothing."""

from __future__ import annotations

from pathlib import Path

from gateway.model_tools.ignored_warnings import IgnoredWarnings
from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.model.places import Place
from loaders.model.problems import Problem
from tests.loaders.model.models import RIGHT, load

_LINE = "    name: str"


def ignored(folder: Path, comment: str) -> tuple[IgnoredWarnings, Place]:
    """The comments of a model that has one, and its line."""
    text = RIGHT.replace(f"{_LINE}\n", f"{_LINE}  {comment}\n", 1)
    assert text != RIGHT
    model = load(folder, text)
    line = text.splitlines().index(f"{_LINE}  {comment}") + 1
    return IgnoredWarnings.of(model), Place(str(model.file), line)


def test_a_comment_ignores_the_codes_that_it_names_on_its_line_alone(tmp_path: Path) -> None:
    comments, place = ignored(tmp_path, "# Few rows. fuseway: ignore[missing-index, nullable-column]")
    here = warning(place, "A", "x", WarningCode.MISSING_INDEX)
    other_code = warning(place, "A", "x", WarningCode.SORTING_KEY)
    other_line = warning(Place(place.file, place.line + 1), "A", "x", WarningCode.MISSING_INDEX)
    error = Problem(place, "A", "x")
    assert comments.kept([here, other_code, other_line, error]) == [other_code, other_line, error]


def test_a_comment_that_ignores_nothing_is_told_where_that_is_known(tmp_path: Path) -> None:
    comments, place = ignored(tmp_path, "# fuseway: ignore[missing-index,latest-version]")
    assert [str(each) for each in comments.unused([], is_live=False)] == [
        f"{place}  there is no warning latest-version on this line: take the comment away."
    ]
    problem = warning(place, "A", "x", WarningCode.MISSING_INDEX)
    assert [each.message.split()[3] for each in comments.unused([problem], is_live=True)] == ["warning"]
    assert len(comments.unused([], is_live=True)) == 2


def test_a_comment_without_a_code_ignores_nothing(tmp_path: Path) -> None:
    comments, place = ignored(tmp_path, "# fuseway: ignore")
    problem = warning(place, "A", "x", WarningCode.MISSING_INDEX)
    assert comments.kept([problem]) == [problem]
    (told,) = comments.unused([problem], is_live=False)
    assert told.message.startswith("the comment names no warning to ignore: say ignore[…] with one of column-type, ")


def test_text_in_a_string_is_no_comment(tmp_path: Path) -> None:
    text = RIGHT.replace(f"{_LINE}\n", f'{_LINE} = m.column(description="# fuseway: ignore[x]")\n', 1)
    assert IgnoredWarnings.of(load(tmp_path, text)).comments == []


def test_each_code_is_in_the_docs() -> None:
    page = Path("docs/checking-a-model.md").read_text()
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `") and line.count("`") >= 2][
        :9
    ] == [code.value for code in WarningCode]
