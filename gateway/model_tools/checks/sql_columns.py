"""Columns that SQL of a model names, as far as that can be told without a parser."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loaders.model.sql_words import SQLWord, words

_UNKNOWN = frozenset({"select", "with", "columns", "lambda"})
"""Words by which SQL may name what is no column of its rows: it is not looked at then."""
_WORDS_TEXT = """
all and any array as asc asof at between both by case cast collate cross current current_catalog current_date
current_role current_schema current_time current_timestamp current_user day days default desc distinct div else end
epoch escape except exclude false fetch filter first following for from full global group groups having hour hours
ignore ilike in inner interval intersect into is isnull isodow isoyear join last lateral leading left like limit
localtime localtimestamp microseconds millennium milliseconds minute minutes mod month months natural not notnull
null nulls offset on only or order ordinality outer over overlaps overlay partition placing position precision
preceding quarter quarters range regexp respect rlike right row rows second seconds separator session_user similar
some symmetric system_user then ties time timestamp timestamptz timezone to trailing true unbounded union unknown
user using values varying week weeks when where window with within without year years zone dow doy century decade
bigint bit boolean bool bpchar bytea char character cidr date decimal double float float4 float8 inet int int2 int4
int8 integer json jsonb name numeric real smallint text uuid varchar inf nan
"""
_WORDS = frozenset(_WORDS_TEXT.split())
"""Words of SQL and names of PostgreSQL's types, in lower case. Names of ClickHouse's types begin with a capital."""
_COLUMN = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|([^\W\d][\w$]*)')


def named_columns(sql: str) -> Iterator[str]:
    """Yield the names in an expression that can be nothing but columns of its rows; none where that is not clear.

    Functions, types, words of SQL, parameters of lambdas and names that the SQL makes are no columns, and names with a
    table before them are not looked at.
    """
    every = words(sql)
    texts = [word.lower for word in every]
    if not _UNKNOWN.isdisjoint(texts):
        return
    made = set(_made_names(texts))
    for place, word in enumerate(every):
        before, behind = texts[place - 1] if place else "", texts[place + 1] if place + 1 < len(texts) else ""
        match = _COLUMN.fullmatch(word.text) if word.kind == "name" else None
        is_other = behind == "(" or behind.startswith("'") or before in ("as", ":", "collate", ".")
        if match is not None and not is_other:
            name = _name(match)
            if word.lower not in made and not (match.group(3) and _is_word(word)):
                yield name


def _name(match: re.Match[str]) -> str:
    quoted, ticked, plain = match.groups()
    return quoted.replace('""', '"') if quoted is not None else ticked or plain


def _is_word(word: SQLWord) -> bool:
    return word.lower in _WORDS or word.text[0].isupper()


def _made_names(texts: list[str]) -> Iterator[str]:
    """Yield names that the SQL itself makes: by `as`, and the parameters of lambdas."""
    for place, text in enumerate(texts):
        if text == "as" and place + 1 < len(texts):
            yield texts[place + 1]
        elif text == "-" and texts[place + 1 : place + 2] == [">"]:
            start = place - 1
            if texts[start] != ")":
                yield texts[start]
            while start > 0 and texts[place - 1] == ")" and texts[start] != "(":
                start -= 1
                yield texts[start]
