"""Check which keys a store can hold at all."""

from collections.abc import Iterable

_MAX_KEY_LENGTH = 12
"""Characters. Tail numbers and codes have under ten; with this, 10,000 keys fit into the 128 KiB of a parameter."""


def valid_keys(keys: Iterable[str]) -> list[str]:
    """Return the keys that a store can hold, in their order, without the others.

    PostgreSQL refuses NUL and every encoder refuses lone surrogates, so that one such key would fail the batch for all
    others. No object has such a key: callers treat it like any unknown key.
    """
    keys = list(keys)
    if keys and "".join(keys).isprintable() and all(map(len, keys)) and max(map(len, keys)) <= _MAX_KEY_LENGTH:
        return keys  # nearly always; checking each key on its own would cost more than everything else on its way
    return [key for key in keys if _is_valid(key)]


def _is_valid(key: str) -> bool:
    return 0 < len(key) <= _MAX_KEY_LENGTH and key.isprintable()
