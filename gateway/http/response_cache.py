"""Cache whole responses in the process, and serve them before anything is parsed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.auth.errors import AuthenticationError
from gateway.http.compression import chosen
from gateway.http.errors import HTTPError
from gateway.http.request_deadline import APPLIED, RequestDeadline
from gateway.observability.operation_names import UNKNOWN
from gateway.observability.request_observation import CACHED, OBSERVATION, observation_of
from gateway.rate_limit import HEADERS as RATE_LIMIT_HEADERS
from loaders.cache.invalidation import EVERYTHING, Change
from loaders.cache_policy import CachePolicy
from loaders.deadline import working_until
from loaders.lru_cache import LRUCache

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.auth.authentication import Authenticator
    from gateway.auth.viewer import Viewer
    from gateway.http.application import Application
    from gateway.observability.request_observation import RequestObservation
    from loaders.cache.cache import Cache

CACHE_POLICY = "gateway.cache_policy"
"""The key of a request's CachePolicy in its scope. The cache reads it once the response is complete."""

_MAX_REQUEST_BYTES = 256 << 10
"""Limit of a query string and body together. Longer requests are not cached: they are hardly ever repeated."""
_MAX_BODY_BYTES = 1 << 20
"""Limit of the body of one cached response."""
_MAX_TAGS_BYTES = 4_000
"""Bytes of If-None-Match that are read, about a hundred tags. A response whose tag comes later is sent whole."""
_OVERHEAD_BYTES = 2_000
"""Estimated memory of a cached response in addition to its body and its key."""
_BYTES_PER_KEY = 100
"""Estimated memory of one object that a cached response depends on."""
_UNCACHED_HEADERS = frozenset({b"cookie", b"cache-control", b"pragma", b"range", b"graphql-cost", b"content-encoding"})
"""A request with one of these headers bypasses the cache."""
_CACHEABLE = (b"public, max-age=", b"private, max-age=")
"""Prefixes of the Cache-Control of responses that are cached."""
VIEWER = "gateway.viewer"
"""The key of a request's Viewer in its scope, or of the AuthenticationError if it has no valid credential."""

_KEY_HEADERS = frozenset({b"accept", b"accept-encoding", b"content-type", b"if-none-match"})
_LIST_HEADERS = _KEY_HEADERS - {b"content-type"}
_BODY_HEADERS = frozenset({b"content-length", b"content-type", b"content-encoding"})
_UNSTORED_HEADERS = RATE_LIMIT_HEADERS | {APPLIED}
"""Headers of a response that are its own client's."""
_NO_BODY: Message = {"type": "http.response.body", "body": b""}

Key = tuple[bytes | str | None, ...]


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A response that may be sent again, and what it depends on."""

    headers: list[tuple[bytes, bytes]]
    rest: Message
    etag: bytes
    begun: float
    fresh_until: float
    keys: frozenset[str]
    sources: frozenset[str]
    size: int
    operation: str = UNKNOWN
    """The operation's name, as of a RequestObservation."""


class ResponseCache:
    """The cached responses of a process, bounded in bytes. The least recently used ones are evicted first.

    A response is served while all acknowledged changes are known to have been applied, and no longer than it is fresh.
    A change drops the responses that depend on what it names.
    """

    def __init__(self, cache: Cache, max_bytes: int) -> None:
        self._cache = cache
        self._responses = LRUCache[Key, CachedResponse](max_bytes=max_bytes, size_of=lambda _, response: response.size)
        self.hits = 0
        cache.on_change.append(self._apply)

    @property
    def bytes(self) -> int:
        """Size of all cached responses."""
        return self._responses.bytes

    @property
    def evictions(self) -> int:
        """How many responses were evicted to make room for others."""
        return self._responses.evictions

    def __len__(self) -> int:
        return len(self._responses)

    @property
    def changes(self) -> int:
        """Number of changes so far. What was read before the last one may be outdated."""
        return self._cache.changes

    def get(self, key: Key) -> CachedResponse | None:
        """Return the cached response, or None if there is none that may be served."""
        response = self._responses.peek(key)
        if response is None or not self._cache.is_kept:
            return None
        if response.fresh_until <= time.monotonic():
            self._responses.pop(key)
            return None
        self._responses.touch(key)
        self.hits += 1
        return response

    def put(self, key: Key, response: CachedResponse) -> None:
        """Add a response, and evict others until all of them fit."""
        self._responses.put(key, response)

    def _apply(self, change: Change) -> None:
        if EVERYTHING in change.sources:
            self._responses.clear()
            return
        keys, sources = frozenset(change.keys), frozenset(change.sources)
        for key, response in list(self._responses.items()):
            if not (response.sources.isdisjoint(sources) and response.keys.isdisjoint(keys)):
                self._responses.pop(key)


