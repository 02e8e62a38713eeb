"""Checks are read from a folder or a manifest, and what is wrong with one is said with its file."""

from pathlib import Path

import pytest

from gateway.probe.checks import Schedule, read_checks
from loaders.errors import CallerError

SCHEDULE = Schedule(every_s=30, timeout_s=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents, one with variables and expectations."""
    (tmp_path / "orders.graphql").write_text("query ($ids: [ID!]!) { orders(ids: $ids) { id } }")
    (tmp_path / "orders.json").write_text('{"ids": ["1"]}')
    (tmp_path / "orders.expected.json").write_text('{"orders": [{"id": "1"}]}')
    (tmp_path / "alive.graphql").write_text("{ __typename }")
    return tmp_path


def _manifest(folder: Path, *lines: str) -> Path:
    path = folder / "probe.toml"
    path.write_text("\n".join(["[[check]]", 'document = "orders.graphql"', *lines]))
    return path


def test_a_folder_is_a_check_for_each_document(folder: Path) -> None:
    alive, orders = read_checks(folder, SCHEDULE)
    assert (alive.name, alive.variables, alive.expected) == ("alive", {}, None)
    assert (orders.name, orders.every_s, orders.timeout_s) == ("orders", 30, 5)
    assert orders.variables == {"ids": ["1"]}
    assert orders.expected == {"orders": [{"id": "1"}]}


def test_a_manifest_says_more_of_a_check(folder: Path) -> None:
    _manifest(
        folder,
        'name = "orders-now"',
        "every_s = 300",
        "timeout_s = 2.5",
        'variables = { ids = ["2"] }',
        'not_null = ["orders.*.id"]',
        'max_age_s = { "orders.0.placedAt" = 3600 }',
    )
    (check,) = read_checks(folder, SCHEDULE)
    assert (check.name, check.every_s, check.timeout_s, check.variables) == ("orders-now", 300, 2.5, {"ids": ["2"]})
    assert [path.text for path in check.not_null] == ["orders.*.id"]
    assert {path.text: age for path, age in check.max_ages.items()} == {"orders.0.placedAt": 3600}
    assert read_checks(folder / "probe.toml", SCHEDULE) == [check]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["evry_s = 1"], "has no option evry_s: there are document, every_s,"),
        (["every_s = 0"], "needs every_s of at least 1 and at most 3,600 seconds."),
        (["every_s = true"], "needs every_s of at least 1"),
        (["every_s = 5", "timeout_s = 6"], "has a timeout_s longer than its every_s"),
        (['not_null = "orders"'], "needs a list as not_null"),
        (['not_null = ["orders[0]"]'], "'orders[0]' is no path"),
        (['max_age_s = { "orders.0.placedAt" = 0 }'], "in max_age_s, needs orders.0.placedAt of more than 0"),
        (["max_age_s = 5"], "needs a table of paths and seconds as max_age_s"),
        (['name = "<b>"'], "needs a name of 1 to 63"),
        (['variables = "x"'], "needs an object as its variables"),
        (['expected = "missing.json"'], "missing.json cannot be read"),
        (["[[check]]", 'document = "orders.graphql"'], "have the name orders"),
        (["[check2]"], "must hold tables [[check]], and nothing else"),
        (["every_s = "], "is no TOML"),
        (["every_s = " + "[" * 10_000], "is no TOML"),
    ],
)
def test_what_is_wrong_with_a_check_is_said(folder: Path, lines: list[str], sentence: str) -> None:
    with pytest.raises(CallerError) as raised:
        read_checks(_manifest(folder, *lines), SCHEDULE)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("mutation { cancel }", "must hold one query"),
        ("{ a } query B { b }", "must hold one query"),
        ("{ a ", "is no GraphQL"),
        ("#" + "x" * (1 << 20), "has more than 1,048,576 bytes"),
    ],
)
def test_a_document_is_one_query(folder: Path, document: str, sentence: str) -> None:
    (folder / "alive.graphql").write_text(document)
    with pytest.raises(CallerError) as raised:
        read_checks(folder, SCHEDULE)
    assert sentence in str(raised.value)


def test_no_check_and_too_many_are_errors(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="There is no check in"):
        read_checks(tmp_path, SCHEDULE)
    for index in range(101):
        (tmp_path / f"{index}.graphql").write_text("{ a }")
    with pytest.raises(CallerError, match="has 101 checks, and a probe has at most 100"):
        read_checks(tmp_path, SCHEDULE)
