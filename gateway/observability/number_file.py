"""A file of numbers that a worker writes by a mapping of its memory, and others read: prometheus-client's format."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from prometheus_client.mmap_dict import MmapedDict

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_BYTES = 1 << 16
_BYTES_BESIDE_A_KEY = 32
"""Its length, the number with its time, and what aligns them."""


class NumberFile(MmapedDict):
    """Numbers by key, whose room on the disk is allocated before anything is written to it.

    Where the disk is full, a write to a page of the mapping that has no room yet would kill the process (SIGBUS); to
    allocate is an OSError.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it: under another name first, since an empty one cannot be read."""
        if not path.exists():
            new = path.with_suffix(".new")
            with new.open("wb") as file:
                _allocate(file.fileno(), 0, _FIRST_BYTES)
            new.replace(path)
        super().__init__(str(path))

    def _init_value(self, key: str) -> None:
        """Add a key. The base class would double the file without allocating."""
        if self._used + len(key.encode()) + _BYTES_BESIDE_A_KEY > self._capacity:
            _allocate(self._f.fileno(), self._capacity, 2 * self._capacity)
        super()._init_value(key)


def _allocate(file: int, size: int, new_size: int) -> None:
    """Have a file of one size grow to another, with all of its room."""
    if sys.platform == "linux":
        os.posix_fallocate(file, size, new_size - size)
    else:
        os.ftruncate(file, new_size)
