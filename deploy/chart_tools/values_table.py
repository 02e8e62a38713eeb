"""The table of the chart's values in its README."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

BEGIN: Final = "<!-- values: written by make chart -->"
END: Final = "<!-- end of values -->"
_DESCRIBED_ELSEWHERE: Final = ("settings", "secretSettings")
"""Their members are those of docs/settings.md."""


def replace_table(readme: str, schema: dict[str, Any], values: dict[str, Any]) -> str:
    """Return the README with the table of the values between its two markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{values_table(schema, values)}\n{END}{after}"


def values_table(schema: dict[str, Any], values: dict[str, Any]) -> str:
    """Return a table in Markdown: each value with its default and what it is for."""
    lines = ["| value | default | what for |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {_default(default)} | {about} |" for name, default, about in rows(schema, values)]
    return "\n".join(lines) + "\n"


def rows(schema: dict[str, Any], values: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield the path, the default and the description of each value, groups before their members.

    The default of a group is None, and so is that of what is within a list or a mapping.
    """
    for name, item in schema.get("properties", {}).items():
        path, default = f"{prefix}{name}", values.get(name) if isinstance(values, dict) else None
        has_members = "properties" in item and name not in _DESCRIBED_ELSEWHERE
        yield path, None if has_members else default, item["description"]
        if has_members:
            yield from rows(item, default, f"{path}.")
        if isinstance(item.get("items"), dict):
            yield from rows(item["items"], None, f"{path}[].")


def _default(value: Any) -> str:
    """Return a default as JSON; nothing where there is none."""
    return "" if value is None or value == "" else f"`{json.dumps(value)}`"
