"""PromQL of the dashboards, filtered by what their viewer chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FILTER: Final = 'namespace=~"$namespace", job=~"$job", instance=~"$instance"'
_INTERVAL: Final = "$__rate_interval"
"""Grafana's: wide enough for four scrapes, and for a point of the graph."""
RECENT: Final = "5m"
"""For the present value of a ranking."""


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and the legend of its series."""

    expression: str
    legend: str = ""


def series(metric: str, where: str = "") -> str:
    """Return the selector of a metric, with further matchers."""
    return f"{metric}{{{', '.join(part for part in (where, FILTER) if part)}}}"


def total(metric: str, by: str = "", where: str = "") -> str:
    """Return the sum of a gauge by labels."""
    return f"{_sum(by)} ({series(metric, where)})"


def rate(metric: str, by: str = "", where: str = "", over: str = _INTERVAL) -> str:
    """Return how fast a counter grows a second, by labels."""
    return f"{_sum(by)} (rate({series(metric, where)}[{over}]))"


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"


def ratio(part: str, whole: str) -> str:
    """Return a share, or a mean, of two expressions with the same labels; nothing where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def ratio_by_label(part: str, whole: str) -> str:
    """Return the shares of a whole that has no labels."""
    return f"{part} / on () group_left () ({whole} > 0)"


def share(part: str, whole: str) -> str:
    """Return a share of a figure, 0 where there is no part; nothing where there is no whole to have a share of."""
    return f"({part} or vector(0)) / ({whole} > 0)"


def or_zero(expression: str) -> str:
    """Return an expression without labels, 0 where it has nothing: a figure would show the last number that it had."""
    return f"{expression} or vector(0)"


def quantile(of: float, metric: str, by: str = "", over: str = _INTERVAL) -> str:
    """Return a quantile of a histogram by labels."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({of}, {rate(f'{metric}_bucket', labels, over=over)})"


def quantiles(metric: str) -> list[Query]:
    """Return the median, the 95th and the 99th percentile of a histogram."""
    return [Query(quantile(of, metric), f"p{of * 100:.0f}") for of in (0.5, 0.95, 0.99)]


def top(expression: str, count: int = 10) -> str:
    """Return the largest series alone: a panel is bounded, however many there are."""
    return f"topk({count}, {expression})"
