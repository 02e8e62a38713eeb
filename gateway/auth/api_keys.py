"""Create and verify API keys, `fgk_<id>_<secret>`.

The secret is 256 random bits, of which only the SHA-256 is stored. Such a secret cannot be guessed, so that a slow
hash, as passwords need it, would cost time for each request and protect nothing more.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import math
import re
import secrets
import time
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.auth.credential_cache import CredentialCache
from gateway.auth.errors import KeysUnavailable, Unauthenticated
from gateway.auth.model_access import ModelAccess
from gateway.auth.viewer import Viewer, ViewerLimits
from loaders.api_keys import ApiKey, ApiKeys, changed_ids
from loaders.cache.invalidation import EVERYTHING, Change
from loaders.deadline import seconds_left, time_limit
from loaders.stores.errors import StoreError

PREFIX = "fgk_"
_FORM = re.compile(r"fgk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
_NO_HASH = bytes(32)
"""Compared with where the id is not known, so that the time that it takes does not tell."""

_LOOK_UP_S = 2.0
"""Maximum time of a look-up. Without it, requests would queue behind a PostgreSQL that hangs."""
_AGAIN_S = 1.0
"""Time between two look-ups of a key while PostgreSQL is down, for a key that is in its grace period."""
_GRACE_S = 300.0
"""Grace period: time for which a valid key stays valid while PostgreSQL is down. Restarts and fail-overs take less, and
cached responses can be served meanwhile. A key that is revoked by then is still rejected if Redis reports it."""

_log = logging.getLogger("gateway")


def new_key() -> tuple[str, str]:
    """Return the id and the secret of a new key, both random."""
    key_id = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]
    return key_id, secrets.token_urlsafe(32)


def text_of(key_id: str, secret: str) -> str:
    """Return the key as it is sent."""
    return f"{PREFIX}{key_id}_{secret}"


def hash_of(secret: str) -> bytes:
    """Return the hash of a secret, which is stored in its place."""
    return hashlib.sha256(secret.encode()).digest()


@dataclass(eq=False, slots=True)
class _Known:
    """A key that was good, as it was when it was looked up; times are of the monotonic clock."""

    key: ApiKey
    viewer: Viewer
    grace_until: float
    fresh_until: float

    def go_on(self) -> None:
        """Keep the key valid a little longer, but not beyond its grace period."""
        self.fresh_until = min(time.monotonic() + _AGAIN_S, self.grace_until)


class KeyVerifier:
    """Verifies API keys for the model of `access`.

    Valid keys are cached for `fresh_s` seconds; pass changes to `apply` to end that sooner. Where PostgreSQL is away, a
    key that was valid is valid for five minutes more, and any other raises KeysUnavailable.
    """

    def __init__(
        self,
        keys: ApiKeys,
        fresh_s: float,
        *,
        access: ModelAccess,
        grace_s: float = _GRACE_S,
        look_up_s: float = _LOOK_UP_S,
    ) -> None:
        self._lookups = _Lookups(keys, look_up_s)
        self._access = access
        self._fresh_s = fresh_s
        self._grace_s = grace_s
        self.cache = self._cache = CredentialCache[_Known]()
        self._changes = 0
        self._is_away = False

    async def viewer(self, text: str) -> Viewer:
        """Return the viewer of a key. Raises Unauthenticated or KeysUnavailable."""
        form = _FORM.fullmatch(text)
        if form is None:
            raise Unauthenticated("The API key is not complete.")
        entry = self._cache.get(text)
        if entry is None or time.monotonic() >= entry.fresh_until:
            entry = await self._looked_up(text, form[1], form[2], entry)
        _require_living(entry.key)
        return entry.viewer

    def apply(self, change: Change) -> None:
        """Forget the keys that a change names; where changes may have been missed, have all looked up again."""
        if EVERYTHING in change.sources:
            self._changes += 1
            for entry in self._cache.values():
                entry.fresh_until = 0.0  # kept for where it cannot be looked up
        elif ids := changed_ids(change):
            self._changes += 1
            self._cache.drop_where(lambda entry: entry.key.id in ids)

    async def _looked_up(self, text: str, key_id: str, secret: str, before: _Known | None) -> _Known:
        changes = self._changes
        if before is not None and self._is_away:
            before.go_on()  # this request waits for PostgreSQL, and others with the key need not
        try:
            key = await self._lookups.by_id(key_id)
        except (StoreError, TimeoutError) as error:
            return self._without(before, error)
        self._is_away = False
        is_its = hmac.compare_digest(hash_of(secret), key.hash if key is not None else _NO_HASH)
        if key is None or not is_its or key.model != self._access.model:
            self._cache.drop(text)
            raise Unauthenticated("The API key is not known.")
        now = time.monotonic()
        entry = _Known(key, self._viewer_of(key), now + self._grace_s, now + self._fresh_s)
        if changes == self._changes:  # else it may have been read before the change
            self._cache.put(text, entry)
        return entry

    def _viewer_of(self, key: ApiKey) -> Viewer:
        limits = ViewerLimits(key.ids_per_field, key.cost_per_minute)
        return Viewer(f"key:{key.id}", self._access.known(key.scopes), limits, self._access.tenant(key.tenant))

    def _without(self, before: _Known | None, error: Exception) -> _Known:
        """Return what was known of a key that cannot be looked up now. Raises KeysUnavailable after its grace
        period."""
        is_own_deadline = seconds_left(math.inf) == 0  # of this request, which tells nothing of PostgreSQL
        if not self._is_away and not is_own_deadline:
            self._is_away = True
            _log.warning("Keys cannot be looked up, and good ones go on: %s", str(error)[:500] or "no answer in time")
        if before is None or time.monotonic() >= before.grace_until:
            raise KeysUnavailable from error
        before.go_on()
        return before


class _Lookups:
    """Look-ups of keys in PostgreSQL: one statement at a time, for all keys requested during the previous one.

    Made-up keys take one connection, however many they are. No look-up gets the result of a statement that began before
    it.
    """

    def __init__(self, keys: ApiKeys, within_s: float) -> None:
        self._keys = keys
        self._within_s = within_s
        self._waiting: dict[str, asyncio.Future[ApiKey | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def by_id(self, key_id: str) -> ApiKey | None:
        """Return the key, or None if there is none. Raises StoreError, or TimeoutError if it takes too long."""
        if key_id not in self._waiting:
            self._waiting[key_id] = asyncio.get_running_loop().create_future()
        answer = self._waiting[key_id]
        if self._task is None:
            self._task = asyncio.create_task(self._run(), context=Context())  # no request counts the statement
        async with time_limit(self._within_s):
            return await asyncio.shield(answer)

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                await self._answer(waiting)
        finally:
            self._task = None

    async def _answer(self, waiting: dict[str, asyncio.Future[ApiKey | None]]) -> None:
        try:
            keys = await self._keys.by_id(waiting)
        except Exception as error:  # whatever it is, nobody may wait for good
            for answer in waiting.values():
                answer.set_exception(error)
                answer.exception()  # whoever waits for it has it; nobody need
            return
        for key_id, answer in waiting.items():
            answer.set_result(keys.get(key_id))


def _require_living(key: ApiKey) -> None:
    if key.revoked_at is not None:
        raise Unauthenticated("The API key has been revoked.")
    if key.expires_at is not None and key.expires_at <= datetime.now(UTC):
        raise Unauthenticated("The API key has expired.")
