"""Align records with the keys of a batch."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


def align(keys: Sequence[K], records: Iterable[R], key_of: Callable[[R], K]) -> list[R | None]:
    """Return one record for each key, in the order of the keys; None where there is none."""
    by_key = {key_of(record): record for record in records}
    return [by_key.get(key) for key in keys]
