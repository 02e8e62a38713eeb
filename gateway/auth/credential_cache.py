"""Cache verified credentials, so that they are not verified again for each request."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

_MAX_CREDENTIALS = 10_000
"""Maximum credentials of a process. Only valid ones are cached, so that invalid ones evict none."""


class CredentialCache(Generic[T]):
    """An LRU cache by credential. It holds a digest of each credential, never the credential itself."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, T] = OrderedDict()

    def get(self, credential: str) -> T | None:
        """Return the value of a credential, or None."""
        digest = _digest(credential)
        found = self._kept.get(digest)
        if found is not None:
            self._kept.move_to_end(digest)
        return found

    def put(self, credential: str, value: T) -> None:
        """Add a value, and evict the least recently used one if there are too many."""
        self._kept[_digest(credential)] = value
        if len(self._kept) > _MAX_CREDENTIALS:
            self._kept.popitem(last=False)

    def drop(self, credential: str) -> None:
        """Keep it no longer."""
        self._kept.pop(_digest(credential), None)

    def values(self) -> Iterable[T]:
        """Return all values."""
        return self._kept.values()

    def drop_where(self, concerned: Callable[[T], bool]) -> None:
        """Keep those no longer for which this holds."""
        for digest in [digest for digest, value in self._kept.items() if concerned(value)]:
            del self._kept[digest]


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
