"""The public status page: how each check goes, and its last 90 days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from gateway.observability.html_page import html_page
from gateway.probe.history import DAYS, ON_TIME
from gateway.probe.verdict import OK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.responses import Response

    from gateway.probe.checks import Check
    from gateway.probe.history import Day, Latest

_REFRESH_S = 60
_BAR, _GAP, _HEIGHT = 8, 2, 30
"""The widths of a day and of the space after it, and the height of a day, in units of the picture."""
_SHOWN_OUTCOMES = {
    "unreachable": "does not answer",
    "timeout": "answers too late",
    "status": "answers with an error",
    "invalid": "answers something unreadable",
    "errors": "answers with errors",
    "null": "lacks data",
    "unexpected": "answers something unexpected",
    "stale": "has old data",
}
"""The sentence on an outcome that visitors read: neither a value nor a path."""


@dataclass(frozen=True, slots=True)
class CheckHistory:
    """A check as the page shows it: its latest result, if there is any, and its days, the oldest first."""

    check: Check
    latest: Latest | None
    days: Sequence[Day]

    def outcome(self, now: datetime) -> str | None:
        """Return the outcome of the latest result; None where it is too old to tell how the check goes now."""
        if self.latest is None:
            return None
        age_s = now.timestamp() - self.latest.started_at
        return self.latest.outcome if age_s <= ON_TIME * self.check.every_s + self.check.timeout_s else None

    @property
    def known_s(self) -> float:
        """Seconds of all days of which something is known."""
        return sum(day.up_s + day.down_s for day in self.days)


def status_page(title: str, histories: Sequence[CheckHistory], now: datetime) -> Response:
    """Return the page."""
    about = (
        f"<p>{escape(_headline(histories, now))}</p>\n"
        f"<p>Each bar is a day of the last {DAYS}, in UTC, today at the right: green is time in which the check passed,"
        " red in which it failed, and grey in which nobody knows, since nothing checked.</p>"
    )
    body = "\n".join(_section(history, now) for history in histories)
    footer = f"<p>As of {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC.</p>"
    return html_page(title, f"{about}\n{body}\n{footer}", refresh_s=_REFRESH_S, cache_control="public, max-age=15")


def _headline(histories: Sequence[CheckHistory], now: datetime) -> str:
    outcomes = [history.outcome(now) for history in histories]
    failing = sum(outcome not in (None, OK) for outcome in outcomes)
    unknown = outcomes.count(None)
    if failing:
        return f"{failing} of {len(outcomes)} checks fail." + (
            f" Of {unknown}, nothing is known now." if unknown else ""
        )
    if unknown:
        return f"Nothing is known now of {unknown} of {len(outcomes)} checks. The others pass."
    return "All checks pass."


def _section(history: CheckHistory, now: datetime) -> str:
    outcome = history.outcome(now)
    if outcome is None:
        state, kind = "unknown now: no check has run lately", "unknown"
    elif outcome == OK:
        state, kind = "passes", "up"
    else:
        state, kind = _SHOWN_OUTCOMES[outcome], "down"
    return (
        f'<h2>{escape(history.check.name)}: <span class="{kind}">{state}</span></h2>\n'
        f"<p>{escape(_summary(history))}</p>\n{_picture(history.days)}"
    )


def _summary(history: CheckHistory) -> str:
    length_s, up_s = sum(day.length_s for day in history.days), sum(day.up_s for day in history.days)
    passed, duration_s = sum(day.passed for day in history.days), sum(day.duration_s for day in history.days)
    if not history.known_s:
        return "Nothing is known of the past yet."
    speed = f" Answers took {duration_s / passed * 1_000:,.0f} ms on average." if passed else ""
    return (
        f"Passed for {percent(up_s, history.known_s)} of the time that is known, which is"
        f" {percent(history.known_s, length_s)} of {DAYS} days.{speed}"
    )


def percent(part: float, whole: float) -> str:
    """Return a percentage, rounded down: what is not all is never shown as 100 %."""
    return f"{math.floor(min(1.0, part / whole) * 10_000) / 100:g} %"


def _picture(days: Sequence[Day]) -> str:
    width = len(days) * (_BAR + _GAP)
    bars = "\n".join(part for index, day in enumerate(days) for part in _bar(index * (_BAR + _GAP), day))
    box = f'viewBox="0 0 {width} {_HEIGHT}" preserveAspectRatio="none"'
    return f'<svg {box} role="img" aria-label="The last {DAYS} days">\n{bars}\n</svg>'


def _bar(x: int, day: Day) -> Iterator[str]:
    """Yield the parts of a day: down at the bottom, never too small to see, then up, then unknown."""
    yield f"<g><title>{escape(_words(day))}</title>"
    top = float(_HEIGHT)
    for kind, seconds in (("down", day.down_s), ("up", day.up_s), ("unknown", day.unknown_s)):
        share = seconds / day.length_s if day.length_s else 0.0
        height = max(share * _HEIGHT, 1.5) if kind == "down" and seconds else share * _HEIGHT
        height = min(height, top)
        top -= height
        if height:
            yield f'<rect class="{kind}" x="{x}" y="{top:.2f}" width="{_BAR}" height="{height:.2f}"/>'
    yield "</g>"


def _words(day: Day) -> str:
    known_s = day.up_s + day.down_s
    if not known_s:
        return f"{day.day}: unknown"
    unknown = f", {day.unknown_s / 3_600:.1f} h unknown" if day.unknown_s >= 60 else ""
    return f"{day.day}: passed for {percent(day.up_s, known_s)} of the time that is known{unknown}"
