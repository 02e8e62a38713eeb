"""Cache verified credentials, so that they are not verified again for each request."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from loaders.lru_cache import LRUCache

T = TypeVar("T")

_MAX_CREDENTIALS = 10_000
"""Maximum credentials of a process. Only valid ones are cached, so that invalid ones evict none."""


class CredentialCache(Generic[T]):
    """An LRU cache by credential. It holds a digest of each credential, never the credential itself."""

    def __init__(self) -> None:
        self._values = LRUCache[bytes, T](max_entries=_MAX_CREDENTIALS)

    @property
    def evictions(self) -> int:
        """How many credentials were evicted to make room for others."""
        return self._values.evictions

    def __len__(self) -> int:
        return len(self._values)

    def get(self, credential: str) -> T | None:
        """Return the value of a credential; None where there is none."""
        return self._values.get(_digest(credential))

    def put(self, credential: str, value: T) -> None:
        """Set the value of a credential."""
        self._values.put(_digest(credential), value)

    def drop(self, credential: str) -> None:
        """Remove the value of a credential."""
        self._values.pop(_digest(credential))

    def values(self) -> Iterable[T]:
        """Return all values."""
        return self._values.values()

    def drop_where(self, concerned: Callable[[T], bool]) -> None:
        """Remove the values for which `concerned` is true."""
        for digest in [digest for digest, value in self._values.items() if concerned(value)]:
            self._values.pop(digest)


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
