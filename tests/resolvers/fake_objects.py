"""An object loader in memory, which notes what is loaded together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.model.key_spaces import KeySpace
from loaders.objects.object_loader import ObjectLoader
from loaders.objects.object_record import ObjectRecord, Values
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError

Row = Mapping[str, Any]
Answer = Callable[[Any, SectionRequest], Any]
"""(key, request) to a row, a list of rows, or None."""


@dataclass(slots=True)
class FakeObjects:
    """Answers sections by name. A section whose answer is a StoreError fails.

    `loads` has what was asked of each load: the key space, the keys, and the names of the sections.
    """

    answers: Mapping[str, Answer | StoreError]
    loads: list[tuple[str, list[Any], list[str]]] = field(default_factory=list)
    requests: list[frozenset[SectionRequest]] = field(default_factory=list)
    held: asyncio.Event | None = None
    """Loads wait for it, all but the first one."""

    async def load(self, key: tuple[KeySpace, tuple[Any, ...], frozenset[SectionRequest]]) -> list[ObjectRecord]:
        """Return a record for each key, as the loader does."""
        space, keys, requests = key
        self.loads.append((space.name, list(keys), sorted(request.section.name for request in requests)))
        self.requests.append(requests)
        if self.held is not None and len(self.loads) > 1:
            await self.held.wait()
        places = {each: place for place, each in enumerate(dict.fromkeys(keys))}
        values = {request: self._column(request, list(places)) for request in requests}
        return [ObjectRecord(each, values, places[each]) for each in keys]

    def clear_all(self) -> None:
        """Forget nothing: nothing is remembered."""

    def _column(self, request: SectionRequest, keys: Sequence[Any]) -> Values | StoreError:
        answer = self.answers[request.section.name]
        if isinstance(answer, StoreError):
            return answer
        return [_written(request, answer(key, request)) for key in keys]


def _written(request: SectionRequest, value: Any) -> Any:
    if isinstance(value, list):
        return [_tuple(request, row) for row in value[: request.limit]]
    return None if value is None else _tuple(request, value)


def _tuple(request: SectionRequest, row: Row) -> tuple[Any, ...]:
    """Return a row in the order of the section's columns, and what it is ordered by behind them."""
    return (*(row.get(column.name) for column in request.section.columns), *row.get("order", ()))


@dataclass(slots=True)
class FakeTenant:
    """A viewer's tenant."""

    value: Any

    @property
    def text(self) -> str:
        """The text of its key."""
        return str(self.value)


@dataclass(slots=True)
class FakeLoaders:
    """The loaders of one request."""

    objects: FakeObjects | ObjectLoader
    tenant: FakeTenant | None = None
    anew: Callable[[], ObjectLoader] | None = None
    """Makes a loader with nothing loaded; without it there is one loader, which never remembers anything."""

    def uncached(self) -> FakeLoaders:
        """Return loaders with nothing loaded."""
        return self if self.anew is None else FakeLoaders(self.anew(), self.tenant, self.anew)

    async def release(self) -> None:
        """Drop nothing."""
