"""Keys of objects: typed values of one or more columns, and the text that clients know them by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.model.key_texts import MAX_KEY_CHARACTERS, are_text_keys, read_text
from loaders.model.scalars import Scalar

SEPARATOR = ":"
MAX_STATEMENT_KEY_BYTES = 100_000
"""Bytes of keys in one statement: ClickHouse takes 128 KiB for a parameter, and writes each key in quotes."""
_BYTES_BESIDE_A_KEY = 3
"""Two quotes and a comma."""


@dataclass(frozen=True, slots=True)
class Key:
    """The key of an object type: its columns in order, and their scalars.

    The value of a key of one part is that part's; of several it is a tuple.
    """

    columns: tuple[str, ...]
    scalars: tuple[Scalar, ...]

    def read(self, text: str) -> Any:
        """Return the key's value; None where the text cannot be a key, which makes it an unknown object."""
        if len(text) > MAX_KEY_CHARACTERS:
            return None
        if len(self.scalars) == 1:
            return _reader(self.scalars[0])(text)
        parts = text.split(SEPARATOR)
        if len(parts) != len(self.scalars):
            return None
        values = tuple(_read_part(scalar, part) for scalar, part in zip(self.scalars, parts, strict=True))
        return None if None in values else values

    def read_all(self, texts: Sequence[str]) -> list[Any]:
        """Return the keys' values in order, as `read` does."""
        if len(self.scalars) == 1 and self.scalars[0].read_key is read_text and are_text_keys(texts):
            return list(texts)
        return list(map(self.read, texts))

    def write(self, value: Any) -> str:
        """Return the text of a key's value: the parts joined by a colon, with colons in them escaped."""
        if len(self.scalars) == 1:
            return self.scalars[0].write_key(value)
        parts = zip(self.scalars, value, strict=True)
        return SEPARATOR.join(_escaped(scalar.write_key(part)) for scalar, part in parts)

    def write_all(self, values: Iterable[Any]) -> list[str]:
        """Return the texts of keys' values, in order."""
        return list(map(self.scalars[0].write_key if len(self.scalars) == 1 else self.write, values))

    def arrays(self, values: Sequence[Any]) -> list[list[Any]]:
        """Return the values column by column, as they are bound: one array for each part."""
        if len(self.scalars) == 1:
            return [list(values)]
        return [list(column) for column in zip(*values, strict=True)] or [[] for _ in self.scalars]


def chunks(texts: Iterable[str], max_bytes: int = MAX_STATEMENT_KEY_BYTES) -> Iterator[list[str]]:
    """Yield the keys' texts in order, in lists that fit into one statement; a key that is larger comes alone."""
    every = list(texts)
    if every and len("".join(every).encode()) + len(every) * _BYTES_BESIDE_A_KEY <= max_bytes:
        yield every
        return
    chunk: list[str] = []
    size = 0
    for text in every:
        width = len(text.encode()) + _BYTES_BESIDE_A_KEY
        if chunk and size + width > max_bytes:
            yield chunk
            chunk, size = [], 0
        chunk.append(text)
        size += width
    if chunk:
        yield chunk


def _reader(scalar: Scalar) -> Callable[[str], Any]:
    if scalar.read_key is None:
        raise TypeError(f"{scalar.name} cannot be part of a key.")
    return scalar.read_key


def _read_part(scalar: Scalar, part: str) -> Any:
    """Return a part's value; None for an escape that `write` would not have made, so that an object has one text."""
    plain = part.replace("%3A", SEPARATOR).replace("%25", "%")
    return _reader(scalar)(plain) if _escaped(plain) == part else None


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace(SEPARATOR, "%3A")