class ResponseCacheMiddleware:
    """ASGI middleware that authenticates requests for one path, and answers them from the application's cache.

    It puts the viewer into the scope under VIEWER. It caches responses that have a `max-age`, for all viewers with the
    same audience. The application (`scope["app"]`) has the authenticator and the cache, since both need the stores.
    """

    def __init__(self, app: ASGIApp, path: str, timeout_s: float) -> None:
        self._app = app
        self._path = path
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        application: Application = scope["app"]
        authenticator = application.authenticator
        viewer = scope[VIEWER] = authenticator.anonymous_viewer(scope["headers"]) or await self._viewer(scope)
        observation: RequestObservation | None = scope.get(OBSERVATION)
        if observation is not None and not isinstance(viewer, AuthenticationError):
            observation.viewer = viewer.name
        cache = application.response_cache
        headers, body = _headers(scope), b""
        if cache is None or headers is None or isinstance(viewer, AuthenticationError):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "POST":
            receive = replayed = _ReplayedReceive(receive)
            body = await replayed.body()
        key = _key(scope, viewer, headers, body)
        response = cache.get(key) if key is not None else None
        if response is None:
            await self._app(scope, receive, send if key is None else _CachingSend(cache, key, scope, send))
            return
        if observation is not None:
            observation.operation, observation.outcome = response.operation, CACHED
            observation.operation_type = "query"
        start, rest = _messages(response, headers.get(b"if-none-match") if scope["method"] == "GET" else None)
        await send(start)
        await send(rest)

    async def _viewer(self, scope: Scope) -> Viewer | AuthenticationError:
        """Return the viewer; a look-up of the credential ends at the deadline of the request."""
        authenticator: Authenticator = scope["app"].authenticator
        try:
            with working_until(RequestDeadline.of(scope, self._timeout_s).stores):
                return await authenticator.viewer(scope["headers"])
        except AuthenticationError as error:
            return error


def _headers(scope: Scope) -> dict[bytes, bytes] | None:
    """Return the headers that are part of the key, or None if the request bypasses the cache."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _KEY_HEADERS:
            if name not in headers:
                headers[name] = value
            elif name in _LIST_HEADERS:  # the application joins these too; of other repeated headers it reads the first
                headers[name] += b", " + value
        elif name in _UNCACHED_HEADERS:
            return None
    return headers


def _key(scope: Scope, viewer: Viewer, headers: dict[bytes, bytes], body: bytes) -> Key | None:
    """Return what the response depends on besides the data, or None if the request cannot be cached."""
    method, query = scope["method"], scope["query_string"]
    if (method != "GET" and not body) or len(query) + len(body) > _MAX_REQUEST_BYTES:
        return None
    if not headers:
        return viewer.audience, method, query, body
    encoding = chosen(headers.get(b"accept-encoding", b"").decode("latin-1"))
    return viewer.audience, method, query, body, headers.get(b"accept"), headers.get(b"content-type"), encoding


class _ReplayedReceive:
    """ASGI `receive` that repeats the messages of a body that was read for the key, then receives the rest."""

    def __init__(self, rest: Receive) -> None:
        self._messages: list[Message] = []
        self._rest = rest

    async def __call__(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._rest()

    async def body(self) -> bytes:
        """Return the whole body, or `b""` if it is too long to be cached, comes too late, or the client has left."""
        length, more = 0, True
        while more and length <= _MAX_REQUEST_BYTES:
            try:
                message = await self._rest()
            except HTTPError:  # the application gets the same error when it reads on, and answers with it
                return b""
            self._messages.append(message)
            if message["type"] == "http.disconnect":
                return b""
            length += len(message.get("body", b""))
            more = message.get("more_body", False)
        return b"" if more else b"".join(message.get("body", b"") for message in self._messages)


class _CachingSend:
    """ASGI `send` that caches a response which is complete, cacheable, and not older than any change."""

    def __init__(self, cache: ResponseCache, key: Key, scope: Scope, send: Send) -> None:
        self._cache = cache
        self._key = key
        self._scope = scope
        self._send = send
        self._changes = cache.changes
        self._headers: list[tuple[bytes, bytes]] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if message["status"] == 200 and dict(headers).get(b"cache-control", b"").startswith(_CACHEABLE):
                self._headers = headers
        elif self._headers is not None and not message.get("more_body"):
            self._store(self._headers, message.get("body", b""))
        else:
            self._headers = None
        await self._send(message)

    def _store(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        policy: CachePolicy | None = self._scope.get(CACHE_POLICY)
        if policy is None or policy.fresh_for_s() <= 0 or len(body) > _MAX_BODY_BYTES:
            return
        if self._changes != self._cache.changes:
            return  # something was invalidated meanwhile, perhaps after it was read
        size = len(body) + sum(len(part or "") for part in self._key)
        size += _OVERHEAD_BYTES + _BYTES_PER_KEY * len(policy.keys)
        observation = observation_of(self._scope)
        response = CachedResponse(
            headers=[header for header in headers if header[0] not in _UNSTORED_HEADERS],
            rest={"type": "http.response.body", "body": body},
            etag=dict(headers).get(b"etag", b""),
            begun=time.monotonic(),
            fresh_until=policy.fresh_until or 0.0,
            keys=frozenset(policy.keys),
            sources=frozenset(policy.sources),
            size=size,
            operation=observation.operation if observation is not None else UNKNOWN,
        )
        self._cache.put(self._key, response)


def _messages(response: CachedResponse, none_match: bytes | None) -> tuple[Message, Message]:
    """Return the messages that send a cached response, or status 304 if the client has it already."""
    headers: list[Any] = [*response.headers, (b"age", b"%d" % (time.monotonic() - response.begun))]
    if none_match is not None and response.etag and matches(none_match, response.etag):
        headers = [header for header in headers if header[0] not in _BODY_HEADERS]
        return {"type": "http.response.start", "status": 304, "headers": headers}, _NO_BODY
    return {"type": "http.response.start", "status": 200, "headers": headers}, response.rest


def matches(none_match: bytes, etag: bytes) -> bool:
    """Return whether `If-None-Match` matches the tag by weak comparison (RFC 9110)."""
    tags = [tag.strip().removeprefix(b"W/") for tag in none_match[:_MAX_TAGS_BYTES].split(b",")]
    return b"*" in tags or etag.removeprefix(b"W/") in tags
