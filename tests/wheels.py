"""The gateway's wheel, as an installation gets it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("fuseway", "fuseway_pytest", "gateway", "resolvers", "loaders", "deploy")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
OFFLINE = ("--no-deps", "--no-index")


def build_wheel(folder: Path) -> Path:
    """Build the wheel in a folder, without a registry; returns its path."""
    source = folder / "source"
    source.mkdir()
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    wheels = ("wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    subprocess.run([*PIP, *wheels], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel
