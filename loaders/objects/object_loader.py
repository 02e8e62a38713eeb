"""Objects by their keys: few statements for all that is asked in one tick."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

from aiodataloader import DataLoader

from loaders.concurrency import cancel_within, gather
from loaders.errors import CallerError
from loaders.model.key_spaces import KeySpace
from loaders.objects.object_record import ObjectRecord, Values, make_records
from loaders.objects.object_statements import MANY_KEYS, valid_keys
from loaders.statements.planning import unified
from loaders.statements.section_request import SectionRequest, merged
from loaders.stores.errors import StoreError

LoadKey = tuple[KeySpace, tuple[Any, ...], frozenset[SectionRequest]]
"""Keys of one space that are asked for together, and what is asked of each of them.

One loader key, and so one future, for all objects of a field: a future each costs more than all else that is done for
it.
"""

MAX_OBJECTS = 10_000
"""Different objects of one key space that are loaded at once."""

_Columns = dict[SectionRequest, Values | StoreError]


class ObjectSource(Protocol):
    """A source of objects: the databases, or a cache before them."""

    async def load(
        self, space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest]
    ) -> Mapping[SectionRequest, Values | StoreError]:
        """Return the values of each request in the order of the keys, or the error that kept them from being loaded."""
        ...


class ObjectLoader:
    """Loads what all loader keys of a tick ask for, those of a key space fused: each statement binds the keys once.

    Every key of the tick is asked all requests of the tick for its space, since one statement for all is cheaper than
    one for each different set. Sections that are equal but for their names are loaded once.
    """

    def __init__(self, source: ObjectSource) -> None:
        self._batches = _Batches(source)
        self._handed_out: list[tuple[int, _Columns]] = []
        self._released = False

    async def load(self, key: LoadKey) -> list[ObjectRecord]:
        """Return the records of a loader key, in the order of its keys, those of an unknown object too.

        An object exists if the request of its record answers a row. The columns belong to these records alone: who
        loads the same again has others.
        """
        loaded = await asyncio.shield(self._batches.load(key))  # others may wait for the same
        columns = dict(loaded.columns)
        if not self._released:  # a request may have ended in an error while this was being loaded
            self._handed_out.append((len(loaded.places), columns))
        return make_records(key[1], columns, loaded.places)

    def clear_all(self) -> None:
        """Forget loaded objects, so that later requests load them again."""
        self._batches.clear_all()

    async def release(self) -> None:
        """Cancel what is being loaded, and forget what was; where it is much, others get the event loop in between."""
        self._released = True
        await self._batches.release()
        for count, columns in self._handed_out:
            while columns:
                columns.popitem()
                if count > MANY_KEYS:
                    await asyncio.sleep(0)
        self._handed_out.clear()


class _Loaded(NamedTuple):
    """The result for a loader key: values of each request, and the place of each key in these."""

    columns: _Columns
    places: Sequence[int]


class _Batches(DataLoader[LoadKey, _Loaded]):
    """The loader keys of a tick. Equal ones are answered by the same columns."""

    def __init__(self, source: ObjectSource) -> None:
        super().__init__()
        self._source = source
        self._running: set[asyncio.Task[Any]] = set()
        self._is_released = False

    async def release(self) -> None:
        """Cancel the batches that are being loaded, and load no more. What was loaded is forgotten."""
        self._is_released = True
        for future in self._cache.values():
            future.cancel()  # whoever still waits, though its request has ended
        self.clear_all()
        if self._running:
            await cancel_within(self._running, 0)

    def get_cache_key(self, key: LoadKey) -> Any:
        """Return the key by which a loader key is remembered: wanted columns tell equal requests apart."""
        space, keys, requests = key
        return space, keys, frozenset((request, request.columns) for request in requests)

    async def batch_load_fn(self, keys: list[LoadKey]) -> list[_Loaded]:
        """Return what was loaded for each loader key, in order."""
        task = asyncio.current_task()
        if task is None or self._is_released:
            raise asyncio.CancelledError  # nobody waits any more
        self._running.add(task)
        try:
            return await self._load_all(keys)
        except asyncio.CancelledError:
            if task.cancelling():
                raise
            raise RuntimeError("What was being loaded was cancelled, and its request was not.") from None
        finally:
            self._running.discard(task)
            del task  # the frame of a cancellation holds it, and it holds the cancellation

    async def _load_all(self, keys: list[LoadKey]) -> list[_Loaded]:
        # By place: loader keys that differ in the wanted columns alone are equal.
        spaces: defaultdict[KeySpace, list[int]] = defaultdict(list)
        for place, (space, _, _) in enumerate(keys):
            spaces[space].append(place)
        loaded = await gather(
            [self._load(space, [keys[place] for place in places]) for space, places in spaces.items()]
        )
        results: dict[int, _Loaded] = {}
        for places, of_space in zip(spaces.values(), loaded, strict=True):
            results.update(zip(places, of_space, strict=True))
        return [results[place] for place in range(len(keys))]

    async def _load(self, space: KeySpace, together: Sequence[LoadKey]) -> list[_Loaded]:
        keys = list(dict.fromkeys(chain.from_iterable(some for _, some, _ in together)))
        if len(keys) > MAX_OBJECTS:
            message = f"A request can be for {MAX_OBJECTS:,} different objects of a type, and this one is for"
            raise CallerError(f"{message} {len(keys):,}.")
        asked = merged(request for _, _, requests in together for request in requests)
        loaded_for = unified(asked)
        values = await self._values(space, keys, merged(loaded_for.values()))
        result: list[_Loaded] = []
        for load_key in together:
            columns = {request: values[loaded_for[request]] for request in load_key[2]}
            result.append(_part(columns, keys, load_key[1]))
        return result

    async def _values(self, space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest]) -> _Columns:
        """Return the values of all keys; those that no database can hold are unknown objects, and are not sent."""
        known = valid_keys(space.key, keys)
        if not known:
            return {request: [nothing_of(request)] * len(keys) for request in requests}
        values = dict(await self._source.load(space, known, requests))
        if len(known) < len(keys):
            places = {key: place for place, key in enumerate(known)}
            for request, column in values.items():
                if not isinstance(column, StoreError):
                    nothing = nothing_of(request)
                    values[request] = [column[places[key]] if key in places else nothing for key in keys]
        return values


def nothing_of(request: SectionRequest) -> Any:
    """Return the request's value for an object without rows."""
    if request.is_list:
        return []
    return None if request.section.is_nullable else request.section.empty


def _part(columns: _Columns, keys: Sequence[Any], asked: Sequence[Any]) -> _Loaded:
    """Return the columns for the requested keys only."""
    own = list(dict.fromkeys(asked))
    if own != keys:
        columns = _taken(columns, keys, own)
    if len(own) == len(asked):
        return _Loaded(columns, range(len(own)))
    places = {key: place for place, key in enumerate(own)}
    return _Loaded(columns, [places[key] for key in asked])


def _taken(columns: _Columns, keys: Sequence[Any], own: Sequence[Any]) -> _Columns:
    """Return the columns of some of the keys."""
    places = {key: place for place, key in enumerate(keys)}
    rows = [places[key] for key in own]
    return {
        request: values if isinstance(values, StoreError) else [values[row] for row in rows]
        for request, values in columns.items()
    }
