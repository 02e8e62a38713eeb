"""What happened between two scrapes is reckoned as Prometheus reckons it."""

import pytest

from gateway.observability.scrape import EMPTY, Histogram, Interval, InvalidExpositionError, Scrape
from tests.gateway.observability.expositions import AFTER, BEFORE, interval


def test_counters_are_told_by_their_increase_and_gauges_by_their_value() -> None:
    difference = interval()
    assert difference.seconds == 10
    assert difference.increases("fuseway_http_requests_total", "operation") == {("Dashboard",): 80, ("Trends",): 20}
    assert difference.increases("fuseway_http_requests_total") == {(): 100}
    assert difference.values("fuseway_http_requests_in_flight") == {(): 4}
    assert difference.increases("fuseway_no_such_total", "operation") == {}


def test_a_counter_that_fell_was_begun_anew() -> None:
    restarted = Interval(Scrape.parse(AFTER, 100), Scrape.parse(BEFORE, 110))
    counted = restarted.increases("fuseway_http_requests_total", "outcome")
    assert counted == {("ok",): 100, ("cached",): 50, ("partial",): 0, ("client_error",): 0}


def test_without_an_earlier_scrape_all_is_since_the_start_and_no_rate_is_known() -> None:
    whole = Interval(EMPTY, Scrape.parse(AFTER, 110))
    assert whole.seconds is None
    assert whole.increases("fuseway_http_requests_total") == {(): 250}


def test_quantiles_are_of_the_new_observations_alone() -> None:
    trends = interval().histograms("fuseway_http_request_duration_seconds", "operation")["Trends",]
    assert (trends.count, trends.total, trends.mean()) == (20, 16, 0.8)
    assert trends.quantile(0.25) == pytest.approx(0.1 + 0.9 * 0.5)  # 5 of the 10 in its bucket
    assert trends.quantile(0.99) == 1.0  # beyond the last finite bound
    assert interval().histograms("fuseway_http_request_duration_seconds")[()].quantile(0.5) == pytest.approx(0.0625)


def test_a_quantile_of_nothing_is_not_known() -> None:
    nothing = Histogram(0, 0, [(0.1, 0), (float("inf"), 0)])
    assert (nothing.quantile(0.5), nothing.mean()) == (None, None)
    assert Histogram(4, 1, [(0.1, 0), (0.2, 4), (float("inf"), 4)]).quantile(0.0) == pytest.approx(0.1)


def test_other_metrics_are_left_out() -> None:
    assert "python_info" not in Scrape.parse(AFTER, 0).samples


@pytest.mark.parametrize(
    "text", ["<html>", 'fuseway_x{a="b" 1', "fuseway_x one", 'fuseway_x_bucket{le="x"} 1', "fuseway_x_bucket 1"]
)
def test_what_is_no_exposition_is_an_error(text: str) -> None:
    with pytest.raises(InvalidExpositionError):
        Scrape.parse(text, 0)
