"""Whole answers, kept and served before anything is parsed: in front of the application, validated by its changes."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from gateway.auth.errors import AuthenticationError
from gateway.http.compression import chosen
from gateway.http.errors import HTTPError
from gateway.rate_limit import HEADERS as ONES_OWN
from loaders.cache.invalidation import EVERYTHING, Change
from loaders.cache_policy import CachePolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

    from gateway.auth.authentication import Authenticator
    from gateway.auth.viewer import Viewer
    from loaders.cache.cache import Cache

CACHE_POLICY = "gateway.cache_policy"
"""The key of the request's CachePolicy in its ASGI scope."""

_LONGEST_REQUEST = 256 << 10
"""Bytes of a request that is looked for; longer ones ask what nobody asks again."""
_LARGEST_ANSWER = 1 << 20
"""Bytes of an answer that is kept."""
_LONGEST_TAGS = 4_000
"""Bytes of If-None-Match that are looked at: some hundred tags. An answer that is not found there is sent whole."""
_OVERHEAD = 2_000
"""Bytes that an answer takes beside its body and its request."""
_PER_KEY = 100
"""Bytes that an object that an answer depends on takes."""
_SPECIAL = frozenset({b"cookie", b"cache-control", b"pragma", b"range", b"graphql-cost", b"content-encoding"})
"""Headers of a request whose answer is neither kept nor taken from here."""
_KEPT = (b"public, max-age=", b"private, max-age=")
"""What Cache-Control of an answer that is kept begins with."""
VIEWER = "gateway.viewer"
"""Where a request's scope has who asks, or the AuthenticationError that says why nobody does."""

_READ = frozenset({b"accept", b"accept-encoding", b"content-type", b"if-none-match"})
_LISTS = _READ - {b"content-type"}
_OF_A_BODY = frozenset({b"content-length", b"content-type", b"content-encoding"})
_NO_BODY: Message = {"type": "http.response.body", "body": b""}

