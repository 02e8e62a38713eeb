"""Python in SQL: values that an f-string wrote as Python shows them, operators of Python, and descriptions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from loaders.model.databases import Kind
from loaders.model.sql_functions import names_in
from loaders.model.sql_words import SQLWord, words

_LABEL = re.compile(r"([^\W\d]\w*)\.([^\W\d]\w*)")
_OBJECT = re.compile(r"<(?:class|function|module|bound method|built-in|member) |<[^<>]* at 0x[0-9a-f]+>")
_DAY = re.compile(r"(?<![\w.'-])[12]\d{3}-\d{2}-\d{2}(?![\w'])")
_UUID = re.compile(r"(?<![\w'-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w'-])", re.IGNORECASE)
_BEFORE_INDEX = frozenset({")", "]", "array", "[", ","})
"""Words before a [ in PostgreSQL, beside names: elsewhere, a list begins that Python wrote."""
_SQL_WORDS = names_in(
    """
    all and any array as asc at between both by case cast collate cross current date day desc distinct double
    else end escape except exclude exists extract false filter first following for from full global group having
    hour ignore ilike in inner interval is join last lateral leading left like local minute mod month natural no
    not null nulls on or order others outer over overlaps partition position preceding precision prewhere range
    respect right row rows select set similar some symmetric then ties time timestamp to trailing true unbounded
    union unique unknown using values varying when where window with within without year zone xor div second
    week quarter
    """
)
"""Words that stand beside names in an expression; without them, names in a row are the words of a sentence."""

_ENGLISH = frozenset({"of", "the", "per", "how", "that"})
"""Words that no expression has between its names."""


def python_mistakes(sql: str, kind: Kind, enums: Mapping[str, type[Enum]]) -> Iterator[tuple[int, str]]:
    """Yield offset and text of what Python wrote into SQL, and of operators that a kind of database lacks.

    `enums` are those of the model's modules, by their names.
    """
    result = words(sql)
    yield from _labels(result, enums)
    yield from _operators(result, kind)
    if kind is Kind.POSTGRES:
        yield from _lists(result)
    bare = "".join(" " * len(word.text) if word.kind == "text" else word.text for word in _padded(result))
    for match in _OBJECT.finditer(bare):
        yield match.start(), "an object of Python stands in the SQL: write SQL, or a reference such as {table.all}."
    for match in _DAY.finditer(bare):
        yield (
            match.start(),
            f"the day {match.group()} stands without quotes, and is a subtraction: write '{match.group()}'.",
        )
    for match in _UUID.finditer(bare):
        yield match.start(), f"a UUID stands without quotes: write '{match.group()}'."
    for word in result:
        if word.text == "None":
            yield word.offset, "None is Python's: write null."


def _padded(result: Sequence[SQLWord]) -> Iterator[SQLWord]:
    """Yield the words, and one of blanks for each gap between two, so that offsets stay."""
    end = 0
    for word in result:
        yield SQLWord("space", " " * (word.offset - end), end)
        yield word
        end = word.offset + len(word.text)


def _labels(result: Sequence[SQLWord], enums: Mapping[str, type[Enum]]) -> Iterator[tuple[int, str]]:
    for word in result:
        match = _LABEL.fullmatch(word.text) if word.kind == "name" else None
        member = enums[match[1]].__members__.get(match[2]) if match is not None and match[1] in enums else None
        if member is not None:
            yield word.offset, f"{word.text} is an enum of Python: write the label, '{member.value}'."


def _operators(result: Sequence[SQLWord], kind: Kind) -> Iterator[tuple[int, str]]:
    """Yield operators of Python and of C that the database does not have, or not for these operands."""
    before, is_postgres = SQLWord("other", "", 0), kind is Kind.POSTGRES
    for word, following in itertools.pairwise([*result, SQLWord("other", "", 0)]):
        both = word.text + following.text if following.offset == word.offset + 1 else word.text
        if both == "==" and before.text not in ("=", "<", ">", "!") and is_postgres:
            yield word.offset, "== is no operator of PostgreSQL: write =."
        elif both == "&&" and not is_postgres:
            yield word.offset, "&& is no operator of ClickHouse: write and."
        elif both in ("**", "//"):
            yield (
                word.offset,
                f"{both} is no operator of SQL: write {'power(…)' if both == '**' else 'a division with /'}.",
            )
        before = word
    yield from _conjunctions(result) if is_postgres else ()


def _conjunctions(result: Sequence[SQLWord]) -> Iterator[tuple[int, str]]:
    """Yield `&&` beside a number or a truth value: PostgreSQL has it for arrays, ranges, shapes and searches alone."""
    for place, word in enumerate(result[:-1]):
        if word.text != "&" or result[place + 1].text != "&":
            continue
        sides = [*result[max(0, place - 1) : place], *result[place + 2 : place + 3]]
        if any(side.kind == "number" or side.lower in ("null", "true", "false") for side in sides):
            yield word.offset, "&& is PostgreSQL's for arrays and ranges: write and."


def _lists(result: Sequence[SQLWord]) -> Iterator[tuple[int, str]]:
    before = SQLWord("other", "", 0)
    for place, word in enumerate(result):
        is_index = before.kind in ("name", "reference") and before.lower not in _SQL_WORDS - {"array"}
        if word.text == "[" and not is_index and before.text not in _BEFORE_INDEX:
            yield word.offset, "a list of Python stands in the SQL: write in ('a', 'b'), or array['a', 'b']."
        elif word.text == "," and place + 1 < len(result) and result[place + 1].text == ")":
            yield word.offset, "a comma has nothing behind it: leave it out."
        before = word


def description_mistake(sql: str, description: object) -> str:
    """Return what is wrong with a sentence in the place of an expression, or an empty text."""
    result = words(sql)
    if not result or not _is_sentence(result):
        return ""
    is_swapped = isinstance(description, str) and "(" in description and not description.rstrip().endswith(".")
    hint = (
        " the SQL stands first, the description second." if is_swapped else " write SQL, and the description behind it."
    )
    return f'"{sql}" is a sentence and no SQL:{hint}'


def _is_sentence(result: Sequence[SQLWord]) -> bool:
    """Return whether a text ends with a full stop behind a word, or has three words in a row that are not SQL's."""
    if len(result) > 1 and result[-1].text == "." and result[-2].kind == "name":
        return True
    lowered = [word.lower for word in result]
    if any(word in _ENGLISH and 0 < place < len(result) - 1 for place, word in enumerate(lowered)):
        return all(word.kind == "name" for word in result[:-1])
    plain = [word.kind == "name" and "." not in word.text and word.lower not in _SQL_WORDS for word in result]
    return any(all(plain[place : place + 3]) for place in range(len(plain) - 2))
