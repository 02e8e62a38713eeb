"""The picture."""

from pathlib import Path

import pytest

from benchmarks.measuring import Cell
from benchmarks.plot import draw

pytestmark = pytest.mark.slow


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    cells = [
        Cell(query, size, endpoint, [float(size), size + 1.0], 1, 1.0, 1.0, 1.0, 1.0)
        for query in ("dashboard", "trends")
        for size in (1, 50)
        for endpoint in ("floor", "gateway")
    ]
    draw(cells, tmp_path / "results.png")
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")
