"""Time against the number of ids, as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws to a file; no display is asked for

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.asking import FLOOR, GATEWAY, STOCK
from benchmarks.measuring import Cell

_STYLE = {FLOOR: ("#8a8a8a", "o"), STOCK: ("#c8553d", "s"), GATEWAY: ("#1f6fb2", "^")}


def draw(cells: Sequence[Cell], path: Path) -> None:
    """A panel a query: medians with the 95th percentile above them, both axes logarithmic."""
    queries = list(dict.fromkeys(cell.query for cell in cells))
    figure, panels = plt.subplots(1, len(queries), figsize=(4.2 * len(queries), 3.8), squeeze=False, sharey=True)
    for panel, query in zip(panels[0], queries, strict=True):
        _panel(panel, query, [cell for cell in cells if cell.query == query])
    panels[0][0].set_ylabel("milliseconds: median, and 95th percentile")
    figure.tight_layout()
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _panel(panel: Axes, query: str, cells: Sequence[Cell]) -> None:
    for name, (colour, marker) in _STYLE.items():
        drawn = sorted((cell for cell in cells if cell.endpoint == name), key=lambda cell: cell.size)
        medians = [cell.median_ms for cell in drawn]
        above = [max(0.0, cell.p95_ms - cell.median_ms) for cell in drawn]
        if drawn:
            errors = [[0.0] * len(above), above]
            sizes = [cell.size for cell in drawn]
            panel.errorbar(sizes, medians, errors, color=colour, marker=marker, label=name, capsize=3, linewidth=1.5)
    panel.set(xscale="log", yscale="log", title=query, xlabel="ids")
    panel.grid(visible=True, which="both", linewidth=0.3)
    panel.legend()
