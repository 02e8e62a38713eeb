"""All metrics that there are, as tables for the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.observability import gateway_metrics, http_metrics, trace_metrics
from loaders import metrics
from loaders.instruments import FAMILIES

if TYPE_CHECKING:
    from types import ModuleType

    from loaders.instruments import AnyFamily

DECLARING: tuple[ModuleType, ...] = (http_metrics, gateway_metrics, trace_metrics, metrics)
"""The modules that declare metrics, which are registered when they are imported."""


def metrics_table() -> str:
    """Return the metrics as a table in Markdown, in the order of their names."""
    lines = ["| metric | type | labels | what it is |", "| --- | --- | --- | --- |"]
    lines += [_row(family) for _, family in sorted(FAMILIES.items())]
    return "\n".join(lines) + "\n"


def _row(family: AnyFamily) -> str:
    labels = ", ".join(f"`{name}`" for name in family.label_names)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.about} |"
