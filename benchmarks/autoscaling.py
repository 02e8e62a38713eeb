"""How many replicas Kubernetes' HorizontalPodAutoscaler asks for, which KEDA leaves its metrics to.

By the documented algorithm, for replicas that are alike: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

TOLERANCE: Final = 0.1
"""A ratio that is off by no more changes nothing: the default of kube-controller-manager."""
SYNC_S: Final = 15.0
"""How often it looks: the default, too."""


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many replicas there should be, and how many serve: the others start."""

    wanted: int
    ready: int


def by_value(replicas: Replicas, value: float, target: float) -> int:
    """Return the replicas for a value of all together, as of KEDA's `metricType: Value`: a wait is not shared out."""
    ratio = value / target
    return replicas.wanted if abs(1 - ratio) <= TOLERANCE else math.ceil(ratio * replicas.ready)


def by_average(replicas: Replicas, average: float, target: float) -> int:
    """Return the replicas for the mean of those that serve, as of CPU and of metrics of type Pods.

    Those that start count as idle while more are needed.
    """
    ratio = average / target
    if ratio > 1 and replicas.wanted > replicas.ready:
        ratio = max(1.0, ratio * replicas.ready / replicas.wanted)
        return replicas.wanted if ratio <= 1 + TOLERANCE else math.ceil(ratio * replicas.wanted)
    return replicas.wanted if abs(1 - ratio) <= TOLERANCE else math.ceil(ratio * replicas.ready)


@dataclass(slots=True)
class Behavior:
    """How fast replicas come and go: the bounds and `behavior` of the chart.

    Up to twice as many, or four more, in 15 s; a quarter fewer in a minute, and never fewer than was asked for within
    the window.
    """

    minimum: int = 2
    maximum: int = 10
    down_window_s: float = 300.0
    _recommended: list[tuple[float, int]] = field(default_factory=list)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    def allowed(self, now_s: float, current: int, desired: int) -> int:
        """Return how many replicas there shall be, and remember it. `now_s` never goes back."""
        self._recommended = [item for item in self._recommended if item[0] > now_s - self.down_window_s]
        self._recommended.append((now_s, desired))
        if desired < current:
            desired = min(current, max(count for _, count in self._recommended))
        if desired > current:
            start = current - self._changed(now_s, 15.0, lambda change: change > 0)
            desired = min(desired, max(2 * start, start + 4, current))
        elif desired < current:
            start = current - self._changed(now_s, 60.0, lambda change: change < 0)
            desired = max(desired, min(int(start * 0.75), current))
        result = min(self.maximum, max(self.minimum, desired))
        self._changes.append((now_s, result - current))
        return result

    def _changed(self, now_s: float, period_s: float, counts: Callable[[int], bool]) -> int:
        return sum(change for when_s, change in self._changes if when_s > now_s - period_s and counts(change))
