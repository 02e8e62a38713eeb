"""The shipped Compose file as Docker Compose reads it, with secrets that are made as docs/deploy.md says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.deploy.programs import leave_out

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "compose"
PAGE: Final = ROOT / "docs" / "deploy.md"
_PROGRAM: Final = Path(sys.prefix) / "deploy" / "compose" / "src" / "compose" / "docker-compose"


def docker_compose() -> str:
    """Return the path of Docker Compose. Without it the test is skipped."""
    if sys.platform != "linux" or not _PROGRAM.exists():
        leave_out("Docker Compose is not installed: `make test-deploy` installs it, on Linux")
    return str(_PROGRAM)


def blocks(language: str) -> list[str]:
    """Return the blocks of code in a language below the page's heading "Docker and Compose"."""
    _, _, rest = PAGE.read_text().partition("\n## Docker and Compose\n")
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)


def filled_environment(folder: Path) -> Path:
    """Run the page's commands that write .env in a copy of the folder, and return the file."""
    shutil.copy(FOLDER / ".env.example", folder)
    block = next(block for block in blocks("sh") if ".env.example" in block)
    lines = [line for line in block.splitlines() if "docker" not in line and not line.startswith("cd ")]
    subprocess.run(["sh", "-euc", "\n".join(lines)], cwd=folder, check=True)
    return folder / ".env"


def configuration(environment: Path, *files: Path) -> dict[str, Any]:
    """Return what Docker Compose makes of these files. Raises CalledProcessError where it refuses them."""
    named = [word for file in files for word in ("--file", str(file))]
    command = [docker_compose(), "--env-file", str(environment), *named, "config", "--format", "json"]
    variables = {"PATH": "/usr/bin:/bin"}  # this process's own would take the place of the file's
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        print(result.stderr)
        result.check_returncode()
    value: dict[str, Any] = json.loads(result.stdout)
    return value
