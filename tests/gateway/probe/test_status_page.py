"""The public page says how each check goes, and makes nothing look better than it is known to be."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.probe.checks import Check
from gateway.probe.history import DAYS, Day, Latest
from gateway.probe.status_page import CheckHistory, percent, status_page

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
CHECK = Check("orders", "{ orders { id } }", every_s=60, timeout_s=10)


def _days(*lately: Day) -> list[Day]:
    """All days, those before the ones that are passed without anything known."""
    first = date(2026, 3, 10) - timedelta(days=DAYS - 1)
    unknown = [Day(first + timedelta(days=index), 86_400) for index in range(DAYS - len(lately))]
    return [*unknown, *lately]


def _page(latest: Latest | None, *lately: Day) -> str:
    return bytes(status_page("Shop", [CheckHistory(CHECK, latest, _days(*lately))], NOW).body).decode()


def _latest(outcome: str, seconds_ago: float = 30) -> Latest:
    return Latest(NOW.timestamp() - seconds_ago, outcome)


TODAY = Day(date(2026, 3, 10), 43_200, up_s=21_600, down_s=0, passed=360, duration_s=36)


def test_a_check_that_passes_says_so_and_how_much_of_the_time_is_known() -> None:
    page = _page(_latest("ok"), TODAY)
    assert "All checks pass." in page
    assert '<h2>orders: <span class="up">passes</span></h2>' in page
    assert "Passed for 100 % of the time that is known, which is 0.27 % of 90 days." in page
    assert "Answers took 100 ms on average." in page
    assert "2026-03-10: passed for 100 % of the time that is known, 6.0 h unknown" in page
    assert "2026-03-09: unknown" in page


def test_unknown_time_is_grey_and_never_green() -> None:
    page = _page(None)
    assert page.count("<rect") == page.count('<rect class="unknown"') == DAYS
    assert "Nothing is known of the past yet." in page
    half = _page(_latest("ok"), TODAY)
    assert '<rect class="up" x="890" y="15.00" width="8" height="15.00"/>' in half
    assert '<rect class="unknown" x="890" y="0.00" width="8" height="15.00"/>' in half


def test_a_probe_that_stopped_leaves_the_state_unknown() -> None:
    page = _page(_latest("ok", seconds_ago=101), TODAY)
    assert "All checks pass." not in page
    assert "Nothing is known now of 1 of 1 checks." in page
    assert "unknown now: no check has run lately" in page


@pytest.mark.parametrize(("outcome", "words"), [("unreachable", "does not answer"), ("stale", "has old data")])
def test_a_check_that_fails_says_how(outcome: str, words: str) -> None:
    page = _page(_latest(outcome), TODAY)
    assert "1 of 1 checks fail." in page
    assert f'<span class="down">{words}</span>' in page


def test_a_failure_of_a_minute_is_seen_and_takes_the_hundred_percent() -> None:
    day = Day(date(2026, 3, 9), 86_400, up_s=86_399, down_s=1, passed=1_440, failed=1)
    page = _page(_latest("ok"), day, TODAY)
    assert '<rect class="down" x="880" y="28.50" width="8" height="1.50"/>' in page
    assert "2026-03-09: passed for 99.99 % of the time that is known" in page


@pytest.mark.parametrize(("part", "text"), [(1.0, "100 %"), (0.999_99, "99.99 %"), (0.5, "50 %"), (0.0, "0 %")])
def test_a_percentage_is_rounded_down(part: float, text: str) -> None:
    assert percent(part, 1.0) == text


def test_the_page_has_no_script_and_allows_none() -> None:
    page = status_page("<script>", [CheckHistory(CHECK, None, _days())], NOW)
    assert b"<script" not in page.body
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
