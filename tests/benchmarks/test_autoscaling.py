"""The formula of Kubernetes' HorizontalPodAutoscaler, and how fast replicas come and go."""

from __future__ import annotations

import pytest

from benchmarks.autoscaling import Behavior, Replicas, by_average, by_value
from benchmarks.scaling import START_S, Fleet, Observed, percentile_query


@pytest.mark.parametrize(
    ("wanted", "ready", "value", "replicas"),
    [
        (2, 2, 0.5, 2),
        (2, 2, 0.54, 2),  # within the tolerance
        (2, 2, 0.6, 3),
        (2, 2, 1.5, 6),
        (6, 2, 1.5, 6),  # those that start do not answer: no more are asked for because of them
        (4, 4, 0.25, 2),
        (2, 2, 0.0, 0),
    ],
)
def test_a_value_of_all_is_multiplied_with_those_that_serve(
    wanted: int, ready: int, value: float, replicas: int
) -> None:
    assert by_value(Replicas(wanted, ready), value, 0.5) == replicas


@pytest.mark.parametrize(
    ("wanted", "ready", "average", "replicas"),
    [
        (2, 2, 12, 2),
        (2, 2, 13, 2),  # within the tolerance
        (2, 2, 18, 3),
        (4, 2, 24, 4),  # two that start will do
        (4, 2, 48, 8),
        (4, 4, 3, 1),
    ],
)
def test_replicas_that_start_count_as_idle(wanted: int, ready: int, average: float, replicas: int) -> None:
    assert by_average(Replicas(wanted, ready), average, 12) == replicas


def test_replicas_double_or_grow_by_four_in_15_s() -> None:
    behavior = Behavior(maximum=100)
    assert behavior.allowed(15, 2, 50) == 6
    assert behavior.allowed(20, 6, 50) == 6  # the same 15 s
    assert behavior.allowed(30, 6, 50) == 12


def test_replicas_go_by_a_quarter_a_minute_after_the_window() -> None:
    behavior = Behavior(maximum=100)
    assert behavior.allowed(0, 12, 12) == 12
    assert behavior.allowed(15, 12, 2) == 12
    assert behavior.allowed(299, 12, 2) == 12
    assert behavior.allowed(301, 12, 2) == 9
    assert behavior.allowed(316, 9, 2) == 9
    assert behavior.allowed(362, 9, 2) == 6


def test_there_are_never_fewer_or_more_than_the_bounds() -> None:
    assert Behavior(minimum=2).allowed(0, 2, 0) == 2
    assert Behavior(maximum=10).allowed(0, 8, 40) == 10


def test_replicas_serve_once_they_have_started() -> None:
    fleet = Fleet(2)
    fleet.scale(0, 5)
    assert (fleet.wanted, fleet.ready(START_S - 1), fleet.ready(START_S)) == (5, 2, 5)
    fleet.scale(40, 6)
    fleet.scale(45, 4)
    assert (fleet.wanted, fleet.ready(45)) == (4, 4)


def test_a_query_without_data_asks_for_what_there_is() -> None:
    replicas = Replicas(4, 4)
    nothing = Observed(None, None, None, None)
    assert (nothing.keda(replicas), nothing.hpa(replicas)) == ([4, 4, 4], [4, 4])


def test_replicas_that_have_just_started_lower_the_means_and_not_the_waits() -> None:
    assert Observed(2.0, 3.0, 48.0, 0.75).spread(2, 8) == Observed(2.0, 3.0, 12.0, 0.1875)


def test_the_query_of_a_percentile_is_0_without_requests() -> None:
    assert percentile_query("h", 'job="a"', "1m") == (
        '(histogram_quantile(0.95, sum by (le) (rate(h_bucket{job="a"}[1m]))) >= 0)'
        ' or (0 * sum(rate(h_count{job="a"}[1m])))'
    )
