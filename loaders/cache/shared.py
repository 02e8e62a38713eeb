"""The cache in Redis: a round trip for each 5,000 fields of objects, to all shards at once.

What fails or is late is done without.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeVar

from loaders.cache import scripts
from loaders.cache.fields import CacheField, Entry, entries
from loaders.cache.shards import Shards
from loaders.stores.circuit_breaker import CircuitBreaker
from loaders.stores.redis import Redis

T = TypeVar("T")
Mode = Literal["load", "refresh", "look"]

MOST_PLACES = 50_000
"""Fields of objects that are cached at once: more are seldom asked twice, and would drive out what is."""
_ATTEMPTS = 3
"""At a look-up between whose parts a source is invalidated."""
_PLACES = 5_000
"""Fields of objects in one script, which nothing else that Redis does comes between: some milliseconds."""


@dataclass(slots=True)
class Found:
    """What Redis has of some objects: by object and field, in the order asked.

    `rows` has None for what it lacks; `leased` says what of that is the caller's to load, and `usable` has what may be
    served where loading fails. `token` is that of the leases, and of no other look-up: what is put was loaded after it.
    """

    token: str
    now_ms: int
    epochs: list[list[bytes]]
    """By object and field: what was loaded is of these."""
    rows: list[list[Entry | None]]
    leased: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Places of objects, by the place of the field."""
    usable: dict[tuple[int, int], Entry] = field(default_factory=dict)


class SharedCache:
    """Fields of objects in Redis, under the version of the catalogue.

    Every call is bounded by `timeout_s` and answers None where Redis failed, was late, or answered what is none of
    ours. Then it is left alone until an attempt beside the requests finds it well again.
    """

    def __init__(self, redis: Redis, version: str, *, timeout_s: float, lease_s: float) -> None:
        self._redis = redis
        self._shards = Shards(redis)
        self._version = version
        self._timeout_s = timeout_s
        self.lease_s = lease_s
        self._lease_ms = int(lease_s * 1000)
        self._clocks_ms = [0.0] * len(self._shards)
        """What to add to the monotonic clock to have that of the shard's server; 0 before it is known."""
        self._breaker = CircuitBreaker(self._probe, timeout_s)

    @property
    def is_away(self) -> bool:
        """Whether Redis is being left alone."""
        return self._breaker.is_open

    async def look_up(self, keys: Sequence[str], fields: Sequence[CacheField], *, mode: Mode = "load") -> Found | None:
        """What there is, with leases for the caller on what there is not; on what is stale too, to refresh it.

        To look, no lease is taken.
        """
        token = secrets.token_hex(16)
        places = self._shards.places(keys)
        if len(places) == 1:
            return await self._look_up(next(iter(places)), keys, fields, token, mode)
        parts = await asyncio.gather(
            *(self._look_up(shard, [keys[at] for at in some], fields, token, mode) for shard, some in places.items())
        )
        found = [part for part in parts if part is not None]
        return _joined(found, list(places.values())) if len(found) == len(parts) else None

    async def _look_up(
        self, shard: int, keys: Sequence[str], fields: Sequence[CacheField], token: str, mode: Mode
    ) -> Found | None:
        for _ in range(_ATTEMPTS):
            parts = await self._look_up_parts(shard, keys, fields, token, mode)
            if parts is None:
                return None
            if all(part.epochs[0] == parts[0].epochs[0] for part in parts):
                return _joined(parts, list(_chunks(range(len(keys)), len(fields))))
        return None  # sources are invalidated faster than they can be looked up

    async def _look_up_parts(
        self, shard: int, keys: Sequence[str], fields: Sequence[CacheField], token: str, mode: Mode
    ) -> list[Found] | None:
        names = [self._name(one) for one in fields]
        parts: list[Found] = []
        for some in _chunks(keys, len(fields)):
            clock_ms = self._clocks_ms[shard]
            deadline = time.monotonic() * 1000 + clock_ms + self._timeout_s * 1000 if clock_ms else 0
            arguments = [token, self._lease_ms, int(deadline), mode, len(names), *names]
            arguments += [one.source for one in fields]
            if any(one.is_brief for one in fields):
                arguments += ["1" if one.is_brief else "" for one in fields]
            call = self._shards[shard].run(scripts.LOOK_UP, ["epochs", *map(_object, some)], arguments)
            reply = await self._breaker.call(call)
            if reply is None:
                return None
            try:
                parts.append(_found(token, reply, len(some), fields))
            except (ValueError, TypeError, IndexError, AttributeError) as error:
                self._breaker.trip(error)
                return None
            self._clocks_ms[shard] = parts[-1].now_ms - time.monotonic() * 1000
        return parts

    async def put(
        self, keys: Sequence[str], fields: Sequence[CacheField], token: str, texts: Sequence[Sequence[bytes]]
    ) -> int:
        """Give back the leases of this token, each with the object's text of the field, `b""` for none.

        Returns how many texts were taken: not those of leases that ended, or were invalidated.
        """
        places = self._shards.places(keys)
        if len(places) == 1:
            return await self._put(next(iter(places)), keys, fields, token, texts)
        taken = await asyncio.gather(
            *(
                self._put(shard, [keys[at] for at in some], fields, token, [texts[at] for at in some])
                for shard, some in places.items()
            )
        )
        return sum(taken)

    async def _put(
        self,
        shard: int,
        keys: Sequence[str],
        fields: Sequence[CacheField],
        token: str,
        texts: Sequence[Sequence[bytes]],
    ) -> int:
        names = [self._name(one) for one in fields]
        keep_ms = 1000 * max(_keep_s(one) for one in fields)
        taken = at = 0
        for some in _chunks(keys, len(fields)):
            arguments: list[Any] = [token, keep_ms, len(names), *names]
            arguments += chain.from_iterable(texts[at : at + len(some)])
            at += len(some)
            call = self._shards[shard].run(scripts.PUT, list(map(_object, some)), arguments)
            taken += await self._breaker.call(call) or 0
        return taken

    async def close(self) -> None:
        """Stop looking for Redis."""
        await self._breaker.close()

    def _name(self, one: CacheField) -> str:
        return f"{self._version}.{one.name}"

    async def _probe(self) -> None:
        await self._redis.find_servers()
        look_up = (scripts.LOOK_UP, ["epochs", _object("none")], ["0" * 32, 1, 0, "load", 1, "0", "0"])
        await asyncio.gather(*(shard.run(*look_up) for shard in self._shards))


