"""Statements as text: where the data of an insert begins, which format answers, which query a KILL means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_INSERT: Final = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*insert\s", re.IGNORECASE | re.DOTALL)
_KILL: Final = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*kill\s+query\s", re.IGNORECASE | re.DOTALL)
_TOKEN: Final = re.compile(
    rb"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|--[^\n]*|/\*.*?\*/|[()]
    |(?<![\w.])(?:format\s+(?P<format>\w+)|values\b|select\b|with\b)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_BLANKS_AND_LINE_END: Final = re.compile(rb"[ \t\f\r]*\n?")
_LAST_FORMAT: Final = re.compile(rb"\bformat\s+(\w+)\s*(?:settings\s[^;']*)?$", re.IGNORECASE)
_QUERY_ID: Final = re.compile(rb"\bquery_id\b", re.IGNORECASE)
_SAFE_QUERY_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
# How KILL finds a query by the id that its client gave: the engine has ids of its own, but keeps the statement's text.
_MARKED_ID: Final = b"extract(query, '/[*]query_id:([^*]*)[*]/$')"


@dataclass(frozen=True, slots=True)
class Insert:
    """An insert that carries its data: `head` is the statement without FORMAT or VALUES, `data` a view of the rest."""

    head: str
    format: str
    data: memoryview


def parse_insert(text: bytes) -> Insert | None:
    """Return the insert in `text`, or None where it is another statement or an insert from a query."""
    begin = _INSERT.match(text)
    if begin is None:
        return None
    depth = 0
    for token in _TOKEN.finditer(text, begin.end()):
        word = token[0][:6].lower()
        depth += (word == b"(") - (word == b")")
        if depth or word in (b"(", b")") or word[:1] in b"'\"`-/":
            continue
        if word == b"values":
            return _insert(text, token.start(), "Values", token.end())
        name = token["format"]
        if name is None:
            return None
        blanks = _BLANKS_AND_LINE_END.match(text, token.end())
        return _insert(text, token.start(), name.decode(), blanks.end() if blanks else token.end())
    return None


def _insert(text: bytes, head_end: int, data_format: str, data_start: int) -> Insert:
    head = text[:head_end].decode(errors="surrogateescape")
    return Insert(head, data_format, memoryview(text)[data_start:])


def without_end(text: bytes) -> bytes:
    """`text` without the semicolon and blanks at its end."""
    return text.rstrip().rstrip(b";").rstrip()


def output_format(text: bytes, default: str) -> str:
    """Return the format that a statement (as `without_end` leaves it) answers in: its FORMAT clause wins."""
    result = _LAST_FORMAT.search(text, max(0, len(text) - 1000))
    return result[1].decode() if result else default


def marker(query_id: str) -> bytes:
    """A comment for a statement's end that names the query; empty for an id that could end the comment."""
    return b"\n/*query_id:%s*/" % query_id.encode() if _SAFE_QUERY_ID.fullmatch(query_id) else b""


def is_kill(text: bytes) -> bool:
    """Return whether the statement is KILL QUERY."""
    return _KILL.match(text) is not None


def kill_by_marker(text: bytes) -> bytes:
    """Return a KILL QUERY whose `query_id` means the ids that clients gave."""
    return _QUERY_ID.sub(lambda _: _MARKED_ID, text)


def kill_statement(query_id: str) -> bytes:
    """Return the statement that ends one query; a safe id needs no escaping."""
    return b"kill query where %s = '%s' async" % (_MARKED_ID, query_id.encode())
