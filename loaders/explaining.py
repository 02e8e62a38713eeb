"""What answering would take: which sections a cache has, and the statements for the rest, with their SQL."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from loaders.cache.states import FRESH, MISSING, STALE
from loaders.cached_sections import CachedSections
from loaders.catalogue.declaration import Store
from loaders.keys import storable
from loaders.planning import Request, Statement, plan

_STORES = {Store.POSTGRES: "postgresql", Store.CLICKHOUSE: "clickhouse"}


@dataclass(frozen=True, slots=True)
class ExplainedSection:
    """Of how many objects a section is fresh, stale and missing, and which sections share its statement."""

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

    sections: Sequence[ExplainedSection] = ()
    statements: Sequence[ExplainedStatement] = field(default=())


async def explain(
    cached: CachedSections | None, ids: Sequence[str] | None, objects: int, requests: Iterable[Request]
) -> Explained:
    """What loading these would take now. Nothing is loaded for it, and nobody keeps others waiting by it.

    Where it is not known which objects they are, `ids` is None.
    """
    asked = sorted(requests, key=_name)
    known = storable(list(dict.fromkeys(ids))) if ids is not None else [str(at) for at in range(objects)]
    states = {one: [MISSING] * len(known) for one in asked}
    if cached is not None and ids is not None:
        states = await cached.states(known, asked)
    wanted = {
        one: [key for key, state in zip(known, states[one], strict=True) if state == MISSING]
        for one in asked
        if MISSING in states[one]
    }
    # What a cache lacks is loaded whole.
    statements = plan(one.whole() if cached is not None else one for one in wanted)
    fused = {
        one: [_name(other) for other in each.requests if other != one] for each in statements for one in each.requests
    }
    sections = [_section(one, Counter(states[one]), fused.get(one, ())) for one in asked]
    return Explained(sections, [part for each in statements for part in _statements(each, wanted)])


def _section(request: Request, states: Counter[str], fused_with: Sequence[str]) -> ExplainedSection:
    return ExplainedSection(_name(request), states[FRESH], states[STALE], states[MISSING], fused_with)


def _name(request: Request) -> str:
    return request.section.graphql_name()


def _statements(statement: Statement, wanted: Mapping[Request, Sequence[str]]) -> Iterable[ExplainedStatement]:
    """A statement, and before it the one that says which cohorts the objects are in, where it is over cohorts."""
    objects = len({key for one in statement.requests for key in wanted[one]})
    names = [_name(one) for one in statement.requests]
    if statement.source.cohort is not None:
        yield ExplainedStatement(_STORES[Store.POSTGRES], names, objects, statement.source.cohort.members, {})
    arguments = {name: str(value) for name, value in statement.arguments.items()}
    yield ExplainedStatement(_STORES[statement.source.store], names, objects, statement.sql, arguments)
