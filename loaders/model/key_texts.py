"""Texts of keys: the value that a text stands for, by the kind of the key; None for a text that cannot be a key."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence

from loaders.model.canonical import read_uuid

MAX_KEY_CHARACTERS = 1_000
"""Characters of a key's text. Without a bound, one id could be as large as the request."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def is_storable(text: str) -> bool:
    """Return whether a store can hold a text: NUL cannot be stored, nor lone surrogates encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def read_text(text: str) -> str | None:
    """Return the text, or None where a store cannot hold it as a key."""
    return text if len(text) <= MAX_KEY_CHARACTERS and is_storable(text) else None


def are_text_keys(texts: Sequence[str]) -> bool:
    """Return whether `read_text` takes each: a look at all together costs a tenth of one at each."""
    return max(map(len, texts), default=0) <= MAX_KEY_CHARACTERS and is_storable("".join(texts))


def read_integer(bits: int) -> Callable[[str], int | None]:
    """Return a reader that takes one text for each number: no plus sign or leading zeros, within the bits."""
    bound = 1 << (bits - 1)

    def read(text: str) -> int | None:
        if not _INTEGER.fullmatch(text) or text == "-0":
            return None
        number = int(text)
        return number if -bound <= number < bound else None

    return read


def read_unique_id(text: str) -> str | None:
    """Return a UUID's text of either case in lower case; None for any other text."""
    try:
        return read_uuid(text)
    except ValueError:
        return None


def read_date(text: str) -> dt.date | None:
    """Return the date of a text in the form 2013-01-31; None for any other text."""
    try:
        return dt.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
