"""Problems as text, JSON and annotations."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model_tools.problem_texts import (
    about,
    github_annotation,
    ordered,
    problem_json,
    problem_text,
    summary,
    untold,
)
from loaders.model.places import Place
from loaders.model.problems import Problem, Severity

FILE = str(Path.cwd() / "shop" / "model.py")
ERROR = Problem(Place(FILE, 48), "Member.emial", 'app.members has no column "emial". Did you mean "email"?')
WARNING = Problem(
    Place(FILE, 52),
    "Member.invoices",
    "no index of billing.invoices begins with member_id.",
    Severity.WARNING,
    "create index concurrently on billing.invoices (member_id);\nanalyze billing.invoices;",
    41_200_000,
    "missing-index",
)


def test_a_problem_is_a_line_with_its_place_and_ddl_is_below_its_text() -> None:
    assert (
        problem_text(ERROR)
        == 'shop/model.py:48  Member.emial: app.members has no column "emial". Did you mean "email"?'
    )
    assert problem_text(WARNING).splitlines() == [
        "shop/model.py:52  warning: Member.invoices: no index of billing.invoices begins with member_id."
        " A request reads about 41 M rows.  [missing-index]",
        "                  create index concurrently on billing.invoices (member_id);",
        "                  analyze billing.invoices;",
    ]


def test_a_problem_as_json_has_everything_apart() -> None:
    assert problem_json(WARNING) == {
        "code": "missing-index",
        "severity": "warning",
        "file": "shop/model.py",
        "line": 52,
        "subject": "Member.invoices",
        "message": "no index of billing.invoices begins with member_id.",
        "ddl": WARNING.ddl,
        "rows": 41_200_000,
    }
    assert problem_json(Problem(Place("/elsewhere/model.py"), "Model", "x"))["file"] == "/elsewhere/model.py"
    assert problem_json(Problem(Place(""), "Model", "x"))["line"] is None
    assert problem_json(ERROR)["code"] is None


def test_an_annotation_has_no_line_break_and_no_comma_in_a_property() -> None:
    problem = Problem(Place(FILE, 3), "Model, a:b", "100 % wrong.", ddl="a;\nb;")
    assert github_annotation(problem) == (
        "::error file=shop/model.py,line=3,title=Model%2C a%3Ab::100 %25 wrong.%0Aa;%0Ab;"
    )
    assert github_annotation(WARNING).startswith(
        "::warning file=shop/model.py,line=52,title=Member.invoices [missing-index]::"
    )
    assert github_annotation(Problem(Place(""), "Model", "x")) == "::error title=Model::x"


def test_problems_are_in_the_order_of_their_places_each_once() -> None:
    assert ordered([WARNING, ERROR, WARNING]) == [ERROR, WARNING]


def test_the_summary_counts_each_level() -> None:
    assert summary([ERROR, WARNING, WARNING]) == "1 error, 2 warnings"
    assert (summary([WARNING]), summary([])) == ("1 warning", "")


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1 k"),
        (1_500, "1.5 k"),
        (320_000, "320 k"),
        (9_960_000, "10.0 M"),
        (41_200_000, "41 M"),
        (1_200_000_000, "1.2 G"),
    ],
)
def test_rows_are_said_as_people_say_them(rows: int, text: str) -> None:
    assert about(rows) == text


def test_what_is_told_of_the_same_line_hides_only_what_is_no_worse() -> None:
    beside = Problem(ERROR.place, ERROR.subject, "reads many rows.", Severity.WARNING)

    assert untold([beside], [ERROR]) == []
    assert untold([ERROR], [beside]) == [ERROR]
    assert untold([ERROR], [ERROR, beside]) == untold([ERROR], [beside, ERROR]) == []
    assert untold([WARNING], [ERROR]) == [WARNING]
