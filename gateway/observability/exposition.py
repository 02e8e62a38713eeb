"""The metrics of this process in Prometheus' formats."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString

from loaders.instruments import FAMILIES, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loaders.instruments import AnyFamily, Counter, Gauge


class ProcessMetrics(Collector):
    """Collects the metrics of this process; any thread may."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        if registry is not None:
            registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Yield each metric with its series."""
        for family in list(FAMILIES.values()):  # which grow while modules are imported
            yield _metric(family)


def metric_name(family: AnyFamily) -> str:
    """Return the name of a metric as the exposition formats have it, where `_total` belongs to a counter's sample."""
    return family.name.removesuffix("_total")


def bucket_labels(bounds: Iterable[float]) -> list[str]:
    """Return the values of `le` of a histogram's buckets."""
    return [*map(floatToGoString, bounds), "+Inf"]


def _metric(family: AnyFamily) -> Metric:
    metric = Metric(metric_name(family), family.about, family.kind)
    series: dict[tuple[str, ...], Counter | Gauge | Histogram] = dict(family.series)  # which grows meanwhile
    for values, instrument in series.items():
        labels = dict(zip(family.label_names, values, strict=True))
        if isinstance(instrument, Histogram):
            _add_buckets(metric, labels, instrument)
        else:
            metric.add_sample(family.name, labels, instrument.value)
    return metric


def _add_buckets(metric: Metric, labels: Mapping[str, str], instrument: Histogram) -> None:
    totals = list(accumulate(instrument.counts))
    for bound, total in zip(bucket_labels(instrument.bounds), totals, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, total)
    metric.add_sample(f"{metric.name}_count", dict(labels), totals[-1])
    metric.add_sample(f"{metric.name}_sum", dict(labels), instrument.sum)
