"""SQL that must not be sent to a database, found without a parser.

Databases parse the SQL that a model holds. Where two of them would read a text in different ways, the text is refused,
so that it means the same here as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loaders.model.sql_words import SQLWord, all_words, words

_OPENING, _CLOSING = {"(": ")", "[": "]"}, frozenset(")]")
_LOCKS = frozenset({"update", "share", "no", "key"})
_STATEMENTS = frozenset(
    {"insert", "update", "delete", "merge", "drop", "alter", "create", "truncate", "grant", "copy", "call", "attach"}
)

MISSING_F = "a brace stands in the SQL: is the f in front of the text missing? A map is written map(…)"
_NOTHING = SQLWord("other", "", 0)
"""Stands before the first word and after the last one."""


def syntax_mistakes(sql: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of what must not be sent: what databases read in different ways, and what changes them."""
    for word in all_words(sql):
        message = _character_mistake(word, sql)
        if message:
            yield word.offset, message
    yield from _bracket_mistakes(words(sql))
    yield from _statement_mistakes(words(sql))


def _character_mistake(word: SQLWord, sql: str) -> str:
    """Return what is wrong with one word for itself, or an empty text."""
    following = sql[word.offset + len(word.text) :][:1]
    if word.kind == "space" and "\r" in word.text.replace("\r\n", ""):
        return "a carriage return stands alone: databases disagree on whether a line ends there"
    if word.kind == "comment" and ("/*" in word.text[2:] or "\r" in word.text.rstrip("\r")):
        return "a comment has another one, or a carriage return, in it: databases disagree on where it ends"
    if word.kind == "name" and "\\" in word.text:
        return "a quoted name has a backslash: databases disagree on what it stands for"
    if word.lower == "u" and following == "&" and sql[word.offset + 2 :][:1] in ("'", '"'):
        return "write the characters themselves instead of U& and their numbers"
    return _other_mistake(word.text, following) if word.kind == "other" else ""


def _other_mistake(character: str, following: str) -> str:
    if character == "'":
        return "a quote is not closed. A quote inside of a text is written ''"
    if character in ('"', "`"):
        return "a quote is not closed"
    if character in "{}":
        return MISSING_F
    if character == "$":
        return "write texts in '…' and arguments as references: a $ stands for a text or for a bound value"
    if character == ";":
        return "a ; ends the statement: a fragment is a part of one"
    if character == "#" and following in ("", "!", " ", "\t", "\n"):
        return "a # begins a comment in ClickHouse: write -- instead"
    if character + following in ("/*", "*/"):
        return "a comment is not closed, or closes nothing"
    if character == "\\" or not character.isascii() or not character.isprintable():
        return f"the character {character!r} stands outside of quotes"
    return ""


def _bracket_mistakes(result: Sequence[SQLWord]) -> Iterator[tuple[int, str]]:
    expected: list[tuple[str, int]] = []
    for word in result:
        if word.text in _OPENING:
            expected.append((_OPENING[word.text], word.offset))
        elif word.text in _CLOSING and (not expected or expected.pop()[0] != word.text):
            yield word.offset, f"{word.text} closes nothing"
    for bracket, offset in expected:
        yield offset, f"a bracket is not closed: {bracket} is missing"


def _statement_mistakes(result: Sequence[SQLWord]) -> Iterator[tuple[int, str]]:
    for before, word, after, third in _neighbours(result):
        begins = before.text in ("", "(") and after.kind == "name"
        if word.kind == "name" and (word.lower == "into" or (word.lower in _STATEMENTS and begins)):
            yield word.offset, f"{word.text} changes something: a model only reads"
        elif word.lower == "for" and after.lower in _LOCKS:
            yield word.offset, "for locks rows: a model only reads"
        elif word.lower == "settings" and after.kind == "name" and third.text == "=":
            yield word.offset, "settings are the gateway's: leave them out"


def _neighbours(result: Sequence[SQLWord]) -> Iterator[tuple[SQLWord, SQLWord, SQLWord, SQLWord]]:
    """Yield each word behind the one before it and before the two after it."""
    padded = [_NOTHING, *result, _NOTHING, _NOTHING]
    return zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
