"""One scrape of the gateway's metrics, and what happened between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prometheus_client import Metric

Labels = frozenset[tuple[str, str]]
"""The labels of a sample: pairs of name and value."""

_PREFIX = "fuseway_"
_BUCKET, _BOUND = "_bucket", "le"
"""How the names of buckets end, and the label of their upper bounds."""


class InvalidExpositionError(ValueError):
    """A text is not in Prometheus' text format."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """The values of the gateway's own metrics at a time, by name of a sample and its labels.

    `taken_at` is by the monotonic clock, in seconds.
    """

    samples: Mapping[str, Mapping[Labels, float]]
    taken_at: float

    @classmethod
    def of(cls, families: Iterable[Metric], taken_at: float) -> Scrape:
        """Return the scrape of metric families, as a collector yields them.

        ValueError or KeyError for a bucket whose bound is no number.
        """
        samples: dict[str, dict[Labels, float]] = {}
        for family in families:
            if not family.name.startswith(_PREFIX):
                continue
            for sample in family.samples:
                if sample.name.endswith(_BUCKET):
                    float(sample.labels[_BOUND])
                samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return cls(samples, taken_at)

    @classmethod
    def parse(cls, text: str, taken_at: float) -> Scrape:
        """Parse Prometheus' text format. Raises InvalidExpositionError."""
        try:
            return cls.of(text_string_to_metric_families(text), taken_at)
        except (ValueError, KeyError, IndexError) as error:  # the parser has no error of its own
            raise InvalidExpositionError("The text is not in Prometheus' text format.") from error


EMPTY = Scrape({}, 0.0)
"""The counts of a gateway before it starts: the difference to it is all since then."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations of a histogram: how many in all, their sum, and (upper bound, how many up to it) in order."""

    count: float
    total: float
    buckets: Sequence[tuple[float, float]]

    def mean(self) -> float | None:
        """Return the mean of the observations; None without any."""
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """Return an estimate of the quantile, as Prometheus' `histogram_quantile` makes it; None without observations.

        Observations are taken to be spread evenly in their bucket. Beyond the last finite bound, it is that bound.
        """
        rank, lower, below = share * self.count, 0.0, 0.0
        if not self.count:
            return None
        for bound, up_to in self.buckets:
            if bound == float("inf"):
                break
            if up_to >= rank and up_to > below:
                return lower + (bound - lower) * max(0.0, rank - below) / (up_to - below)
            lower, below = bound, up_to
        return lower


NO_OBSERVATIONS = Histogram(0.0, 0.0, ())


@dataclass(frozen=True, slots=True)
class Interval:
    """The changes between two scrapes of one gateway.

    Counters that fell were begun anew by a gateway that restarted: what they have by now is their increase.
    """

    before: Scrape
    after: Scrape

    @property
    def seconds(self) -> float | None:
        """The length; None since the start of the gateway, which is not known."""
        return None if self.before is EMPTY else self.after.taken_at - self.before.taken_at

    def has(self, name: str) -> bool:
        """Return whether the gateway has the sample."""
        return name in self.after.samples

    def increases(self, name: str, *by: str) -> dict[tuple[str, ...], float]:
        """Return by how much a counter increased, summed by these labels; what did not increase is there with 0."""
        before = self.before.samples.get(name, {})
        sums: dict[tuple[str, ...], float] = {}
        for labels, value in self.after.samples.get(name, {}).items():
            earlier = before.get(labels, 0.0)
            key = _values(labels, by)
            sums[key] = sums.get(key, 0.0) + (value - earlier if value >= earlier else value)
        return sums

    def values(self, name: str, *by: str) -> dict[tuple[str, ...], float]:
        """Return what a gauge is now, summed by these labels."""
        sums: dict[tuple[str, ...], float] = {}
        for labels, value in self.after.samples.get(name, {}).items():
            key = _values(labels, by)
            sums[key] = sums.get(key, 0.0) + value
        return sums

    def histograms(self, name: str, *by: str) -> dict[tuple[str, ...], Histogram]:
        """Return the new observations of a histogram, summed by these labels."""
        counts, totals = self.increases(f"{name}_count", *by), self.increases(f"{name}_sum", *by)
        buckets: dict[tuple[str, ...], list[tuple[float, float]]] = {}
        for (*key, bound), up_to in self.increases(f"{name}{_BUCKET}", *by, _BOUND).items():
            buckets.setdefault(tuple(key), []).append((float(bound), up_to))
        return {
            key: Histogram(count, totals.get(key, 0.0), sorted(buckets.get(key, []))) for key, count in counts.items()
        }


def _values(labels: Labels, by: Sequence[str]) -> tuple[str, ...]:
    values = dict(labels)
    return tuple(values.get(name, "") for name in by)
