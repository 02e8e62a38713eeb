"""Generated tests fail for models that are wrong in what they prove, and say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuseway.testing.checks.scopes import ScopedAnswer
from tests.testing.conftest import Run

MODEL = "library/model.py"
DEPENDENT = """
class Place(m.Section, over=web.relation(f"select reader_id, rank() over (order by count() desc, reader_id) as place from {visits.asked('reader_id')} group by reader_id")):
    place: m.BigInt = m.sql("any(place)", "Among those that are asked for.")


class Reader(m.Object, table=readers):"""
PLACE = 'place: Place | None = m.section("reader_id")'
WRONG: dict[str, tuple[tuple[str, str], str, str]] = {
    "the tenant is dropped from a table": (
        ('loans = db.table("library.loans", ', 'loans = db.table("library.loans", tenant=m.everyones, '),
        "test_tenants_do_not_see_each_other and loanSums and databases",
        "Reader.loanSums: what tenant 1 is answered depends on the rows of tenant 2 (databases).",
    ),
    "a table has no scope": (
        ('visits = web.table("visits", time="day", scope="visit:read", ', 'visits = web.table("visits", time="day", '),
        "test_every_field_needs_a_scope and Reader.visits",
        "Reader.visits is answered to a viewer with reader:read alone, and visits says no scope: {",
    ),
    "a section depends on which ids are asked for": (
        ("\n\nclass Reader(m.Object, table=readers):", DEPENDENT),
        "test_sections_agree_with_themselves and Reader.place",
        "Reader.place of Reader 20 depends on how it is asked.",
    ),
    "an order says of a column that it is never null": (
        ('fee = m.by("fee", nulls="last")', 'fee = m.by("fee", nulls="never")'),
        "test_pages_join_into_the_list and Reader.loans and FEE",
        "do not join into the list",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_generated_tests_fail_where(library: Path, run_pytest: Run, mistake: str) -> None:
    (right, wrong), selection, message = WRONG[mistake]
    file = library / MODEL
    text = file.read_text()
    assert right in text
    text = text.replace(right, wrong)
    if wrong is DEPENDENT:
        text = text.replace("    visits: Visits =", f"    {PLACE}\n    visits: Visits =")
    file.write_text(text)
    (library / "test_generated.py").write_text("from fuseway.testing.checks import *\n")
    answer = run_pytest(library, "test_generated.py", "-k", selection)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert message in answer.stdout
    assert "fuseway: model library/model.py, at most 300 cases of each generated test, seed 0" in answer.stdout


def test_a_field_that_is_null_for_all_that_are_asked_for_needs_a_scope_too(library: Path, run_pytest: Run) -> None:
    edits = (
        (MODEL, 'loans = db.table("library.loans", scope="loan:read", ', 'loans = db.table("library.loans", '),
        ("library/set_up.py", "case when id % 3 = 0 then 'note '", "case when id > 200 then 'note '"),
    )
    for name, right, wrong in edits:
        file = library / name
        assert right in file.read_text()
        file.write_text(file.read_text().replace(right, wrong))
    (library / "test_generated.py").write_text("from fuseway.testing.checks import *\n")
    selection = "test_every_field_needs_a_scope and Loan.note"
    answer = run_pytest(library, "test_generated.py", "-k", selection)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    message = "Loan.note is answered to a viewer without any scope, and library.loans says no scope: null"
    assert message in answer.stdout


@pytest.mark.parametrize(
    ("values", "text", "is_open"),
    [
        ([None], "{}", True),
        ([[]], "{}", True),
        ([], "{}", False),
        ([None], "FORBIDDEN", False),
        ([None, 1], "FORBIDDEN", True),
    ],
)
def test_a_null_without_an_error_is_an_answer(values: list[object], text: str, *, is_open: bool) -> None:
    assert ScopedAnswer(values, text).is_open is is_open


def test_generated_tests_pass_for_the_right_model(library: Path, run_pytest: Run) -> None:
    (library / "test_generated.py").write_text("from fuseway.testing.checks import *\n")
    answer = run_pytest(library, "test_generated.py", "-q", "--fuseway-cases", "4", "--fuseway-seed", "5")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "passed" in answer.stdout
    assert "skipped" not in answer.stdout
