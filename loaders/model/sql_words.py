"""The words of SQL, without a parser. Fragments are looked at with REFERENCE in the place of each reference."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

REFERENCE = "\ue002"
"""Stands in SQL for a reference while it is looked at: a character that no name has."""
_TOKEN = re.compile(
    r"""(?P<reference>\ue002)|(?P<space>[ \t\r\n]+)|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^'\\]|''|\\[^'])*')
    |(?P<number>(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)(?![\w$]))
    |(?P<name>(?:"(?:[^"]|"")+"|`[^`]+`|\w[\w$]*)(?:\.(?:"(?:[^"]|"")+"|`[^`]+`|\w[\w$]*))*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MAX_CACHED = 100
"""Texts whose words are kept: about ten checks look at each fragment of a model."""


class SQLWord(NamedTuple):
    """A word, quoted text, number or character of SQL, and where it begins."""

    kind: str
    text: str
    offset: int

    @property
    def lower(self) -> str:
        """The word as SQL takes it where it is not quoted."""
        return self.text.lower()


@lru_cache(_MAX_CACHED)
def words(sql: str) -> tuple[SQLWord, ...]:
    """Return the words of SQL, without spaces and comments."""
    return tuple(word for word in all_words(sql) if word.kind not in ("space", "comment"))


def has_comment(sql: str) -> bool:
    """Return whether SQL has a comment, which would hide what the gateway writes behind an expression."""
    return any(word.kind == "comment" for word in all_words(sql))


@lru_cache(_MAX_CACHED)
def all_words(sql: str) -> tuple[SQLWord, ...]:
    """Return the words of SQL, spaces and comments among them."""
    return tuple(SQLWord(match.lastgroup or "other", match.group(), match.start()) for match in _TOKEN.finditer(sql))
