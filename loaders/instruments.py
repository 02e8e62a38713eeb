"""Counters, gauges and histograms that the event loop adds to at little cost; the gateway publishes them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_SERIES = 1_000
"""Label values of one metric that are told apart. A monitoring system keeps each of them for weeks."""
OTHER = "other"
"""The value of each label in the series that counts what is over that bound."""
DURATIONS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of a histogram of times, from a cached response to the slowest statement."""

Sharing = Literal["livesum", "livemax", "livemin"]
"""The value of a gauge over several workers: the sum, the maximum or the minimum of those that live."""


class Counter:
    """A number that only grows. `value += n` is all that it takes to count."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Gauge:
    """A number that goes up and down."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Histogram:
    """Counts of observations up to each of some bounds, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0.0] * (len(bounds) + 1)
        """Observations in each bucket, of these alone; the last one is of those over all bounds."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count an observation."""
        self.sum += value
        self.counts[bisect_left(self.bounds, value)] += 1


Instrument = TypeVar("Instrument", bound=Counter | Gauge | Histogram)


class Family(Generic[Instrument]):
    """A metric: its name, help and label names, and an instrument for each combination of label values.

    Look an instrument up once and keep it, where it is used often. It is not prometheus-client's own class, whose locks
    and checks cost a cached response several times as much.
    """

    def __init__(
        self,
        name: str,
        about: str,
        labels: Sequence[str],
        make: Callable[[], Instrument],
        *,
        kind: Literal["counter", "gauge", "histogram"],
        sharing: Sharing = "livesum",
        max_series: int = MAX_SERIES,
    ) -> None:
        self.name = name
        self.about = about
        self.label_names = tuple(labels)
        self.kind = kind
        self.sharing: Sharing = sharing
        self.max_series = max_series
        self.series: dict[tuple[str, ...], Instrument] = {}
        """The instruments by their label values."""
        self._make: Callable[[], Instrument] = make

    def labels(self, *values: str) -> Instrument:
        """Return the instrument of these label values, in the order of the names.

        Beyond `max_series` it is that of OTHER for all of them.
        """
        instrument = self.series.get(values)
        if instrument is None:
            if len(values) != len(self.label_names):
                raise ValueError(f"{self.name} has the labels {self.label_names}, and got {len(values)} values.")
            if len(self.series) >= self.max_series:
                values = (OTHER,) * len(values)
            instrument = self.series.setdefault(values, self._make())
        return instrument


AnyFamily: TypeAlias = "Family[Counter] | Family[Gauge] | Family[Histogram]"
FAMILIES: dict[str, AnyFamily] = {}
"""All metrics of the process, by name."""


def counter(name: str, about: str, *labels: str, max_series: int = MAX_SERIES) -> Family[Counter]:
    """Declare a counter; its name ends with `_total`."""
    family = Family(name, about, labels, Counter, kind="counter", max_series=max_series)
    FAMILIES[name] = family
    return family


def gauge(name: str, about: str, *labels: str, sharing: Sharing = "livesum") -> Family[Gauge]:
    """Declare a gauge."""
    family = Family(name, about, labels, Gauge, kind="gauge", sharing=sharing)
    FAMILIES[name] = family
    return family


def histogram(
    name: str, about: str, *labels: str, bounds: Sequence[float] = DURATIONS_S, max_series: int = MAX_SERIES
) -> Family[Histogram]:
    """Declare a histogram with buckets up to each of the bounds, which ascend."""
    family = Family(name, about, labels, lambda: Histogram(bounds), kind="histogram", max_series=max_series)
    FAMILIES[name] = family
    return family
