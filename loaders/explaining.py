"""What answering would take: which sections a cache has, and the statements for the rest, with their SQL."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loaders.cache.states import FRESH, MISSING, STALE
from loaders.cached_sections import CachedSections, field_of
from loaders.catalogue.declaration import Store
from loaders.keys import storable
from loaders.planning import Request, Statement, plan
from loaders.planning.request import merged

_STORES = {Store.POSTGRES: "postgresql", Store.CLICKHOUSE: "clickhouse"}


@dataclass(frozen=True, slots=True)
class ExplainedSection:
    """Of how many objects a section is fresh, stale and missing, and which sections share its statement.

    `name` has its arguments too, as in the account of what was cached.
    """

    name: str
    fresh: int
    stale: int
    missing: int
    fused_with: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ExplainedStatement:
    """One statement that would be sent, for `objects` ids; `arguments` are those beside the ids."""

    store: str
    sections: Sequence[str]
    objects: int
    sql: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explained:
    """Sections by name, and statements in the planner's order."""

    sections: Sequence[ExplainedSection]
    statements: Sequence[ExplainedStatement]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of some objects. Where it is not known which they are, `ids` is None."""

    requests: Iterable[Request]
    objects: int
    ids: Sequence[str] | None = None

    def different(self) -> list[str]:
        """The different ids, or as many that stand for them."""
        return list(dict.fromkeys(self.ids)) if self.ids is not None else [str(at) for at in range(self.objects)]


@dataclass(frozen=True, slots=True)
class _Load:
    """What is loaded together: the state of each request's objects, the ids of those that are missing, how."""

    states: Mapping[Request, Mapping[str, str]]
    missing: Mapping[Request, Sequence[str]]
    statements: Sequence[Statement]

    def explained(self, asked: Asked) -> Explained:
        """The part of it that this asks for."""
        keys = storable(asked.different())
        requests = sorted(asked.requests, key=_name)
        fused = {one: each.requests for each in self.statements for one in each.requests}
        mine = [each for each in self.statements if not set(each.requests).isdisjoint(requests)]
        return Explained(
            [_section(one, Counter(map(self.states[one].__getitem__, keys)), fused.get(one, ())) for one in requests],
            [part for each in mine for part in _statements(each, self.missing)],
        )


async def explain(cached: CachedSections | None, asked: Sequence[Asked]) -> list[Explained]:
    """What loading each of these would take now. Nothing is loaded for it, and nobody keeps others waiting by it.

    Those whose ids are known are loaded together: a statement is shown for each that asks for any of its sections.
    """
    together = await _load(cached, [one for one in asked if one.ids is not None])
    return [(together if one.ids is not None else await _load(cached, [one])).explained(one) for one in asked]


async def _load(cached: CachedSections | None, asked: Sequence[Asked]) -> _Load:
    """All ids are asked all requests, as in the loader."""
    ids = list(dict.fromkeys(key for one in asked for key in one.different()))
    requests = merged(request for one in asked for request in one.requests)
    keys = storable(ids)
    states = {one: dict.fromkeys(keys, MISSING) for one in requests}
    if cached is not None and all(one.ids is not None for one in asked):
        found = await cached.states(keys, requests)
        states = {one: dict(zip(keys, found[one], strict=True)) for one in requests}
    missing = {one: [key for key, state in states[one].items() if state == MISSING] for one in requests}
    if cached is not None:  # what it lacks is loaded whole
        return _Load(states, missing, plan(one.whole() for one in requests if missing[one]))
    return _Load(states, missing, plan(requests) if ids else ())


def _section(request: Request, states: Counter[str], fused: Sequence[Request]) -> ExplainedSection:
    fused_with = [_name(other) for other in fused if other != request]
    return ExplainedSection(_name(request), states[FRESH], states[STALE], states[MISSING], fused_with)


def _name(request: Request) -> str:
    return field_of(request.whole()).name


def _statements(statement: Statement, missing: Mapping[Request, Sequence[str]]) -> Iterable[ExplainedStatement]:
    """A statement, and before it the one that says which cohorts the objects are in, where it is over cohorts."""
    objects = len({key for one in statement.requests for key in missing[one]})
    names = [_name(one) for one in statement.requests]
    if statement.source.cohort is not None:
        yield ExplainedStatement(_STORES[Store.POSTGRES], names, objects, statement.source.cohort.members, {})
    arguments = {name: str(value) for name, value in statement.arguments.items()}
    yield ExplainedStatement(_STORES[statement.source.store], names, objects, statement.sql, arguments)
