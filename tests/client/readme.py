"""The code that the client's README shows."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "clients" / "python"
URL = "http://127.0.0.1:8000/graphql"
"""The gateway of the examples."""

_BLOCK = re.compile(r"```(?P<language>python|toml|graphql)\n(?:# (?P<name>[\w.]+)\n)?(?P<code>.*?)```", re.DOTALL)
_BLOCKS = [(block["name"], block["code"]) for block in _BLOCK.finditer((FOLDER / "README.md").read_text())]


def files(url: str) -> dict[str, str]:
    """The files by their names, for a gateway elsewhere."""
    return {name: code.replace(URL, url) for name, code in _BLOCKS if name}


def programs(url: str) -> list[str]:
    """The programs that are not in a file, for a gateway elsewhere."""
    return [code.replace(URL, url) for name, code in _BLOCKS if not name]
