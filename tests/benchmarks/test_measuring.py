"""Figures."""

import pytest

from benchmarks.measuring import percentile


@pytest.mark.parametrize(
    ("values", "level", "expected"),
    [([3.0], 0.95, 3.0), ([2.0, 1.0], 0.5, 1.0), (list(map(float, range(1, 101))), 0.95, 95.0)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], level: float, expected: float) -> None:
    assert percentile(values, level) == expected
