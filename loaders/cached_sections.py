"""Sections by way of the cache: what is cached of each, and how the stores are asked for the rest."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson

from loaders.airlines import AirlineByCodeLoader
from loaders.airports import AirportByCodeLoader
from loaders.cache.cache import Cache
from loaders.cache.fields import CacheField
from loaders.cache.in_flight_load import KeysByField, LoadedValues
from loaders.cache.invalidation import EVERYTHING, Change
from loaders.catalogue import SECTIONS
from loaders.catalogue.declaration import Kind, ListSection, Section
from loaders.errors import CallerError
from loaders.keys import valid_keys
from loaders.planning import SectionRequest, Values
from loaders.records import FRESHNESS
from loaders.section_statements import SectionStatements
from loaders.stores.errors import StoreError

_MAX_FIELDS = 4_096
"""Requests whose fields are remembered: periods, limits and cursors make ever new ones."""
_PREFIX = "aircraft:"
RECORDS = frozenset({"airline", "airport"})
"""Sources of records, that sections lead to."""


@dataclass(frozen=True, slots=True)
class CachedSections:
    """Sections from the cache, and from the stores what it lacks; whole, since the next query may ask other columns."""

    cache: Cache
    statements: SectionStatements

    async def load(
        self, ids: Sequence[str], requests: Sequence[SectionRequest]
    ) -> dict[SectionRequest, Values | StoreError]:
        """The values of each request in the order of the ids, or the error that kept them from being loaded."""
        known = valid_keys(ids)
        fields = tuple(field_of(request.whole()) for request in requests)
        fetched = await self.cache.fetch([_PREFIX + key for key in known], fields, _StoresOf(self.statements))
        values: dict[SectionRequest, Values | StoreError] = {}
        for request, one in zip(requests, fields, strict=True):
            if one in fetched.errors:
                values[request] = fetched.errors[one]
                continue
            of_known = fetched.values.get(one, [])
            if len(known) < len(ids):
                by_key = dict(zip(known, of_known, strict=True))
                nothing = _nothing(request.section)
                of_known = [by_key.get(key, nothing) for key in ids]
            values[request] = of_known
        return values

    async def states(self, ids: Sequence[str], requests: Sequence[SectionRequest]) -> dict[SectionRequest, list[str]]:
        """Of each request, what is cached for each id: see `loaders.cache.states`."""
        fields = [field_of(request.whole()) for request in requests]
        found = await self.cache.states([_PREFIX + key for key in ids], fields)
        return {request: found[one] for request, one in zip(requests, fields, strict=True)}


@dataclass(frozen=True, slots=True)
class _StoresOf:
    """Equal where the stores are the same: what is refreshed behind several requests is loaded together."""

    statements: SectionStatements

    async def __call__(self, keys_by_field: KeysByField) -> LoadedValues:
        by_request = {one.of: [key.removeprefix(_PREFIX) for key in keys] for one, keys in keys_by_field.items()}
        loaded = await self.statements.load_each(by_request)
        answers: dict[CacheField, Any] = {}
        for one in keys_by_field:
            ids, values = loaded[one.of]
            if isinstance(values, StoreError):
                answers[one] = values
            else:
                answers[one] = {_PREFIX + key: value for key, value in zip(ids, values, strict=True)}
        return answers


@lru_cache(maxsize=_MAX_FIELDS)
def field_of(request: SectionRequest) -> CacheField:
    """What is cached of an object for a request: the same for all who may read it, and nobody else looks for it."""
    section = request.section
    parts = [
        section.graphql_name(),
        f"period={request.period.start}/{request.period.end}" if request.period else "",
        f"first={request.first}" if request.first else "",
        f"after={orjson.dumps(request.after).decode()}" if request.after else "",
    ]
    return CacheField(
        name=" ".join(filter(None, parts)),
        sources=(section.relation.source.name,),
        freshness=section.freshness or section.relation.source.freshness,
        read=_reader(section),
        of=request,
    )


def change_of(ids: Sequence[str], sections: Sequence[str] = (), *, everything: bool = False) -> Change:
    """What a change of these aircraft, or of what these sections or sources say of all aircraft, concerns.

    An aircraft's own change concerns what compares others with it. Raises CallerError for a name that is none.
    """
    if everything:
        return Change(sources=(EVERYTHING,))
    named = {section.graphql_name(): section.relation.source.name for section in SECTIONS.values()}
    known = set(named.values()) | RECORDS
    sources = {named.get(name, name) for name in sections}
    if strange := sources - known:
        raise CallerError(f"There is no section or source {', '.join(sorted(strange))}: sources are {sorted(known)}.")
    if ids:
        every = {section.relation.source for section in SECTIONS.values()}
        sources |= {source.name for source in every if source.shared}
    return Change(tuple(_PREFIX + key for key in valid_keys(ids)), tuple(sorted(sources)))


def version() -> str:
    """Of the catalogue: what was cached under another declaration of anything is never read."""
    declared: list[object] = [
        (
            section.name,
            section.scope(),
            section.relation,
            section.columns,
            section.present_by,
            section.freshness,
            _of_list(section),
        )
        for section in SECTIONS.values()
    ]
    declared += [
        (kind.name, kind.sql, kind.fields(), FRESHNESS) for kind in (AirlineByCodeLoader.kind, AirportByCodeLoader.kind)
    ]
    return hashlib.blake2b(repr(declared).encode(), digest_size=6).hexdigest()


def _of_list(section: type[Section]) -> object:
    return (section.order, section.only) if issubclass(section, ListSection) else None


def _nothing(section: type[Section]) -> Any:
    """The value of an object of which nothing is known."""
    if issubclass(section, ListSection):
        return []
    return None if section.present_by else tuple(column.empty for column in section.columns)


def _reader(section: type[Section]) -> Callable[[Any], Any]:
    dates = [at for at, column in enumerate(section.columns) if column.kind is Kind.DATE]
    instants = [at for at, column in enumerate(section.columns) if column.kind is Kind.INSTANT]
    width = len(section.columns)

    def plain(values: Any) -> tuple[Any, ...]:
        if type(values) is not list or len(values) != width:
            raise ValueError("not a row of this section")
        return tuple(values)

    def dated(values: Any) -> tuple[Any, ...]:
        values = list(plain(values))
        for at in dates:
            values[at] = values[at] and date.fromisoformat(values[at])
        for at in instants:
            values[at] = values[at] and datetime.fromisoformat(values[at])
        return tuple(values)

    row = dated if dates or instants else plain
    if issubclass(section, ListSection):
        return lambda values: list(map(row, values))
    return lambda values: None if values is None else row(values)
