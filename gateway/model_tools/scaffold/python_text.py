"""Python text as ruff writes it, for lines of 88 characters and for longer ones: what is broken ends in a comma."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 88
_PIECE = 66
_MAX_LITERAL = 120
_INDENT = "    "


def literal(text: str) -> str:
    """Return a text as Python's literal, in the quotes that ruff would choose."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{shown(escaped)}{quote}"


def formatted(before: str, name: str, after: str) -> str:
    """Return a text as Python's literal with the value of a name between its parts."""
    first, last = (part.replace("{", "{{").replace("}", "}}") for part in (before, after))
    return f"f{literal(f'{first}{{{name}}}{last}')}"


def shown(text: str) -> str:
    """Return a text on one line: what is not printable, such as the end of a line, stands in it by its number."""
    return "".join(mark if mark.isprintable() else _escape(mark) for mark in text)


def call(head: str, arguments: Sequence[str], *, indent: int = 0, tail: str = "") -> list[str]:
    """Return the lines of a call or a class statement: `head(arguments)tail`, on one line where it fits."""
    margin = _INDENT * indent
    line = f"{margin}{head}({', '.join(arguments)}){tail}"
    if len(line) <= WIDTH or not arguments:
        return [line]
    inner = [f"{margin}{_INDENT}{text}" for argument in arguments for text in _argument(argument)]
    return [f"{margin}{head}(", *inner, f"{margin}){tail}"]


def assignment(target: str, word: str, arguments: Sequence[str]) -> list[str]:
    """Return the lines of `target = word(arguments)` in a class.

    Where they are too long, the call is in brackets, and where that is not enough, the type is on lines of its own.
    """
    lines = call(f"{target} = {word}", arguments, indent=1)
    if len(lines[0]) <= WIDTH:
        return lines
    if len(f"{_INDENT}{target} = (") <= WIDTH:
        return [f"{_INDENT}{target} = (", *call(word, arguments, indent=2), f"{_INDENT})"]
    *first, last = _split_annotation(target)
    return [*first, *call(f"{last.strip()} = {word}", arguments, indent=1)]


def annotation(text: str) -> list[str]:
    """Return the lines of `name: type` in a class."""
    whole = f"{_INDENT}{text}"
    return [whole] if len(whole) <= WIDTH else _split_annotation(text)


def _split_annotation(text: str) -> list[str]:
    name, _, type_ = text.partition(": ")
    match = re.fullmatch(r"([\w.]+\[)(.*)\]", type_)
    head, inner, tail = (match.group(1), match.group(2), "]") if match is not None else ("(", type_, ")")
    return [f"{_INDENT}{name}: {head}", f"{_INDENT * 2}{inner}", f"{_INDENT}{tail}"]


def listed(head: str, items: Iterable[str], *, indent: int = 0) -> list[str]:
    """Return the lines of `head[items]`."""
    margin, every = _INDENT * indent, list(items)
    line = f"{margin}{head}[{', '.join(every)}]"
    return (
        [line]
        if len(line) <= WIDTH
        else [f"{margin}{head}[", *(f"{margin}{_INDENT}{item}," for item in every), f"{margin}]"]
    )


def comment(text: str, *, indent: int = 0, is_whole: bool = False) -> list[str]:
    """Return a comment's lines; only one where it has to stay whole, to be copied. No mark of the text ends a line."""
    margin = f"{_INDENT * indent}# "
    if is_whole:
        return [margin + shown(text)]
    return textwrap.wrap(
        shown(text),
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def docstring(text: str, *, indent: int = 1) -> list[str]:
    """Return a docstring's lines; its words are kept, and what is not printable stands in it by its number."""
    margin = _INDENT * indent
    escaped = shown(text).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if len(f'{margin}"""{escaped}"""') <= WIDTH and not escaped.endswith('"'):
        return [f'{margin}"""{escaped}"""']
    lines = textwrap.wrap(escaped, WIDTH - len(margin) - 3, break_long_words=False, break_on_hyphens=False)
    return [f'{margin}"""{lines[0]}', *(margin + line for line in lines[1:]), f'{margin}"""']


def _argument(argument: str) -> list[str]:
    """Return an argument of its own lines, with a comma; a long text is broken into several, which Python joins."""
    match = re.fullmatch(r"(\w+=)?(\"[^\"\\]*\"|'[^'\\]*')", argument)
    if match is None or len(argument) <= _MAX_LITERAL:
        return [f"{argument},"]
    quote, text = match.group(2)[0], match.group(2)[1:-1]
    pieces = textwrap.wrap(text, _PIECE, break_long_words=False, break_on_hyphens=False, drop_whitespace=False)
    name = match.group(1) or ""
    if not name:
        return [*(f"{quote}{piece}{quote}" for piece in pieces[:-1]), f"{quote}{pieces[-1]}{quote},"]
    return [
        f"{name}{quote}{pieces[0]}{quote}",
        *(f"{quote}{each}{quote}" for each in pieces[1:-1]),
        f"{quote}{pieces[-1]}{quote},",
    ]


def _escape(mark: str) -> str:
    number = ord(mark)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65_536 else f"\\U{number:08x}"
