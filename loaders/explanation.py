"""Explain a load before it happens: which sections are cached, and the statements for the rest, with their SQL."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loaders.cache.states import FRESH, MISSING, STALE
from loaders.cached_sections import CachedSections, field_of
from loaders.catalogue.declaration import Store
from loaders.keys import valid_keys
from loaders.planning import SectionRequest, Statement, plan
from loaders.planning.section_request import merged

_STORES = {Store.POSTGRES: "postgresql", Store.CLICKHOUSE: "clickhouse"}


@dataclass(frozen=True, slots=True)
class ExplainedSection:
    """The number of objects whose section is fresh, stale and missing, and the sections that share its statement.

    `name` includes the arguments, as in the request statistics.
    """

    name: str
    fresh: int
    stale: int
    missing: int
    fused_with: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ExplainedStatement:
    """One statement that would be sent for `objects` ids; `arguments` leaves out the ids."""

    store: str
    sections: Sequence[str]
    objects: int
    sql: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sections in the order of their names, and the statements in the planner's order."""

    sections: Sequence[ExplainedSection]
    statements: Sequence[ExplainedStatement]


@dataclass(frozen=True, slots=True)
class ExplainTarget:
    """The section requests for a number of objects. `ids` is None while the objects are not known."""

    requests: Iterable[SectionRequest]
    objects: int
    ids: Sequence[str] | None = None

    def unique_ids(self) -> list[str]:
        """Return the ids without duplicates, or placeholders, one for each object, where the ids are not known."""
        return list(dict.fromkeys(self.ids)) if self.ids is not None else [str(index) for index in range(self.objects)]


@dataclass(frozen=True, slots=True)
class _Load:
    """A load of several targets: each request's state by id, the ids that are missing, and the statements for them."""

    states: Mapping[SectionRequest, Mapping[str, str]]
    missing: Mapping[SectionRequest, Sequence[str]]
    statements: Sequence[Statement]

    def explain(self, target: ExplainTarget) -> Explanation:
        """Return the part of the load that belongs to one target."""
        keys = valid_keys(target.unique_ids())
        requests = sorted(target.requests, key=_name)
        fused = {one: each.requests for each in self.statements for one in each.requests}
        mine = [each for each in self.statements if not set(each.requests).isdisjoint(requests)]
        return Explanation(
            [_section(one, Counter(map(self.states[one].__getitem__, keys)), fused.get(one, ())) for one in requests],
            [part for each in mine for part in _statements(each, self.missing)],
        )


async def explain(cached: CachedSections | None, targets: Sequence[ExplainTarget]) -> list[Explanation]:
    """Explain, in order, what loading each target would take now. It loads nothing and takes no lease.

    Targets whose ids are known share their statements: a statement is shown for each target that uses it.
    """
    together = await _load(cached, [one for one in targets if one.ids is not None])
    return [(together if one.ids is not None else await _load(cached, [one])).explain(one) for one in targets]


async def _load(cached: CachedSections | None, targets: Sequence[ExplainTarget]) -> _Load:
    """Look up the states of every request for every id, as the loader does."""
    ids = list(dict.fromkeys(key for one in targets for key in one.unique_ids()))
    requests = merged(request for one in targets for request in one.requests)
    keys = valid_keys(ids)
    states = {one: dict.fromkeys(keys, MISSING) for one in requests}
    if cached is not None and all(one.ids is not None for one in targets):
        found = await cached.states(keys, requests)
        states = {one: dict(zip(keys, found[one], strict=True)) for one in requests}
    missing = {one: [key for key, state in states[one].items() if state == MISSING] for one in requests}
    if cached is not None:  # what it lacks is loaded whole
        return _Load(states, missing, plan(one.whole() for one in requests if missing[one]))
    return _Load(states, missing, plan(requests) if ids else ())


def _section(request: SectionRequest, states: Counter[str], fused: Sequence[SectionRequest]) -> ExplainedSection:
    fused_with = [_name(other) for other in fused if other != request]
    return ExplainedSection(_name(request), states[FRESH], states[STALE], states[MISSING], fused_with)


def _name(request: SectionRequest) -> str:
    return field_of(request.whole()).name


def _statements(statement: Statement, missing: Mapping[SectionRequest, Sequence[str]]) -> Iterable[ExplainedStatement]:
    """Yield the statement, preceded by the one that finds the cohorts where the statement is over cohorts."""
    objects = len({key for one in statement.requests for key in missing[one]})
    names = [_name(one) for one in statement.requests]
    if statement.source.cohort is not None:
        yield ExplainedStatement(_STORES[Store.POSTGRES], names, objects, statement.source.cohort.members, {})
    arguments = {name: str(value) for name, value in statement.arguments.items()}
    yield ExplainedStatement(_STORES[statement.source.store], names, objects, statement.sql, arguments)
