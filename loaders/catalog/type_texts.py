"""Texts of ClickHouse's types and keys, taken apart: brackets and quotes are whole, whatever is in them."""

from __future__ import annotations

import re

_PART = re.compile(
    r"""'(?:[^'\\]|\\.|'')*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" | [^()\[\],'`"]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_LABEL = re.compile(r"'((?:[^'\\]|\\.|'')*)'\s*=\s*-?\d+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_WRAPPER = re.compile(r"(LowCardinality|Nullable|SimpleAggregateFunction)\((.*)\)", re.DOTALL)


def split_list(text: str) -> tuple[str, ...]:
    """Return the items of a list with commas between them, in order; those within brackets or quotes do not count."""
    items, depth = [""], 0
    for part in _PART.findall(text):
        depth += (part in ("(", "[")) - (part in (")", "]"))
        if part == "," and not depth:
            items.append("")
        else:
            items[-1] += part
    return tuple(item.strip() for item in items if item.strip())


def unwrapped(type_text: str) -> tuple[str, bool]:
    """Return the type of the values themselves, and whether they may be null.

    `LowCardinality(Nullable(String))` is `String` and nullable; that of a simple aggregate function is what it answers.
    """
    is_nullable = False
    while match := _WRAPPER.fullmatch(type_text):
        is_nullable = is_nullable or match.group(1) == "Nullable"
        type_text = split_list(match.group(2))[-1]
    return type_text, is_nullable


def enum_labels(type_text: str) -> tuple[str, ...]:
    """Return the labels of the enum in a type, in its order; none where there is none."""
    start = re.search(r"\bEnum(?:8|16)?\(", type_text)
    if start is None:
        return ()
    return tuple(_ESCAPE.sub(_unescaped, label) for label in _LABEL.findall(type_text, start.end()))


def _unescaped(match: re.Match[str]) -> str:
    letter = match.group(1)
    return "'" if letter is None else _ESCAPED.get(letter, letter)
