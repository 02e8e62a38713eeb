"""The files of the chart that follow from others: copies, its schema, its README, and what its examples render to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.chart_tools.helm import render
from deploy.chart_tools.values_schema import add_settings
from deploy.chart_tools.values_table import replace_table

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "deploy" / "chart"
EXAMPLES: Final = CHART / "examples" / "values"
GOLDEN: Final = ROOT / "tests" / "deploy" / "chart" / "golden"
SHIPPED: Final = (("deploy/prometheus/rules", "*.yaml", "rules"), ("deploy/grafana/dashboards", "*.json", "dashboards"))
"""Folders of files that the chart includes, which files, and the folder in the chart's `files` that they are copied to.
Helm reads no file beyond the chart's own folder."""


def default_values() -> dict[str, Any]:
    """Return the chart's own values."""
    values: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return values


def schema() -> dict[str, Any]:
    """Return the schema of the values, with the gateway's settings as they are now."""
    text = (CHART / "values.schema.json").read_text()
    return add_settings(json.loads(text), tuple(default_values()["settings"]))


def examples() -> dict[str, Path]:
    """Return the example files of values by name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.yaml"))}


def chart_files() -> dict[Path, str]:
    """Return the text that each file of the chart should have which follows from others."""
    values_schema, readme = schema(), CHART / "README.md"
    return {
        **shipped_copies(),
        CHART / "values.schema.json": json.dumps(values_schema, indent=2, ensure_ascii=False) + "\n",
        readme: replace_table(readme.read_text(), values_schema, default_values()),
    }


def shipped_copies() -> dict[Path, str]:
    """Return the text of each rule and dashboard by the path of its copy in the chart."""
    return {
        CHART / "files" / folder / path.name: path.read_text()
        for source, pattern, folder in SHIPPED
        for path in sorted((ROOT / source).glob(pattern))
    }


def stray_copies() -> list[Path]:
    """Return the copies in the chart whose originals are gone."""
    copies = shipped_copies()
    return [path for path in sorted((CHART / "files").glob("*/*")) if path not in copies and path.name != ".gitkeep"]


def golden_text(rendered: str) -> str:
    """Return what is rendered without the text of rules and dashboards, which are files of their own."""
    documents = []
    for document in rendered.split("\n---\n"):
        is_dashboard = "kind: ConfigMap\n" in document and "app.kubernetes.io/component: metrics\n" in document
        member = "\nspec:\n" if "kind: PrometheusRule\n" in document else "\ndata:\n" if is_dashboard else ""
        documents.append(document.split(member)[0] if member else document)
    return "\n---\n".join(documents).rstrip("\n") + "\n"


def write_chart() -> list[str]:
    """Write the files that differ from what they should be; remove copies without an original. Return their paths."""
    written = _write(chart_files())
    for path in stray_copies():
        path.unlink()
        written.append(path)
    rendered = {GOLDEN / f"{name}.yaml": golden_text(render(path)) for name, path in examples().items()}
    return [str(path.relative_to(ROOT)) for path in written + _write(rendered)]


def _write(texts: dict[Path, str]) -> list[Path]:
    changed = {path: text for path, text in texts.items() if not path.exists() or path.read_text() != text}
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(changed)
