"""Find documents by name: automatic ones by the digest of their text, trusted ones by their id in a manifest."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from sys import getsizeof
from typing import TYPE_CHECKING, Any

from gateway.http.errors import HTTPError, request_error
from gateway.http.request_parser import PERSISTED_QUERY
from gateway.setting import SettingsError
from gateway.settings import Settings
from loaders.concurrency import cancel_and_wait
from loaders.lru_cache import LRUCache
from loaders.persisted_documents import SharedDocuments, digest

if TYPE_CHECKING:
    from gateway.http.request_parser import GraphQLRequest
    from loaders.stores.redis import Redis

AUTOMATIC, TRUSTED, OFF = "automatic", "trusted", "off"

_VERSION = 1
_DIGEST = re.compile("[0-9a-f]{64}")
_OPERATION = re.compile(r"\b(?:query|mutation)\s+([_A-Za-z][_0-9A-Za-z]*)")
_PREFIX = "sha256:"
"""Prefix of a digest that is used as a document id, as in GraphQL over HTTP."""
_MAX_DOCUMENT_BYTES = 64 << 10
"""Maximum bytes of a stored document. No frontend has longer ones, and a few of them would evict many others."""
_MAX_DOCUMENTS = 256
"""Automatic documents that a process remembers; a frontend has some dozens."""
_MAX_BYTES = 4 << 20
"""Maximum size of their texts together."""
_USED_S = 60.0
"""Interval at which the use of an automatic document is reported to Redis, which evicts the least recently used
ones."""
_RENEW_S = 86_400.0
"""Interval at which trusted documents are published again, so that Redis keeps them."""
_AGAIN_S = 10.0
"""Minimum interval at which a text that is always sent with its digest is published again."""
_RETRY_S = 1.0


class Persisted:
    """The documents that are known, in this process and, within `over`, in Redis.

    `trusted` are a manifest's, by name. In mode `trusted` nothing but these is executed, by name or by their very text.
    """

    def __init__(
        self,
        mode: str = AUTOMATIC,
        trusted: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        documents = trusted or {}
        self._mode = mode
        self._clock = clock
        self._trusted = {digest(text): text for text in documents.values()} | dict(documents)
        self._automatic = LRUCache[str, tuple[str, float]](
            max_entries=_MAX_DOCUMENTS, max_bytes=_MAX_BYTES, size_of=lambda _, known: getsizeof(known[0])
        )
        """Texts by digest, and when they were made known last."""
        self._shared: SharedDocuments | None = None

    @classmethod
    def of(cls, settings: Settings) -> Persisted:
        """Build it from the settings. Raises SettingsError for an unknown mode or an unreadable manifest."""
        mode, path = settings.persisted.lower(), settings.trusted_documents
        if mode not in (AUTOMATIC, TRUSTED, OFF):
            raise SettingsError(f"GATEWAY_PERSISTED must be automatic, trusted or off, and is {settings.persisted!r}.")
        if mode == TRUSTED and not path:
            raise SettingsError(
                "GATEWAY_PERSISTED=trusted needs a manifest: set GATEWAY_TRUSTED_DOCUMENTS to its path."
            )
        return cls(mode, manifest(Path(path)) if path else {})

    @property
    def operation_names(self) -> frozenset[str]:
        """The names of the operations of trusted documents, and perhaps words of their comments that look like some."""
        return frozenset(name for text in self._trusted.values() for name in _OPERATION.findall(text))

    @asynccontextmanager
    async def over(self, redis: Redis, *, timeout_s: float) -> AsyncIterator[None]:
        """Share documents with all processes over one Redis while the context is open."""
        shared = self._shared = SharedDocuments(redis, timeout_s=timeout_s)
        publishing = asyncio.create_task(self._publish(shared))
        try:
            yield
        finally:
            self._shared = None
            await cancel_and_wait([publishing])
            await shared.close()

    async def text(self, request: GraphQLRequest) -> str:
        """Return the text to execute, or `""` if there is none.

        Raises RequestError for a document that is unknown or not trusted, and HTTPError for a digest that is not the
        text's.
        """
        name = _digest_of(request)
        if name is not None and request.query and digest(request.query) != name:
            raise _bad("The provided sha does not match the query.")
        if request.query and self._mode != TRUSTED:
            if name is not None and self._mode == OFF:
                raise _not_supported()
            return request.query
        if request.query:
            name = digest(request.query)
        elif name is None and request.document_id is not None:
            name = request.document_id.removeprefix(_PREFIX)
        return "" if name is None else await self._named(name, request.query)

    async def keep(self, request: GraphQLRequest) -> None:
        """Make an operation's document known, where it came with its digest. It must be valid, and is executed next.

        It is sent because some process did not know it, which need not be this one.
        """
        text, name = request.query or "", _digest_of(request)
        if self._mode != AUTOMATIC or name is None or not text or len(text.encode()) > _MAX_DOCUMENT_BYTES:
            return
        _, kept_at = self._automatic.peek(name, ("", -_AGAIN_S))
        if kept_at + _AGAIN_S <= self._clock():
            await self._keep(name, text)

    async def _named(self, name: str, text: str | None) -> str:
        """Return the document of this name. If there is a text too, it must be the same."""
        if self._mode == OFF:
            raise _not_supported()
        document = self._trusted.get(name)
        if document is None and self._mode == AUTOMATIC:
            document = await self._known(name)
        if document is None and self._trusted and self._shared is not None:
            document = await self._shared.trusted(name)  # of a manifest that is newer than this process', or older
        if document is not None and document == (text or document):
            return document
        if self._mode == AUTOMATIC:
            raise request_error("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
        what = "the document" if text else f"{name[:100]!r}"
        raise request_error(
            f"Only trusted documents are executed, and {what} is none of them.", "PERSISTED_QUERY_REQUIRED"
        )

    async def _known(self, name: str) -> str | None:
        """Return the text of an automatic document. Its digest proves it, whatever its origin."""
        if not _DIGEST.fullmatch(name):
            return None
        text, kept_at = self._automatic.peek(name, (None, 0.0))
        if text is None and self._shared is not None:
            text = await self._shared.automatic(name)
            if text is not None:
                self._remember(name, text)
        elif text is not None and kept_at + _USED_S <= self._clock():
            await self._keep(name, text)
        elif text is not None:
            self._automatic.touch(name)
        return text

    async def _keep(self, name: str, text: str) -> None:
        self._remember(name, text)
        if self._shared is not None:
            await self._shared.keep(name, text)

    def _remember(self, name: str, text: str) -> None:
        self._automatic.put(name, (text, self._clock()))

    async def _publish(self, shared: SharedDocuments) -> None:
        """Keep the manifest's documents known to others, for as long as this process serves."""
        while self._trusted:
            is_published = await shared.publish(self._trusted)
            await asyncio.sleep(_RENEW_S if is_published else _RETRY_S)


