"""What only deferred parts of an answer ask: loaded after all else, and awaited where it is completed."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from typing import Any, cast

from loaders.planning import SectionRequest, Values
from loaders.sections import Loaded
from loaders.stores.errors import StoreError

Loading = Coroutine[Any, Any, Sequence[Loaded]]


class DeferredValue:
    """A section of one aircraft that is being loaded. Awaited, it is the section's value, or raises its fault.

    Not a coroutine: one that nobody comes to await, since its client has left, warns of nothing.
    """

    __slots__ = ("_load", "_place", "_read", "_request")

    def __init__(
        self, load: "_Load", request: SectionRequest, place: int, read: Callable[[Any], Any] | None = None
    ) -> None:
        self._load = load
        self._request = request
        self._place = place
        self._read = read

    def __await__(self) -> Generator[Any, None, Any]:
        yield from self._load.done().__await__()
        value = self._load.value(self._request, self._place)
        return value if self._read is None else self._read(value)

    def then(self, read: Callable[[Any], Any]) -> "DeferredValue":
        """What the function makes of the value."""
        return DeferredValue(self._load, self._request, self._place, read)


def when_there(values: Sequence[Any], read: Callable[[Sequence[Any]], Sequence[Any]]) -> Sequence[Any]:
    """What the function makes of values of one field, in order: of those that are being loaded, once they are there."""
    if values and isinstance(values[0], DeferredValue):
        return [value.then(lambda one: read([one])[0]) for value in values]
    return read(values)


class _Load:
    """Sections of aircraft, on their way; by the places that the aircraft have in what was loaded before."""

    def __init__(self, aircraft: Sequence[Loaded], loading: Loading) -> None:
        self._at = {one.place: at for at, one in enumerate(aircraft)}
        self.task = asyncio.create_task(loading)

    async def done(self) -> None:
        """Returns when it is, or has failed. Whoever waits may be cancelled without the others."""
        await asyncio.wait((self.task,))

    def value(self, request: SectionRequest, place: int) -> Any:
        return self.task.result()[self._at[place]].get(request)


class _Column:
    """A request's values by place: each awaitable as long as they are being loaded."""

    __slots__ = ("_load", "_request")

    def __init__(self, load: _Load, request: SectionRequest) -> None:
        self._load = load
        self._request = request

    def __getitem__(self, place: int) -> Any:
        if self._load.task.done():
            return self._load.value(self._request, place)
        return DeferredValue(self._load, self._request, place)


class Deferred:
    """What is being loaded for the deferred parts of one request's answer."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Sequence[Loaded]]] = []
        self._values: list[dict[SectionRequest, Values | StoreError]] = []
        self._loads: dict[int, _Load] = {}

    def begin(self, aircraft: Sequence[Loaded], requests: Iterable[SectionRequest], loading: Loading) -> list[Loaded]:
        """The aircraft (one or more, loaded together) with these requests too, whose values `loading` will have.

        It answers the same aircraft in the same order.
        """
        load = _Load(aircraft, loading)
        columns = {one: cast("Values", _Column(load, one)) for one in requests}
        values = {**aircraft[0].values, **columns}
        self._tasks.append(load.task)
        self._values.append(values)
        self._loads[id(values)] = load
        return [Loaded(one.tail_number, values, one.place) for one in aircraft]

    def loading(self, source: object) -> Coroutine[Any, Any, None] | None:
        """What to wait for before an object with deferred fields is completed: then all of its values are there.

        None where nothing is missing. The object is what aircraft or their analysis are resolved from, or any other.
        """
        if type(source) is tuple and source:
            source = source[0]
        load = self._loads.get(id(source.values)) if isinstance(source, Loaded) else None
        return None if load is None or load.task.done() else load.done()

    async def release(self) -> None:
        """Wait for nothing any more, and let go of what has come. A statement that was sent is not cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._loads.clear()
        for values in self._values:
            values.clear()
        self._values.clear()
