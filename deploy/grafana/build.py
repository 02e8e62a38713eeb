"""Write the dashboards of Grafana: `python -m deploy.grafana.build` after a change of their definitions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.definitions.cache import cache
from deploy.grafana.definitions.executor import executor
from deploy.grafana.definitions.overview import overview
from deploy.grafana.definitions.rate_limits import rate_limits
from deploy.grafana.definitions.stores import stores

FOLDER: Final = Path(__file__).parent / "dashboards"
DASHBOARDS: Final[dict[str, Callable[[], Dashboard]]] = {
    "overview": overview,
    "stores": stores,
    "cache": cache,
    "rate-limits": rate_limits,
    "executor": executor,
}
"""Each dashboard by the name of its file."""


def built() -> dict[str, str]:
    """Return the text of each dashboard's file, by its name."""
    return {f"{name}.json": _text(definition().build()) for name, definition in DASHBOARDS.items()}


def _text(dashboard: object) -> str:
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in built().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
