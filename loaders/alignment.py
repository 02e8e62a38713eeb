"""Where a batch's answers are put in the order of its keys, once for all loaders."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


def align(keys: Sequence[K], records: Iterable[R], key_of: Callable[[R], K]) -> list[R | None]:
    """One record a key, in the order of the keys; None where there is none."""
    by_key = {key_of(record): record for record in records}
    return [by_key.get(key) for key in keys]
