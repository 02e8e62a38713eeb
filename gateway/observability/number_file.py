"""A file of numbers that a worker writes by a mapping of its memory, and others read: prometheus-client's format."""

from __future__ import annotations

import mmap
import os
import struct
import sys
from typing import TYPE_CHECKING

from prometheus_client.mmap_dict import MmapedDict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIRST_BYTES = 1 << 16
_LENGTH = struct.Struct("i")
"""How many bytes of the file are used, at its beginning; and how many a key has, before each."""
_NUMBER = struct.Struct("dd")
"""A number and a time, which is 0, behind each key."""
_HEAD_BYTES = 8


class NumberFile:
    """Numbers by key, whose room on the disk is allocated before anything is written to it.

    Where the disk is full, a write to a page of the mapping that has no room yet would kill the process (SIGBUS), as
    prometheus-client's own writer does; to allocate is an OSError.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it: under another name first, since an empty one cannot be read."""
        if not path.exists():
            new = path.with_suffix(".new")
            with new.open("wb") as file:
                _allocate(file.fileno(), 0, _FIRST_BYTES)
                file.write(_LENGTH.pack(_HEAD_BYTES))
            new.replace(path)
        self._file = path.open("r+b")
        self._size = os.fstat(self._file.fileno()).st_size
        self._map = mmap.mmap(self._file.fileno(), self._size)
        (self._used,) = _LENGTH.unpack_from(self._map)
        self._read: list[tuple[str, float, float, int]] = list(MmapedDict.read_all_values_from_file(path))
        self._places = {key: place for key, _, _, place in self._read}

    def numbers_before(self) -> Iterator[tuple[str, float]]:
        """Yield the keys and numbers that were in the file when it was opened."""
        return ((key, number) for key, number, *_ in self._read)

    def write(self, key: str, number: float) -> None:
        """Write a number. Raises OSError where there is no room for another key, and leaves the file as it was."""
        place = self._places.get(key)
        if place is None:
            place = self._add(key)
        self._map[place : place + _NUMBER.size] = _NUMBER.pack(number, 0.0)  # at once: others read meanwhile

    def _add(self, key: str) -> int:
        """Add a key with the number 0, and return the place of the number."""
        text = key.encode()
        gap = b" " * (8 - (_LENGTH.size + len(text)) % 8)
        entry = _LENGTH.pack(len(text)) + text + gap + _NUMBER.pack(0.0, 0.0)
        end = self._used + len(entry)
        while end > self._size:
            _allocate(self._file.fileno(), self._size, 2 * self._size)
            self._size *= 2
            self._map = mmap.mmap(self._file.fileno(), self._size)
        self._map[self._used : end] = entry
        self._map[: _LENGTH.size] = _LENGTH.pack(end)
        self._used = end
        self._places[key] = end - _NUMBER.size
        return self._places[key]

    def close(self) -> None:
        """Close the file."""
        self._map.close()
        self._file.close()


def _allocate(file: int, size: int, new_size: int) -> None:
    """Have a file of one size grow to another, with all of its room."""
    if sys.platform == "linux":
        os.posix_fallocate(file, size, new_size - size)
    else:
        os.ftruncate(file, new_size)
