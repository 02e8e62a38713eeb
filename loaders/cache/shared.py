"""The cache in Redis, which all processes share: one round trip per 5,000 values, to all shards at once."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict, deque
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

MAX_FIELDS = 50_000
"""Values that one request may look up. Larger requests are rarely repeated, and would evict what is."""
_ATTEMPTS = 3
"""Maximum attempts of a look-up that an invalidation interrupts between its parts."""
_MAX_LOST = 1_000
"""Scripts whose leases are to be given back after an outage; those of the oldest end by themselves."""
_GIVEN_BACK_TOGETHER = 16
"""Scripts that give leases back at the same time: Redis is not used meanwhile, and round trips would add up."""
_FIELDS_PER_SCRIPT = 5_000
"""Maximum values per script. Redis serves no other client while a script runs: some milliseconds."""


@dataclass(slots=True)
class CacheLookup:
    """The values that Redis has of some objects: a row for each object, a column for each field, in the order asked.

    `rows` has None for what is missing. `leased` says which of that the caller has to load, and `usable` has the values
    that may be served where loading fails. `token` is that of the leases, and unique: it proves that a value which is
    written back was loaded after this look-up.
    """

    token: str
    now_ms: int
    epochs: list[list[bytes]]
    """By row and column: the epochs that a value loaded now belongs to."""
    rows: list[list[Entry | None]]
    leased: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Rows by column."""
    usable: dict[tuple[int, int], Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _LostLeases:
    """Leases that Redis may have given or still has, while it could not be asked. They end by themselves at `ends`."""

    ends: float
    shard: int
    keys: Sequence[str]
    names: Sequence[str]
    token: str


class SharedCache:
    """The values of objects in Redis, under names that include the version of the declarations.

    Every call takes at most `timeout_s`, and returns None where Redis failed, was late, or sent a malformed reply. Then
    Redis is not used until a probe in the background succeeds.
    """

    def __init__(self, redis: Redis, version: str, *, timeout_s: float, lease_s: float) -> None:
        self._redis = redis
        self._shards = Shards(redis)
        self._version = version
        self._timeout_s = timeout_s
        self.lease_s = lease_s
        self._lease_ms = int(lease_s * 1000)
        self._clocks_ms = [0.0] * len(self._shards)
        """By shard, what to add to the monotonic clock to have that of its server; 0 before it is known."""
        self._lost: deque[_LostLeases] = deque(maxlen=_MAX_LOST)
        self._breaker = CircuitBreaker(self._probe, timeout_s, beside=redis.breakers)

    @property
    def is_away(self) -> bool:
        """Whether Redis is not used because it failed lately."""
        return self._breaker.is_open

    async def look_up(
        self, keys: Sequence[str], fields: Sequence[CacheField], *, mode: Mode = "load"
    ) -> CacheLookup | None:
        """Return the values in Redis. Missing values are leased to the caller unless another process has their lease.

        Mode "refresh" leases stale values too, and mode "look" leases nothing.
        """
        if self._breaker.is_open:
            return None
        token = secrets.token_hex(16)
        lookup = await self._look_up_everywhere(keys, fields, token, mode)
        if lookup is None and mode != "look":  # leases of an answer that did not come, or of other shards
            await self.put(keys, fields, token, [[b""] * len(fields)] * len(keys))
        return lookup

    async def _look_up_everywhere(
        self, keys: Sequence[str], fields: Sequence[CacheField], token: str, mode: Mode
    ) -> CacheLookup | None:
        indexes = self._shards.places(keys)
        if len(indexes) == 1:
            return await self._look_up(next(iter(indexes)), keys, fields, token, mode)
        parts = await asyncio.gather(
            *(
                self._look_up(shard, [keys[index] for index in chunk], fields, token, mode)
                for shard, chunk in indexes.items()
            )
        )
        lookups = [part for part in parts if part is not None]
        return _join(lookups, list(indexes.values())) if len(lookups) == len(parts) else None

    async def _look_up(
        self, shard: int, keys: Sequence[str], fields: Sequence[CacheField], token: str, mode: Mode
    ) -> CacheLookup | None:
        for _ in range(_ATTEMPTS):
            parts = await self._look_up_parts(shard, keys, fields, token, mode)
            if parts is None:
                return None
            if all(part.epochs[0] == parts[0].epochs[0] for part in parts):
                return _join(parts, list(_chunks(range(len(keys)), len(fields))))
        return None  # sources are invalidated faster than they can be looked up

    async def _look_up_parts(
        self, shard: int, keys: Sequence[str], fields: Sequence[CacheField], token: str, mode: Mode
    ) -> list[CacheLookup] | None:
        names = [self._name(field) for field in fields]
        parts: list[CacheLookup] = []
        for chunk in _chunks(keys, len(fields)):
            clock_ms = self._clocks_ms[shard]
            deadline = time.monotonic() * 1000 + clock_ms + self._timeout_s * 1000 if clock_ms else 0
            arguments = [token, self._lease_ms, int(deadline), mode, len(names), *names]
            arguments += _sources(fields)
            if any(field.is_brief for field in fields):
                arguments += ["1" if field.is_brief else "" for field in fields]
            call = self._shards[shard].run(scripts.LOOK_UP, ["epochs", *map(_object, chunk)], arguments)
            reply = await self._breaker.call(call)
            if reply is None:
                return None
            try:
                parts.append(_parse_reply(token, reply, len(chunk), fields))
            except (ValueError, TypeError, IndexError, AttributeError) as error:
                self._breaker.trip(error)
                return None
            self._clocks_ms[shard] = parts[-1].now_ms - time.monotonic() * 1000
        return parts

    async def put(
        self, keys: Sequence[str], fields: Sequence[CacheField], token: str, texts: Sequence[Sequence[bytes]]
    ) -> int:
        """Write the texts of values whose lease has this token, and give the leases back; `b""` writes nothing.

        Returns the number of texts that were accepted: not those whose lease has ended or was invalidated. Where Redis
        cannot be asked, the leases are given back once it answers again, so that nobody waits for their end.
        """
        indexes = self._shards.places(keys)
        if len(indexes) == 1:
            return await self._put(next(iter(indexes)), keys, fields, token, texts)
        taken = await asyncio.gather(
            *(
                self._put(shard, [keys[index] for index in chunk], fields, token, [texts[index] for index in chunk])
                for shard, chunk in indexes.items()
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
        names = [self._name(field) for field in fields]
        keep_ms = 1000 * max(_keep_s(field) for field in fields)
        taken = index = 0
        for chunk in _chunks(keys, len(fields)):
            arguments: list[Any] = [token, keep_ms, len(names), *names]
            arguments += chain.from_iterable(texts[index : index + len(chunk)])
            index += len(chunk)
            call = self._shards[shard].run(scripts.PUT, list(map(_object, chunk)), arguments)
            count = await self._breaker.call(call)
            if count is None:
                self._lost.append(_LostLeases(time.monotonic() + self.lease_s, shard, chunk, names, token))
            taken += count or 0
        return taken

    async def close(self) -> None:
        """Stop probing Redis."""
        await self._breaker.close()

    def _name(self, field: CacheField) -> str:
        return f"{self._version}.{field.name}"

    async def _probe(self) -> None:
        await self._redis.find_servers()
        look_up = (scripts.LOOK_UP, ["epochs", _object("none")], ["0" * 32, 1, 0, "load", 1, "0", 1, "0", "1"])
        await asyncio.gather(*(shard.run(*look_up) for shard in self._shards))
        await self._give_back_lost()

    async def _give_back_lost(self) -> None:
        """Give back what an outage has left leased. What fails is not tried again: it ends by itself."""
        while self._lost:
            few = [self._lost.popleft() for _ in range(min(len(self._lost), _GIVEN_BACK_TOGETHER))]
            await asyncio.gather(*(self._give_back(lost) for lost in few if time.monotonic() < lost.ends))

    async def _give_back(self, lost: _LostLeases) -> None:
        arguments = [lost.token, 0, len(lost.names), *lost.names, *[b""] * (len(lost.names) * len(lost.keys))]
        await self._shards[lost.shard].run(scripts.PUT, list(map(_object, lost.keys)), arguments)


def _chunks(sequence: Sequence[T], fields: int) -> Iterator[Sequence[T]]:
    size = max(1, _FIELDS_PER_SCRIPT // fields)
    return (sequence[index : index + size] for index in range(0, len(sequence), size))


def _join(parts: Sequence[CacheLookup], rows_of_part: Sequence[Sequence[int]]) -> CacheLookup:
    """Join the parts: each row at its index in `rows_of_part`, with the clock of the earliest part."""
    if len(parts) == 1:
        return parts[0]
    total = sum(map(len, rows_of_part))
    lookup = CacheLookup(parts[0].token, min(part.now_ms for part in parts), [[]] * total, [[]] * total)
    for part, of_part in zip(parts, rows_of_part, strict=True):
        for index, row, epochs in zip(of_part, part.rows, part.epochs, strict=True):
            lookup.rows[index], lookup.epochs[index] = row, epochs
        for column, rows in part.leased.items():
            lookup.leased[column] += [of_part[row] for row in rows]
        lookup.usable |= {(of_part[index], column): entry for (index, column), entry in part.usable.items()}
    for leased in lookup.leased.values():
        leased.sort()
    return lookup


def _sources(fields: Sequence[CacheField]) -> list[Any]:
    """Return the number of distinct sources, the sources, and for each field the 1-based numbers of its sources."""
    numbers: dict[str, int] = {}
    lists = [",".join(str(numbers.setdefault(each, len(numbers) + 1)) for each in field.sources) for field in fields]
    return [len(numbers), *numbers, *lists]


def _object(key: str) -> str:
    return f"o:{key}"


def _keep_s(field: CacheField) -> int:
    freshness = field.freshness
    return 2 * (freshness.fresh_s + max(freshness.stale_while_revalidate_s, freshness.stale_if_error_s))


def _parse_reply(token: str, reply: Any, count: int, fields: Sequence[CacheField]) -> CacheLookup:
    """Parse the reply for `count` objects, decoding all texts in one call.

    Raises ValueError, TypeError, IndexError or AttributeError for a malformed reply.
    """
    now_ms, epochs, *rows = reply
    if not set(map(len, (epochs, *rows))) <= {len(fields)} or len(rows) != count or set(map(type, epochs)) != {bytes}:
        raise ValueError(f"The reply is not that of {count} objects with {len(fields)} fields.")
    lookup = CacheLookup(token, int(now_ms), [epochs] * len(rows), [])
    texts: list[bytes] = []
    whole = {bytes}
    for row in rows:
        texts += row if set(map(type, row)) == whole else [_text(cell) for cell in row]
    read = iter(entries(texts, [*fields] * len(rows)))
    for index, row in enumerate(rows):
        entry_row = [next(read) for _ in fields]
        lookup.rows.append(entry_row)
        if set(map(type, row)) != whole or None in entry_row:
            _add_missing(lookup, index, row, entry_row)
    return lookup


_NOTHING = b"0" * 55 + b"null"


def _text(cell: Any) -> bytes:
    if type(cell) is list:
        _, text = cell
        if type(text) is not bytes:
            raise TypeError(f"In the reply, the text of a field is {type(text).__name__}.")
        return text
    return cell if type(cell) is bytes else _NOTHING


def _add_missing(lookup: CacheLookup, index: int, row: Sequence[Any], entry_row: list[Entry | None]) -> None:
    """Record which values of a row are missing, which of them are leased, and which are usable on error."""
    for column, cell in enumerate(row):
        if type(cell) is bytes:
            if entry_row[column] is None:  # malformed: it is loaded, and Redis keeps the text until it expires
                lookup.leased[column].append(index)
            continue
        state = cell[0] if type(cell) is list else cell
        if state not in (0, 1):
            raise ValueError(f"In the reply, the state of a field is {state!r}.")
        usable, entry_row[column] = entry_row[column], None
        if type(cell) is list and usable is not None:
            lookup.usable[index, column] = usable
        if state == 1:
            lookup.leased[column].append(index)
