"""How much memory the docs say that a gateway takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from gateway.settings import Settings

ROOT: Final = Path(__file__).parents[2]
MIB: Final = 1 << 20
_PAGES: Final = ("docs/operations.md", "docs/deploy.md", "deploy/chart/README.md")
_ROW: Final = re.compile(
    r"[Ff]or each worker:? `GATEWAY_CACHE_MIB`(?: \(\d+\))?, `GATEWAY_RESPONSE_CACHE_MIB`(?: \(\d+\))? and (\d+) MiB"
)


def worker_mib() -> int:
    """Return what a worker takes beside its caches, which all pages say alike."""
    (figure,) = {int(figure) for page in _PAGES for figure in _figures(page)}
    return figure


def _figures(page: str) -> list[str]:
    figures = _ROW.findall((ROOT / page).read_text())
    assert figures, f"{page} does not say what memory a worker takes"
    return figures


def needed_bytes(settings: Settings) -> int:
    """Return what all workers of a gateway take."""
    return settings.workers * (settings.cache_mib + settings.response_cache_mib + worker_mib()) * MIB