def manifest(path: Path) -> dict[str, str]:
    """Texts by name, of a file as Apollo's tools write it, or Relay's compiler. Raises SettingsError."""
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, f"cannot be read: {error}") from error
    documents = _of_apollo(path, read) if isinstance(read, dict) and "operations" in read else read
    if not isinstance(documents, dict) or not all(isinstance(text, str) for text in documents.values()):
        raise _unreadable(path, "is neither a manifest of Apollo's format nor an object of texts by id.")
    if not documents:
        raise _unreadable(path, "names no document.")
    return documents


def _of_apollo(path: Path, read: dict[str, Any]) -> dict[str, str]:
    if read.get("format") != "apollo-persisted-query-manifest" or read.get("version") != 1:
        raise _unreadable(path, 'must have "format": "apollo-persisted-query-manifest" and "version": 1.')
    documents: dict[str, str] = {}
    for index, item in enumerate(read["operations"] if isinstance(read["operations"], list) else [None]):
        name, text = (item.get("id"), item.get("body")) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(text, str):
            raise _unreadable(path, f"has no id and body, both texts, in its operation {index}.")
        if documents.setdefault(name, text) != text:
            raise _unreadable(path, f"has two documents of the id {name[:100]!r}.")
    return documents


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError(f"GATEWAY_TRUSTED_DOCUMENTS: {path} {why}")


def _digest_of(request: GraphQLRequest) -> str | None:
    """Return the digest that the request names its document by, or None. Raises HTTPError if it is malformed."""
    extension = request.extensions.get(PERSISTED_QUERY)
    if extension in (None, "", {}):
        return None
    if not isinstance(extension, dict) or extension.get("version") != _VERSION:
        raise _bad("The version of persistedQuery must be 1.")
    name = extension.get("sha256Hash")
    if not isinstance(name, str) or not name:
        raise _bad("persistedQuery has a sha256Hash, which is a string.")
    return name


def _bad(message: str) -> HTTPError:
    return HTTPError(400, message, "BAD_USER_INPUT")


def _not_supported() -> Exception:
    return request_error("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")
