"""The comparison finds what differs, and nothing else."""

import pytest

from tests.truth.compare import count_values, differences


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (0.1 + 0.2, 0.3),
        (1e-12, 0.0),
        (3, 3.0),
        (None, None),
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "x"}]}),
    ],
)
def test_equal_values_do_not_differ(actual: object, expected: object) -> None:
    assert differences(actual, expected) == []


@pytest.mark.parametrize(
    ("actual", "expected", "difference"),
    [
        (1.0000001, 1.0, ": 1.0000001, expected 1.0"),
        (None, 0.0, ": None, expected 0.0"),
        (0, None, ": 0, expected None"),
        (1, 2, ": 1, expected 2"),
        (1.0, 1, ": 1.0, expected 1"),
        (True, 1, ": True, expected 1"),
        (True, 1.0, ": True, expected 1.0"),
        ("1", 1, ": '1', expected 1"),
        (float("nan"), 0.0, ": nan, expected 0.0"),
        ({"a": 1}, {"b": 1}, ".a: 1, expected nothing"),
        ({"a": 1}, {"a": 1, "b": None}, ".b: absent, expected None"),
        ([1, 2], [1], ": 2 rows, expected 1"),
        ([1, 2], [2, 1], "[0]: 1, expected 2"),
        ([], None, ": [], expected None"),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ".a[0].b: 1, expected 2"),
    ],
)
def test_a_difference_is_found_with_its_path(actual: object, expected: object, difference: str) -> None:
    assert difference in differences(actual, expected)


def test_all_differences_are_found() -> None:
    assert differences([1, [2, 3]], [0, [2, 4]], "row") == ["row[0]: 1, expected 0", "row[1][1]: 3, expected 4"]


def test_values_are_counted_at_the_leaves() -> None:
    assert count_values({"a": [1, 2, {"b": None}], "c": "x"}) == 4
