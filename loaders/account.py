"""What one request's answer is made of: for its headers, for whoever keeps it, and for whoever asks."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

import orjson

_PAUSE_EVERY = 100
"""Rows or columns that are measured without letting others have their turn."""


@dataclass(slots=True)
class Account:
    """Filled in while a request is answered.

    `keys` and `sources` are what the answer depends on, as they are invalidated. `fresh_until` is until when the least
    fresh of it is fresh, in seconds of the monotonic clock; None where nothing of it was cached. `is_kept` is whether
    all of it may be: not what was asked of a store by way of no cache.
    """

    keys: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    fresh_until: float | None = None
    stale_while_revalidate_s: int = 0
    """How long after that the least patient part of it may be served while it is refreshed."""
    is_kept: bool = True
    statements: Counter[str] = field(default_factory=Counter)
    """By store."""
    rows: Counter[str] = field(default_factory=Counter)
    """Of the stores' answers, by store."""
    measures_bytes: bool = False
    """Whether anybody wants to know `bytes`, which take time to measure."""
    bytes: Counter[str] = field(default_factory=Counter)
    """Of the stores' answers written as JSON, by store: each store has an encoding of its own on the wire."""
    fields: dict[str, Counter[str]] = field(default_factory=dict)
    """By name of the field, how many objects' values were fresh, stale or missed (and so loaded)."""
    fused: list[Sequence[str]] = field(default_factory=list)
    """The sections of each statement that was sent for this request."""

    def depends_on(self, keys: Iterable[str], sources: Iterable[str], fresh_until: float, stale_s: int) -> None:
        """Note what was read of the cache; `stale_s` is how long it may be served stale."""
        self.keys.update(keys)
        self.sources.update(sources)
        first = self.fresh_until is None
        self.fresh_until = fresh_until if first else min(fresh_until, self.fresh_until or 0.0)
        self.stale_while_revalidate_s = stale_s if first else min(stale_s, self.stale_while_revalidate_s)

    def note(self, name: str, state: str, objects: int) -> None:
        """Note how many objects' values of a field were in a state."""
        if objects:
            self.fields.setdefault(name, Counter())[state] += objects

    def report(self) -> dict[str, object]:
        """What whoever asks is told: what each store answered, which sections each statement fused, where from."""
        return {
            "statements": dict(self.statements),
            "rows": dict(self.rows),
            "bytes": dict(self.bytes),
            "fused": [list(together) for together in self.fused],
            "cached": [{"section": name, **counts} for name, counts in self.fields.items()],
        }

    def fresh_for_s(self) -> float:
        """Seconds that the whole answer is fresh for, 0 where some of it is stale or was not cached."""
        if self.fresh_until is None or not self.is_kept:
            return 0.0
        return max(0.0, self.fresh_until - time.monotonic())


_current: ContextVar[Account | None] = ContextVar("account", default=None)


def begin() -> Account:
    """A new account, for this task and those that it begins."""
    account = Account()
    _current.set(account)
    return account


def current() -> Account | None:
    """The account of the request that this is done for, if any."""
    return _current.get()


def not_kept() -> None:
    """Note that the answer holds what no cache keeps."""
    account = _current.get()
    if account is not None:
        account.is_kept = False


async def sent(store: str, rows: int, answer: Iterable[Iterable[object]]) -> None:
    """Note a statement and its answer, which is rows or columns."""
    account = _current.get()
    if account is None:
        return
    account.statements[store] += 1
    account.rows[store] += rows
    if account.measures_bytes:
        for count, part in enumerate(answer):
            account.bytes[store] += len(orjson.dumps(tuple(part), default=str))
            if count % _PAUSE_EVERY == 0:
                await asyncio.sleep(0)
