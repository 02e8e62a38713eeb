"""Blocks as Markdown, which GitHub and Python-Markdown read alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.model_tools.docs.blocks import (
    Block,
    Code,
    CodeBlock,
    Heading,
    Inline,
    Paragraph,
    Table,
    Text,
    anchors_by_heading,
)

_SPECIAL = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_AT_START = re.compile(r"^(?:[#+=-]|\d+(?=[.)]))")


def write_markdown(blocks: Sequence[Block]) -> str:
    """Return a page with these blocks, as Markdown."""
    anchors = anchors_by_heading(blocks)
    return "\n\n".join("\n".join(_block(block, anchors)) for block in blocks) + "\n"


def _block(block: Block, anchors: Mapping[str, str]) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"{'#' * block.level} {_escaped(block.text)}"
    elif isinstance(block, Paragraph):
        yield _AT_START.sub(_marked, _text(block.text, anchors))
    elif isinstance(block, CodeBlock):
        fence = "`" * max(3, 1 + _longest_run(block.text))
        yield f"{fence}{block.language}"
        yield block.text
        yield fence
    elif isinstance(block, Table):
        yield f"| {' | '.join(map(_escaped, block.head))} |"
        yield "|" + " --- |" * len(block.head)
        for row in block.rows:
            yield f"| {' | '.join(_text(cell, anchors) for cell in row)} |"


def _text(text: Text, anchors: Mapping[str, str]) -> str:
    return "".join(_inline(part, anchors) for part in text)


def _inline(part: Inline, anchors: Mapping[str, str]) -> str:
    if isinstance(part, str):
        return _escaped(part)
    if isinstance(part, Code):
        return _code(part.text)
    anchor = anchors.get(part.name)
    return f"[{_code(part.text)}](#{anchor})" if anchor else _code(part.text)


def _code(text: str) -> str:
    """Return code within a text. Tables of GitHub and Python-Markdown differ in how they read `|` in backticks."""
    text = " ".join(text.split())
    if not text or "`" in text or "|" in text:
        return f"<code>{_escaped(text).replace(chr(92) + '|', '&#124;')}</code>"
    return f"`{text}`"


def _escaped(text: str) -> str:
    text = re.sub(r"\s*\n\s*", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def _marked(match: re.Match[str]) -> str:
    """Return the start of a paragraph so that it starts no list or heading."""
    text = match[0]
    return f"{text}\\" if text.isdigit() else f"\\{text}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
