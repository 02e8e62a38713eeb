"""Explain a load before it happens: which sections are cached, and the statements for the rest, with their SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.cache.states import FRESH, MISSING, STALE
from loaders.model.databases import Database
from loaders.model.key_spaces import KeySpace
from loaders.objects.cache_names import is_cacheable, request_name
from loaders.objects.object_statements import valid_keys
from loaders.objects.request_loaders import RequestLoaders
from loaders.statements.planning import plan, unified
from loaders.statements.section_request import SectionRequest, merged
from loaders.statements.statement_plan import RelationPlan, StatementPlan


@dataclass(frozen=True, slots=True)
class ExplainTarget:
    """Requests for a number of objects of one key space. `keys` is None while the objects are not known."""

    space: KeySpace
    requests: Iterable[SectionRequest]
    objects: int
    keys: Sequence[Any] | None = None


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
    """One statement that would be sent to a database for so many objects.

    Values are left out of the SQL. Rows of another database's statement, which is listed before, have a name in it.
    """

    database: Database
    sections: Sequence[str]
    objects: int
    sql: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sections in the order of their names, and the statements in the planner's order."""

    sections: Sequence[ExplainedSection]
    statements: Sequence[ExplainedStatement]


States = Mapping[SectionRequest, Mapping[Any, str]]


@dataclass(frozen=True, slots=True)
class _Load:
    """A load of one key space: each request's state by key, and the statements for what is missing.

    `loaded_for` has the request that each one is loaded by: that of an equal section, with the tenant's values.
    """

    loaded_for: Mapping[SectionRequest, SectionRequest]
    states: States
    plans: Sequence[StatementPlan]

    def explain(self, target: ExplainTarget) -> Explanation:
        """Return the part of the load that belongs to one target."""
        requests = sorted(merged(target.requests), key=request_name)
        own = {self.loaded_for[request] for request in requests}
        fused = {request: each.requests for each in self.plans for request in each.requests}
        mine = [each for each in self.plans if not own.isdisjoint(each.requests)]
        return Explanation(
            [self._section(request, fused, target) for request in requests],
            [part for each in mine for part in self._statements(each)],
        )

    def _section(
        self, request: SectionRequest, fused: Mapping[SectionRequest, Sequence[SectionRequest]], target: ExplainTarget
    ) -> ExplainedSection:
        loaded = self.loaded_for[request]
        states = self.states[loaded]
        counts = Counter(states[key] for key in _keys_of(target) if key in states)
        others = [request_name(other) for other in fused.get(loaded, ()) if other != loaded]
        return ExplainedSection(request_name(request), counts[FRESH], counts[STALE], counts[MISSING], others)

    def _statements(self, each: StatementPlan) -> Iterator[ExplainedStatement]:
        names = [request_name(request) for request in each.requests]
        missing = {key for request in each.requests for key, state in self.states[request].items() if state == MISSING}
        for needed in _needed(each.needs):
            yield ExplainedStatement(needed.database, names, len(missing), needed.sql)
        yield ExplainedStatement(each.database, names, len(missing), each.sql)


async def explain(loaders: RequestLoaders, targets: Sequence[ExplainTarget]) -> list[Explanation]:
    """Explain, in order, what loading each target would take now. Nothing of the targets is loaded or leased.

    Only what they take from the tenant's own row is loaded where it is not cached. Targets of one key space whose keys
    are known share their statements: a statement is shown for each target that uses it.
    """
    together: defaultdict[KeySpace, list[ExplainTarget]] = defaultdict(list)
    for target in targets:
        if target.keys is not None:
            together[target.space].append(target)
    loads = {space: await _load(loaders, space, some) for space, some in together.items()}
    return [
        (loads[each.space] if each.keys is not None else await _load(loaders, each.space, [each])).explain(each)
        for each in targets
    ]


async def _load(loaders: RequestLoaders, space: KeySpace, targets: Sequence[ExplainTarget]) -> _Load:
    """Look up the states of every request for every key, as the loader does."""
    requests = merged(request for target in targets for request in target.requests)
    loaded_for = await _loaded_for(loaders, requests)
    wanted = merged(loaded_for.values())
    are_known = all(target.keys is not None for target in targets)
    keys = list(dict.fromkeys(key for target in targets for key in _keys_of(target)))
    known = list(valid_keys(space.key, keys)) if are_known else keys
    states: dict[SectionRequest, Mapping[Any, str]] = {each: dict.fromkeys(known, MISSING) for each in wanted}
    cached = loaders.cached
    if cached is not None and are_known and known:
        some = list(filter(is_cacheable, wanted))
        found = await cached.states(space, known, some, loaders.source.values) if some else {}
        states |= {request: dict(zip(known, found[request], strict=True)) for request in some}
    missing = [each for each in wanted if MISSING in states[each].values()]
    whole = [each.whole() if cached is not None and is_cacheable(each) else each for each in missing]
    return _Load(loaded_for, states, plan(whole))


async def _loaded_for(
    loaders: RequestLoaders, requests: Sequence[SectionRequest]
) -> Mapping[SectionRequest, SectionRequest]:
    same = unified(requests)
    ready = await loaders.source.resolve(merged(same.values()))
    return {request: ready.get(same[request], same[request]) for request in requests}


def _keys_of(target: ExplainTarget) -> Sequence[Any]:
    """Return the keys, or places in their stead, one for each object, where these are not known."""
    return range(target.objects) if target.keys is None else target.keys


def _needed(plans: Iterable[RelationPlan]) -> Iterator[RelationPlan]:
    for each in plans:
        yield from _needed(each.needs)
        yield each
