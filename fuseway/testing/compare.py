"""Comparing answers: the first place where two of them differ, and both values."""

from __future__ import annotations

import json
from math import isclose
from typing import Any

_MAX_SHOWN = 200
"""Characters of a value in a message."""
_ABSENT = "(nothing)"
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
"""How far floats may differ: their sums depend on the order in which a database adds."""


def difference(first: Any, second: Any, path: str = "", *, is_part: bool = False) -> tuple[str, Any, Any] | None:
    """Return the first place where two JSON values differ, with the values there; None where they are the same.

    With `is_part`, objects of the second may have more members than those of the first.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        names = first if is_part else first | second
        places: Any = (
            (f"{path}.{name}" if path else name, first.get(name, _ABSENT), second.get(name, _ABSENT)) for name in names
        )
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = zip(first, second, strict=True)
        places = ((f"{path}.{place}" if path else str(place), left, right) for place, (left, right) in enumerate(pairs))
    elif isinstance(first, float) and isinstance(second, float):
        same = isclose(first, second, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
        return None if same else (path, first, second)
    else:
        return None if type(first) is type(second) and first == second else (path, first, second)
    differences = (difference(left, right, place, is_part=is_part) for place, left, right in places)
    return next((each for each in differences if each is not None), None)


def describe(place: tuple[str, Any, Any], first: str, second: str) -> str:
    """Return lines that name the place and both values; `first` and `second` say what these are."""
    path, left, right = place
    return f"  at {path or 'the top'}\n    {first}: {shown(left)}\n    {second}: {shown(right)}"


def shown(value: Any) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
