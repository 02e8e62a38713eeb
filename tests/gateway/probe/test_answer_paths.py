"""Paths lead to values, and say so where there is nothing to check."""

from typing import Any

import pytest

from gateway.probe.answer_paths import AnswerPath, NoSuchPlaceError

DATA = {"orders": [{"id": "1", "customer": {"name": "A"}}, {"id": "2", "customer": None}], "empty": [], "none": None}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("orders.0.id", ["1"]),
        ("orders.*.id", ["1", "2"]),
        ("orders.*.customer.name", ["A", None]),
        ("none.anything.below", [None]),
        ("orders.1", [{"id": "2", "customer": None}]),
    ],
)
def test_a_path_leads_to_all_values(path: str, values: list[Any]) -> None:
    assert AnswerPath.parse(path).values(DATA) == values


@pytest.mark.parametrize("path", ["empty.*.id", "orders.2.id", "orders.*.total", "orders.id", "orders.0.id.0", "x"])
def test_a_path_to_nothing_proves_nothing(path: str) -> None:
    with pytest.raises(NoSuchPlaceError):
        AnswerPath.parse(path).values(DATA)


@pytest.mark.parametrize("text", ["", "a..b", "a.-1", "a[0]", "$.a", "a.b c", "a.**"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        AnswerPath.parse(text)
