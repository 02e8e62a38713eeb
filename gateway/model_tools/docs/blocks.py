"""The blocks that a page of documentation is made of. Texts are plain: the writers of Markdown and HTML escape them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_BACKTICKS = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Code:
    """A name or a piece of SQL within a text."""

    text: str


@dataclass(frozen=True, slots=True)
class TypeLink:
    """A type in GraphQL within a text, such as `[Customer]!`; it leads to the heading of `name` if there is one."""

    text: str
    name: str


Inline = str | Code | TypeLink
Text = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a level from 1."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    text: Text


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each row has a text for each word of the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Lines of code."""

    language: str
    text: str


Block = Heading | Paragraph | Table | CodeBlock


def table(head: Sequence[str], rows: Iterable[Sequence[Text]]) -> Iterator[Table]:
    """Yield a table without the columns that are empty in all rows; nothing where there are no rows."""
    lines = [tuple(row) for row in rows]
    places = [place for place in range(len(head)) if any(row[place] for row in lines)]
    if lines:
        shown = tuple(tuple(row[place] for place in places) for row in lines)
        yield Table(tuple(head[place] for place in places), shown)


def prose(text: str) -> Text:
    """Return a text in which the parts in backticks are code, as descriptions in GraphQL have it."""
    parts = _BACKTICKS.split(text)
    return tuple(Code(part) if place % 2 else part for place, part in enumerate(parts) if part)


def joined(texts: Iterable[Inline | Text], separator: str = ", ") -> Text:
    """Return texts with a separator between them."""
    result: list[Inline] = []
    for text in texts:
        result += [separator] if result else []
        result += text if isinstance(text, tuple) else (text,)
    return tuple(result)


def anchors(blocks: Iterable[Block]) -> dict[int, str]:
    """Return the anchors of the headings by their places among the blocks, as GitHub makes them of the headings."""
    result: dict[int, str] = {}
    taken: dict[str, int] = {}
    for place, block in enumerate(blocks):
        if isinstance(block, Heading):
            slug = re.sub(r"[^\w\- ]", "", block.text.lower()).replace(" ", "-")
            count = taken.get(slug, 0)
            taken[slug] = count + 1
            result[place] = f"{slug}-{count}" if count else slug
    return result


def anchors_by_heading(blocks: Sequence[Block]) -> dict[str, str]:
    """Return the anchors of the headings of types, those below the second level, by their texts."""
    result: dict[str, str] = {}
    for place, anchor in anchors(blocks).items():
        heading = blocks[place]
        if isinstance(heading, Heading) and heading.level > 2:
            result.setdefault(heading.text, anchor)
    return result