Key = tuple[bytes | str | None, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    headers: list[tuple[bytes, bytes]]
    rest: Message
    etag: bytes
    begun: float
    fresh_until: float
    keys: frozenset[str]
    sources: frozenset[str]
    size: int


class Answers:
    """The answers that are kept, those used least lately gone first, and those that a change concerns at once.

    They are kept while all acknowledged changes are known to have been applied, and no longer than they are fresh.
    """

    def __init__(self, cache: Cache, most_bytes: int) -> None:
        self._cache = cache
        self._most_bytes = most_bytes
        self._answers: OrderedDict[Key, _Answer] = OrderedDict()
        self.bytes = 0
        self.hits = 0
        cache.listeners.append(self._apply)

    @property
    def changes(self) -> int:
        """Where this has moved, what was read before may be outdated."""
        return self._cache.changes

    def get(self, key: Key) -> _Answer | None:
        """The answer, where there is one and it may be served."""
        answer = self._answers.get(key)
        if answer is None or not self._cache.is_kept:
            return None
        if answer.fresh_until <= time.monotonic():
            self._drop(key)
            return None
        self._answers.move_to_end(key)
        self.hits += 1
        return answer

    def put(self, key: Key, answer: _Answer) -> None:
        """Keep an answer, and let go of what is too much."""
        if key in self._answers:
            self._drop(key)
        self._answers[key] = answer
        self.bytes += answer.size
        while self.bytes > self._most_bytes:
            self._drop(next(iter(self._answers)))

    def _apply(self, change: Change) -> None:
        if EVERYTHING in change.sources:
            self._answers.clear()
            self.bytes = 0
            return
        keys, sources = frozenset(change.keys), frozenset(change.sources)
        for key, answer in list(self._answers.items()):
            if not (answer.sources.isdisjoint(sources) and answer.keys.isdisjoint(keys)):
                self._drop(key)

    def _drop(self, key: Key) -> None:
        self.bytes -= self._answers.pop(key).size


class Answering(Starlette):
    """An application that answers from what it keeps (`answers`), before its routes and all around them.

    What it keeps is what they answer with a `max-age`, for all who may read the same, and as many ids at once.
    """

    kept_path: str = ""
    """The path whose answers are kept."""
    authenticator: Authenticator
    """Says who asks; given when the application starts."""
    answers: Answers | None = None
    """What is kept, if anything."""

    def __init__(self, routes: Sequence[BaseRoute], lifespan: Lifespan[Starlette] | None = None) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self.front: ASGIApp = self._answer
        """What meets a request first: whatever must concern kept answers too is wrapped around it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self.front(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.kept_path:
            await super().__call__(scope, receive, send)
            return
        viewer = scope[VIEWER] = self.authenticator.unnamed(scope["headers"]) or await self._viewer(scope)
        answers = self.answers
        headers, body = _headers(scope), b""
        if answers is None or headers is None or isinstance(viewer, AuthenticationError):
            await super().__call__(scope, receive, send)
            return
        if scope["method"] == "POST":
            receive = again = _Again(receive)
            body = await again.body()
        key = _key(scope, viewer, headers, body)
        answer = answers.get(key) if key is not None else None
        if answer is None:
            await super().__call__(scope, receive, send if key is None else _Keeping(answers, key, scope, send))
            return
        start, rest = _messages(answer, headers.get(b"if-none-match") if scope["method"] == "GET" else None)
        await send(start)
        await send(rest)

    async def _viewer(self, scope: Scope) -> Viewer | AuthenticationError:
        try:
            return await self.authenticator.viewer(scope["headers"])
        except AuthenticationError as error:
            return error


def _headers(scope: Scope) -> dict[bytes, bytes] | None:
    """Those that matter to what is kept; None where the request is not for that."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name not in found:
                found[name] = value
            elif name in _LISTS:  # several lines are one, as the application reads them; of others it reads the first
                found[name] += b", " + value
        elif name in _SPECIAL:
            return None
    return found


def _key(scope: Scope, viewer: Viewer, headers: dict[bytes, bytes], body: bytes) -> Key | None:
    """What the answer depends on beside the data; None where the request is none that is kept."""
    method, query = scope["method"], scope["query_string"]
    if (method != "GET" and not body) or len(query) + len(body) > _LONGEST_REQUEST:
        return None
    if not headers:
        return viewer.audience, method, query, body
    encoding = chosen(headers.get(b"accept-encoding", b"").decode("latin-1"))
    return viewer.audience, method, query, body, headers.get(b"accept"), headers.get(b"content-type"), encoding


class _Again:
    """Receives the messages of a body that was read to be looked at, then what is left."""

    def __init__(self, rest: Receive) -> None:
        self._messages: list[Message] = []
        self._rest = rest

    async def __call__(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._rest()

    async def body(self) -> bytes:
        """The whole body; nothing where it is too long to be looked for, comes too late, or its client has gone."""
        length, more = 0, True
        while more and length <= _LONGEST_REQUEST:
            try:
                message = await self._rest()
            except HTTPError:  # who reads it after the messages so far meets it again, and says so
                return b""
            self._messages.append(message)
            if message["type"] == "http.disconnect":
                return b""
            length += len(message.get("body", b""))
            more = message.get("more_body", False)
        return b"" if more else b"".join(message.get("body", b"") for message in self._messages)


class _Keeping:
    """Sends an answer on, and keeps it where that is allowed: whole, and read after every change so far."""

    def __init__(self, answers: Answers, key: Key, scope: Scope, send: Send) -> None:
        self._answers = answers
        self._key = key
        self._scope = scope
        self._send = send
        self._changes = answers.changes
        self._headers: list[tuple[bytes, bytes]] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if message["status"] == 200 and dict(headers).get(b"cache-control", b"").startswith(_KEPT):
                self._headers = headers
        elif self._headers is not None and not message.get("more_body"):
            self._keep(self._headers, message.get("body", b""))
        else:
            self._headers = None
        await self._send(message)

    def _keep(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        policy: CachePolicy | None = self._scope.get(CACHE_POLICY)
        if policy is None or policy.fresh_for_s() <= 0 or len(body) > _LARGEST_ANSWER:
            return
        if self._changes != self._answers.changes:
            return  # something was invalidated meanwhile, perhaps after it was read
        size = len(body) + sum(len(part or "") for part in self._key) + _OVERHEAD + _PER_KEY * len(policy.keys)
        answer = _Answer(
            headers=[header for header in headers if header[0] not in ONES_OWN],
            rest={"type": "http.response.body", "body": body},
            etag=dict(headers).get(b"etag", b""),
            begun=time.monotonic(),
            fresh_until=policy.fresh_until or 0.0,
            keys=frozenset(policy.keys),
            sources=frozenset(policy.sources),
            size=size,
        )
        self._answers.put(self._key, answer)


def _messages(answer: _Answer, none_match: bytes | None) -> tuple[Message, Message]:
    """What is sent of a kept answer: 304 alone to whoever has it already."""
    headers: list[Any] = [*answer.headers, (b"age", b"%d" % (time.monotonic() - answer.begun))]
    if none_match is not None and answer.etag and matches(none_match, answer.etag):
        headers = [header for header in headers if header[0] not in _OF_A_BODY]
        return {"type": "http.response.start", "status": 304, "headers": headers}, _NO_BODY
    return {"type": "http.response.start", "status": 200, "headers": headers}, answer.rest


def matches(none_match: bytes, etag: bytes) -> bool:
    """Whether `If-None-Match` names the tag (RFC 9110: weakly, or any with `*`)."""
    tags = [tag.strip().removeprefix(b"W/") for tag in none_match[:_LONGEST_TAGS].split(b",")]
    return b"*" in tags or etag.removeprefix(b"W/") in tags
