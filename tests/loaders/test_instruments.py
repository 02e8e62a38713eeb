"""Counters, gauges and histograms: what they count, and how many series a metric has."""

import pytest

from loaders.instruments import OTHER, Counter, Family, Histogram


def _family(max_series: int = 3) -> Family[Counter]:
    return Family("fuseway_tests_total", "Tests.", ("kind",), Counter, kind="counter", max_series=max_series)


def test_the_same_label_values_are_the_same_instrument() -> None:
    family = _family()
    family.labels("a").value += 2
    family.labels("a").value += 3

    assert {values: counter.value for values, counter in family.series.items()} == {("a",): 5}


def test_series_beyond_the_bound_are_counted_together() -> None:
    family = _family(max_series=2)
    for name in "abcdab":
        family.labels(name).value += 1

    assert {values: counter.value for values, counter in family.series.items()} == {("a",): 2, ("b",): 2, (OTHER,): 2}


def test_a_wrong_number_of_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="fuseway_tests_total has the labels"):
        _family().labels("a", "b")


@pytest.mark.parametrize(
    ("value", "counts"), [(0.5, [1, 0, 0]), (1.0, [1, 0, 0]), (1.5, [0, 1, 0]), (2.0, [0, 1, 0]), (9.0, [0, 0, 1])]
)
def test_a_bucket_holds_what_is_up_to_its_bound(value: float, counts: list[int]) -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.observe(value)

    assert histogram.counts == counts
    assert histogram.sum == value
