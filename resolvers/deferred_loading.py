"""Load what only deferred parts of an answer ask after all else, and await it where it is completed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from typing import Any, cast

from loaders.objects.object_record import ObjectRecord, Values
from loaders.objects.section_error import SectionError
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError

Loading = Coroutine[Any, Any, Sequence[ObjectRecord]]


class DeferredValue:
    """A section of one object that is being loaded. Awaited, it is the section's value, or raises its error.

    It is no coroutine: where nothing awaits it, since the client has left, nothing is warned of.
    """

    __slots__ = ("_load", "_place", "_read", "_request")

    def __init__(
        self, load: _Load, request: SectionRequest, place: int, read: Callable[[Any], Any] | None = None
    ) -> None:
        self._load = load
        self._request = request
        self._place = place
        self._read = read

    def __await__(self) -> Generator[Any, None, Any]:
        yield from self._load.done().__await__()
        value = self._load.value(self._request, self._place)
        return value if self._read is None else self._read(value)

    def then(self, read: Callable[[Any], Any]) -> DeferredValue:
        """Return the value as the function converts it once it is loaded."""
        return DeferredValue(self._load, self._request, self._place, read)


def when_loaded(values: Sequence[Any], read: Callable[[Sequence[Any]], Sequence[Any]]) -> Sequence[Any]:
    """Return the values of one field as the function converts them, in order: at once, or once they are loaded."""
    if values and isinstance(values[0], DeferredValue):
        return [value.then(lambda each: read([each])[0]) for value in values]
    return read(values)


class _Load:
    """Sections of objects that are being loaded, by the places that the objects have in what was loaded before."""

    def __init__(self, records: Sequence[ObjectRecord], loading: Loading) -> None:
        self._index = {record.place: index for index, record in enumerate(records)}
        self.task = asyncio.create_task(loading)

    async def done(self) -> None:
        """Return when it is loaded or has failed. A waiter may be cancelled without the others."""
        await asyncio.wait((self.task,))

    def value(self, request: SectionRequest, place: int) -> Any:
        return self.task.result()[self._index[place]].get(request)


class _Column:
    """A request's values by place: each awaitable as long as they are being loaded."""

    __slots__ = ("_load", "_request")

    def __init__(self, load: _Load, request: SectionRequest) -> None:
        self._load = load
        self._request = request

    def __getitem__(self, place: int) -> Any:
        if self._load.task.done():
            try:
                return self._load.value(self._request, place)
            except SectionError as error:
                return error
        return DeferredValue(self._load, self._request, place)


class DeferredLoads:
    """The loads in progress for the deferred parts of one request's answer."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Sequence[ObjectRecord]]] = []
        self._values: list[dict[SectionRequest, Values | StoreError]] = []
        self._loads: dict[int, _Load] = {}

    def begin(self, records: Sequence[ObjectRecord], requests: Iterable[SectionRequest], loading: Loading) -> None:
        """Give objects (one or more, loaded together) these requests too, whose values `loading` will have.

        It has to answer the same objects in the same order.
        """
        load = _Load(records, loading)
        values = records[0].values
        values.update({request: cast("Values", _Column(load, request)) for request in requests})
        self._tasks.append(load.task)
        self._values.append(values)
        self._loads[id(values)] = load

    def loading(self, source: object) -> Coroutine[Any, Any, None] | None:
        """Return what to wait for before an object with deferred fields is completed; then all its values are there.

        None where nothing is missing. The source is an object, what its groups are resolved from, or anything else.
        """
        if type(source) is tuple and source:
            source = source[0]
        load = self._loads.get(id(source.values)) if isinstance(source, ObjectRecord) else None
        return None if load is None or load.task.done() else load.done()

    async def release(self) -> None:
        """Stop loading, and drop what has come."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._loads.clear()
        for values in self._values:
            values.clear()
        self._values.clear()
