"""Which keys a store can hold at all."""

from collections.abc import Iterable

_LONGEST_KEY = 12
"""Characters. Tail numbers and codes have under ten; with this, 10,000 keys fit into the 128 KiB of a parameter."""


def storable(keys: Iterable[str]) -> list[str]:
    """The keys that can be in a store, in their order.

    NUL is refused by PostgreSQL and lone surrogates by every encoder, so that one such key would fail the batch for all
    the others. They name nothing: they are left out, and answered like any unknown key.
    """
    keys = list(keys)
    if keys and "".join(keys).isprintable() and all(map(len, keys)) and max(map(len, keys)) <= _LONGEST_KEY:
        return keys  # all of them, as nearly always: a look at each costs more than the rest of its way to the store
    return [key for key in keys if _can_be_stored(key)]


def _can_be_stored(key: str) -> bool:
    return 0 < len(key) <= _LONGEST_KEY and key.isprintable()
