"""The size of a document's text and the price of reading it, found out before it is parsed."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_COMMENTS = 1_000
"""Comments in a document; the parser makes a token of each."""

MAX_LINES = 5_000
"""Lines of a document. To locate an error in it, all lines before are counted: a third of a microsecond each."""

_LEXEME = re.compile(
    r"""
    [ \t\n\r,\ufeff]*+
    (?:
        (?P<comment> \#[^\n\r]*+ )
      | \"\"\" (?: [^"\\]++ | \\(?:\"\"\")? | "(?!"") )*+ (?:\"\"\")?
      | " (?: [^"\\\n\r]++ | \\[^\n\r] )*+ "?
      | [_A-Za-z][_0-9A-Za-z]*+
      | -?[0-9]++ (?:\.[0-9]++)? (?:[eE][+-]?[0-9]++)?
      | \.\.\.
      | [^ \t\n\r,\ufeff]
      | (?P<end> \Z )
    )
    """,
    re.VERBOSE,
)
"""A token or comment, with the ignored characters before it. The pattern never backtracks: a scan takes linear time."""

_POINTS_A_DOCUMENT = 30
_POINTS_A_TOKEN = 3
"""Parsing and validating real documents takes 30 to 40 microseconds per token. Hostile ones take less, except for the
comparisons that `gateway.validation` meters."""
_COMMENTS_A_POINT = 4
_CHARACTERS_A_POINT = 60
"""The lexer looks at each character, those of comments and strings and ignored ones too: 60 to 230 nanoseconds each."""
_ESCAPES_A_POINT = 16
"""Escapes a point, in addition to their characters."""
_LINES_A_POINT = 10
"""Lines a point, in addition to their characters: validation locates up to five errors."""


class DocumentScan(NamedTuple):
    """Size and price of a text. `tokens` counts comments, as the parser does, and stops one past what was allowed."""

    tokens: int
    points: int
    lines: int


def scan(text: str, max_tokens: int) -> DocumentScan:
    """Scan a text. Of one with too many tokens or comments, the rest is not looked at."""
    tokens = comments = 0
    for lexeme in _LEXEME.finditer(text):
        kind = lexeme.lastgroup
        if kind is None:
            tokens += 1
        elif kind == "comment":
            comments += 1
        if tokens + comments > max_tokens or comments > MAX_COMMENTS:
            break
    points = _POINTS_A_DOCUMENT + _POINTS_A_TOKEN * tokens + comments // _COMMENTS_A_POINT
    lines = 1 + text.count("\n") + text.count("\r")
    points += (lines - 1) // _LINES_A_POINT
    points += len(text) // _CHARACTERS_A_POINT + text.count("\\") // _ESCAPES_A_POINT
    return DocumentScan(tokens + comments, points, lines)
