"""Read metrics as Prometheus does."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from gateway.observability.metrics_server import metrics_text

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Return the values by the sample's name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(url: str) -> Samples:
    """Return what a gateway's metrics port says."""
    response = httpx.get(f"{url}/metrics", timeout=30)
    assert response.status_code == 200
    return samples(response.text)


def own() -> Samples:
    """Return the metrics of the test's own process."""
    return samples(metrics_text())


def value(taken: Samples, name: str, **labels: str) -> float:
    """Return the sum of a metric's series that have these labels."""
    wanted = set(labels.items())
    return sum(number for (sample, pairs), number in taken.items() if sample == name and wanted <= pairs)
