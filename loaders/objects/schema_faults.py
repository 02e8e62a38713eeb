"""Parts of a model's sections that the databases of this process can no longer read, found once and looked at again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any

from loaders.concurrency import cancel_and_wait
from loaders.deadline import time_limit
from loaders.lru_cache import LRUCache
from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Database
from loaders.objects.section_fault import Sample, SectionFault, UnreadableSection
from loaders.objects.statement_check import Mismatches, StatementCheck, Store
from loaders.statements.argument_values import picked_values
from loaders.statements.example_requests import with_examples
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.partial_sections import WHOLE, Part, origin_of, parts_of, without_columns
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import ColumnUnavailable, StoreError

_MAX_PARTS = 1_000
"""Parts of sections that are remembered as missing. Statements that name others fail as a whole."""
_EXAMINATION_S = 10.0
"""How long an examination may take, which waits for its turn on the same connections as statements do."""
_VAIN_S = 5.0
"""How long a statement is not examined again in which nothing was found."""
_MAX_EXAMINED = 256
"""Statements that are remembered as examined."""
_FIRST_PAUSE_S, _PAUSE_S, _MAX_PAUSE_S = 0.5, 5.0, 300.0
"""How long after a fault was found it is looked at again: twice as long each time, up to the second of these, and after
`_OFTEN_S` up to the third."""
_OFTEN_S = 60.0
"""How long a fault is looked at often: while a migration runs, not where nobody puts back what is missing."""
_AT_ONCE = 4
"""Sections that are looked at side by side."""

_log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class Split:
    """How a request is answered whose section lacks columns: `partial` has all others."""

    partial: SectionRequest
    columns: frozenset[str]
    error: ColumnUnavailable


@dataclass(frozen=True, slots=True)
class _Examination:
    """When a statement was last examined, by the version that this made and the monotonic clock."""

    version: int
    ended_at: float
    was_in_vain: bool


_Key = tuple[BoundSection, tuple[tuple[str, Any], ...]]
"""A section, and the values of the arguments that pick its SQL."""


class SchemaFaults:
    """The faults of one process; false while there are none, which is all that a request then looks at.

    A statement that names what its database does not have is examined once, whoever else sends it: statements are
    prepared until the sections are known that are at fault, and their columns, filters and orders. With `heals`, each
    is looked at again in the background until it can be read.
    """

    def __init__(self, stores: Mapping[Database, Store], *, heals: bool = False) -> None:
        self.version = 0
        """Grows with each examination, so that it says whether one has ended since a statement was sent."""
        self._stores = stores
        self._heals = heals
        self._faults: dict[_Key, SectionFault] = {}
        self._running: dict[str, asyncio.Task[bool]] = {}
        self._examined: LRUCache[str, _Examination] = LRUCache(max_entries=_MAX_EXAMINED)
        self._healing: dict[_Key, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def __bool__(self) -> bool:
        return bool(self._faults)

    def error_of(self, request: SectionRequest) -> ColumnUnavailable | None:
        """Return why a request is not sent; None for one that may be."""
        section, missing = origin_of(request.section)
        fault = self._faults.get(_key(request, section))
        if fault is None:
            return None
        wanted = {each.name for each in section.columns if request.wants(each)} - missing
        return fault.error if fault.blocks(request) or fault.columns & wanted else None

    def errors_of(self, requests: Iterable[SectionRequest]) -> dict[SectionRequest, ColumnUnavailable]:
        """Return why requests are not sent, for those that may not be."""
        errors = {request: self.error_of(request) for request in requests}
        return {request: error for request, error in errors.items() if error is not None}

    def split(self, request: SectionRequest) -> Split | None:
        """Return how a request is answered without the columns that are missing; None where it is not split."""
        fault = self._faults.get(_key(request, request.section))
        if fault is None or not fault.columns or fault.blocks(request):
            return None
        partial = replace(request, section=without_columns(fault.section, fault.columns))
        return Split(partial, fault.columns, fault.error)

    def unreadable(self) -> list[UnreadableSection]:
        """Return what cannot be read, by the names of sections."""
        return sorted((fault.shown() for fault in self._faults.values()), key=lambda each: each.section)

    async def examine(self, text: str, requests: Sequence[SectionRequest], scope: StatementScope, sent_at: int) -> bool:
        """Find what of a statement cannot be read that was sent at a version. Return whether to send it once more.

        Statements of the same text share an examination. Raises TimeoutError at the deadline of the current task.
        """
        last = self._examined.get(text)
        if last is not None and last.version > sent_at:
            return True
        task = self._running.get(text)
        if task is None:
            if last is not None and last.was_in_vain and time.monotonic() - last.ended_at < _VAIN_S:
                return False
            task = asyncio.create_task(self._examine(text, requests, scope.tenant), context=Context())
            self._running[text] = task
            task.add_done_callback(lambda _: self._running.pop(text, None))
        async with time_limit(_EXAMINATION_S):
            return await asyncio.shield(task)

    async def find(self, requests: Sequence[SectionRequest], tenant: TenantScope | None) -> bool:
        """Find what of some requests with the same keys cannot be read, whatever their values are.

        Return whether anything was found, and is remembered. Raises StoreError where a database does not answer.
        """
        check, was_found = StatementCheck.of(self._stores, requests[0].section, tenant), False
        for request in await check.failing(list(map(with_examples, requests))):
            whole = replace(request.whole(), section=origin_of(request.section)[0])
            was_found |= self._remember(whole, check.scope, await check.parts(whole))
        return was_found

    async def close(self) -> None:
        """Stop looking at the databases."""
        await cancel_and_wait([*self._running.values(), *self._healing.values()])

    async def _examine(self, text: str, requests: Sequence[SectionRequest], tenant: TenantScope | None) -> bool:
        try:
            async with asyncio.timeout(_EXAMINATION_S):
                was_found = await self.find(requests, tenant)
        except (StoreError, TimeoutError):  # nothing is known, and a later statement that fails may find it out
            self._examined.put(text, _Examination(self.version, time.monotonic(), was_in_vain=True))
            return False
        except Exception:  # a mistake here must not fail more than the statement did
            _log.exception("A statement that was refused could not be examined.")
            was_found = False
        self.version += 1
        self._examined.put(text, _Examination(self.version, time.monotonic(), was_in_vain=not was_found))
        return True

    def _remember(self, request: SectionRequest, scope: StatementScope, mismatches: Mismatches) -> bool:
        """Set which parts of a request cannot be read, and return whether there are any, and room for them."""
        key = _key(request, request.section)
        fault = self._faults.get(key) or SectionFault(request.section)
        was = set(fault.parts)
        if WHOLE not in mismatches:
            for part in (WHOLE, *parts_of(request)):
                fault.parts.pop(part, None)
        room = _MAX_PARTS - sum(len(each.parts) for each in self._faults.values())
        for part, error in list(mismatches.items())[: max(0, room)]:
            fault.parts[part] = Sample(_sample(request, part), scope, error, time.time())
        self._settle(key, fault)
        if set(fault.parts) - was:
            self._look_often(key, fault)
            _log.warning("Not answered until it is there again: %s", fault.error)
        return bool(mismatches) and len(mismatches) <= room

    def _settle(self, key: _Key, fault: SectionFault) -> None:
        if not fault.parts:
            self._faults.pop(key, None)
            return
        fault.settle()
        self._faults[key] = fault

    def _look_often(self, key: _Key, fault: SectionFault) -> None:
        """Look at a fault again, as of now."""
        if not self._heals:
            return
        if key in self._healing:
            self._healing[key].cancel()
        self._healing[key] = asyncio.create_task(self._heal(key, fault), context=Context())

    async def _heal(self, key: _Key, fault: SectionFault) -> None:
        """Look at a fault again, until it is none."""
        try:
            for pause_s in _pauses():
                await asyncio.sleep(pause_s)
                async with self._turns:
                    await self._look_again(key, fault)
                if self._faults.get(key) is not fault:
                    return
        finally:
            if self._healing.get(key) is asyncio.current_task():
                del self._healing[key]

    async def _look_again(self, key: _Key, fault: SectionFault) -> None:
        healed = [part for part, sample in list(fault.parts.items()) if await self._is_healed(fault, part, sample)]
        healed = [part for part in healed if part in fault.parts]
        if not healed or self._faults.get(key) is not fault:
            return
        shown = fault.shown(healed)
        for part in healed:
            del fault.parts[part]
        self._settle(key, fault)
        _log.warning("%s can be read again.", shown.subject)

    async def _is_healed(self, fault: SectionFault, part: Part, sample: Sample) -> bool:
        try:
            async with asyncio.timeout(_EXAMINATION_S):
                return await StatementCheck(self._stores, sample.scope).part(sample.request, part) is None
        except (StoreError, TimeoutError):  # the store is away or late, and nothing is known
            return False
        except Exception:  # the other parts are to be looked at all the same
            _log.exception("%s could not be looked at again.", fault.section.name)
            return False


def _pauses() -> Iterator[float]:
    """Yield the pauses before a fault is looked at again, without end."""
    pause_s, total_s = _FIRST_PAUSE_S, 0.0
    while True:
        yield pause_s
        total_s += pause_s
        pause_s = min(2 * pause_s, _PAUSE_S if total_s < _OFTEN_S else _MAX_PAUSE_S)


def _key(request: SectionRequest, section: BoundSection) -> _Key:
    return section, tuple(sorted(picked_values(request).items()))


def _sample(request: SectionRequest, part: Part) -> SectionRequest:
    """Return a request that has a part, without the filters that the part does not need."""
    filters = tuple((name, value) for name, value in request.filters if part == Part("filter", name))
    return replace(request, filters=filters)