def _chunks(sequence: Sequence[T], fields: int) -> Iterator[Sequence[T]]:
    size = max(1, _PLACES // fields)
    return (sequence[at : at + size] for at in range(0, len(sequence), size))


def _joined(parts: Sequence[Found], places: Sequence[Sequence[int]]) -> Found:
    """The objects of all parts at their places, as old as the oldest part."""
    if len(parts) == 1:
        return parts[0]
    total = sum(map(len, places))
    found = Found(parts[0].token, min(part.now_ms for part in parts), [[]] * total, [[]] * total)
    for part, of_part in zip(parts, places, strict=True):
        for at, row, epochs in zip(of_part, part.rows, part.epochs, strict=True):
            found.rows[at], found.epochs[at] = row, epochs
        for which, some in part.leased.items():
            found.leased[which] += [of_part[at] for at in some]
        found.usable |= {(of_part[at], which): one for (at, which), one in part.usable.items()}
    for leased in found.leased.values():
        leased.sort()
    return found


def _object(key: str) -> str:
    return f"o:{key}"


def _keep_s(one: CacheField) -> int:
    freshness = one.freshness
    return 2 * (freshness.max_age_s + max(freshness.stale_while_revalidate_s, freshness.stale_if_error_s))


def _found(token: str, reply: Any, count: int, fields: Sequence[CacheField]) -> Found:
    """Read the rows of `count` objects: texts, leases and usable texts, all texts in one go.

    Raises ValueError, TypeError, IndexError or AttributeError where the reply is none of ours.
    """
    now_ms, epochs, *rows = reply
    if not set(map(len, (epochs, *rows))) <= {len(fields)} or len(rows) != count or set(map(type, epochs)) != {bytes}:
        raise ValueError(f"The reply is not that of {count} objects with {len(fields)} fields.")
    found = Found(token, int(now_ms), [epochs] * len(rows), [])
    texts: list[bytes] = []
    whole = {bytes}
    for row in rows:
        texts += row if set(map(type, row)) == whole else [_text(cell) for cell in row]
    read = iter(entries(texts, [*fields] * len(rows)))
    for at, row in enumerate(rows):
        entry_row = [next(read) for _ in fields]
        found.rows.append(entry_row)
        if set(map(type, row)) != whole or None in entry_row:
            _sort_out(found, at, row, entry_row)
    return found


_NOTHING = b"0" * 55 + b"null"


def _text(cell: Any) -> bytes:
    if type(cell) is list:
        _, text = cell
        if type(text) is not bytes:
            raise TypeError(f"In the reply, the text of a field is {type(text).__name__}.")
        return text
    return cell if type(cell) is bytes else _NOTHING


def _sort_out(found: Found, at: int, row: Sequence[Any], entry_row: list[Entry | None]) -> None:
    """What of a row is lacking, whose it is to load, and what may be served where that fails."""
    for which, cell in enumerate(row):
        if type(cell) is bytes:
            if entry_row[which] is None:  # none of ours: it is loaded, and Redis keeps what it has until that expires
                found.leased[which].append(at)
            continue
        state = cell[0] if type(cell) is list else cell
        if state not in (0, 1):
            raise ValueError(f"In the reply, the state of a field is {state!r}.")
        usable, entry_row[which] = entry_row[which], None
        if type(cell) is list and usable is not None:
            found.usable[at, which] = usable
        if state == 1:
            found.leased[which].append(at)
