"""SQL that must not be sent to a database, found without a parser.

Databases parse the SQL that a model holds. Where two of them would read a text in different ways, the text is refused,
so that it means the same here as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from loaders.model.sql_words import SQLWord, all_words, words

_OPENING, _CLOSING = {"(": ")", "[": "]"}, frozenset(")]")
_FORBIDDEN = frozenset(
    {"catboostevaluate", "currval", "evalmlmethod", "executable", "file", "generateserialid", "input", "lastval"}
    | {"mergetreeindex", "nextval", "pg_notify", "set_config", "setval", "ts_rewrite", "ts_stat", "xpath_table"}
    | {"current_setting"}
)
_FORBIDDEN_PREFIXES = (
    *("dictget", "dicthas", "dictisin", "joinget", "sleep", "remote", "cluster"),
    *("query_to_", "table_to_", "cursor_to_", "schema_to_", "database_to_", "dblink", "lo_", "crosstab", "connectby"),
    *("pg_read_", "pg_ls_", "pg_stat_file", "pg_sleep", "pg_advisory", "pg_try_advisory", "pg_terminate", "pg_cancel"),
    *("pg_logical", "pg_create", "pg_drop", "pg_switch", "pg_reload", "pg_rotate", "pg_export", "pg_relation_"),
    *("pg_table_", "pg_total_"),
)
"""Functions that read tables or files which the gateway cannot see in the SQL, change something, or wait."""
_IN_AS_FUNCTION = re.compile(r"(?:global)?(?:not)?(?:null)?in(?:ignoreset)?")
"""ClickHouse takes the name of a table as the last argument of these; `in` itself is looked at as an operator."""
_LOCKS = frozenset({"update", "share", "no", "key"})
_STATEMENTS = frozenset(
    {"insert", "update", "delete", "merge", "drop", "alter", "create", "truncate", "grant", "copy", "call", "attach"}
)


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
        return "a brace stands in the SQL: is the f in front of the text missing? A map is written map(…)"
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


def _bracket_mistakes(found: Sequence[SQLWord]) -> Iterator[tuple[int, str]]:
    expected: list[tuple[str, int]] = []
    for word in found:
        if word.text in _OPENING:
            expected.append((_OPENING[word.text], word.offset))
        elif word.text in _CLOSING and (not expected or expected.pop()[0] != word.text):
            yield word.offset, f"{word.text} closes nothing"
    for bracket, offset in expected:
        yield offset, f"a bracket is not closed: {bracket} is missing"


def _statement_mistakes(found: Sequence[SQLWord]) -> Iterator[tuple[int, str]]:
    for before, word, after, third in _neighbours(found):
        begins = before.text in ("", "(") and after.kind == "name"
        if word.kind == "name" and (word.lower == "into" or (word.lower in _STATEMENTS and begins)):
            yield word.offset, f"{word.text} changes something: a model only reads"
        elif word.lower == "for" and after.lower in _LOCKS:
            yield word.offset, "for locks rows: a model only reads"
        elif word.lower == "settings" and after.kind == "name" and third.text == "=":
            yield word.offset, "settings are the gateway's: leave them out"


def _neighbours(found: Sequence[SQLWord]) -> Iterator[tuple[SQLWord, SQLWord, SQLWord, SQLWord]]:
    """Yield each word behind the one before it and before the two after it."""
    padded = [_NOTHING, *found, _NOTHING, _NOTHING]
    return zip(padded, padded[1:], padded[2:], padded[3:], strict=False)


def forbidden_functions(sql: str) -> Iterator[tuple[int, str]]:
    """Yield offset and name of each function that a model must not call, those of other schemas among them."""
    for before, word, after, third in _neighbours(words(sql)):
        if word.kind != "name" or after.text != "(":
            continue
        if word.lower == "apply" and _is_forbidden(third.lower):
            yield third.offset, third.text
        schema, _, name = word.lower.replace('"', "").replace("`", "").rpartition(".")
        is_elsewhere = before.text == "." or schema not in ("", "pg_catalog")
        if is_elsewhere or _is_forbidden(name):
            yield word.offset, word.text


def _is_forbidden(name: str) -> bool:
    is_in = name != "in" and _IN_AS_FUNCTION.fullmatch(name) is not None
    return is_in or name in _FORBIDDEN or name.startswith(_FORBIDDEN_PREFIXES)
