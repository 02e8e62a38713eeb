"""Explain an operation before it is executed: what is cached of each root field, and the statements for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from gateway.databases import state_name
from loaders.cache.states import FRESH, MISSING, STALE
from loaders.objects.cache_names import label_of
from loaders.objects.tenant_values import zones_of
from loaders.statements.planning import plan, unified

if TYPE_CHECKING:
    from loaders.objects.request_loaders import RequestLoaders
    from loaders.statements.parameters import TenantScope
    from loaders.statements.section_request import SectionRequest
    from loaders.statements.statement_plan import RelationPlan, StatementPlan
    from resolvers.cost_estimate import CostEstimate
    from resolvers.load_estimate import Wave
    from resolvers.request_context import RequestContext
    from resolvers.root_field_costs import RootFieldCost
    from resolvers.selection_tree import SelectionNode

EXPLAIN = "explain"
"""The extension of a request that asks for it, and of the answer that has it."""

States = Mapping["SectionRequest", Counter[str] | None]
"""The number of objects of each section by cache state; None where it depends on the tenant's time zone, which an
explanation does not load."""


async def explain(estimate: CostEstimate, context: RequestContext) -> dict[str, Any]:
    """Return what an operation loads, by root field. It loads nothing and takes no lease.

    The statements are those of the objects that a root field names, and of its pages. `follows` names what is loaded of
    the objects that these lead to, level by level.
    """
    loaders = cast("RequestLoaders", context.loaders)
    fields = [await _field(each, loaders) for each in estimate.root_fields]
    return {"estimated": estimate.report(), "fields": fields}


async def _field(field: RootFieldCost, loaders: RequestLoaders) -> dict[str, Any]:
    deferred = [wave._replace(node=wave.node.deferred) for wave in field.waves if wave.node.deferred is not None]
    return {
        "field": field.name,
        "objects": field.objects,
        "pages": int(field.is_page),
        "follows": list(dict.fromkeys(name for wave in field.waves for name in _names_below(wave.node))),
        **await _loads(field.waves, loaders),
        **({"deferred": await _loads(deferred, loaders)} if deferred else {}),
    }


def _names_below(node: SelectionNode) -> Iterator[str]:
    for follow in node.follows:
        yield from sorted(request.section.name for request in follow.node.requests)
        yield from _names_below(follow.node)


async def _loads(waves: Iterable[Wave], loaders: RequestLoaders) -> dict[str, Any]:
    sections: list[dict[str, Any]] = []
    statements: list[dict[str, Any]] = []
    for wave in waves:
        keys = _canonical(wave.node, wave.keys)
        states = await _states(wave.node, keys, wave.unknown, loaders)
        missing = [request for request, counts in states.items() if counts is None or counts[MISSING]]
        loaded_for = unified(request if loaders.cached is None else request.whole() for request in missing)
        plans = plan(loaded_for.values())
        fused = {name: names for each in plans for names in [_names(each.requests)] for name in names}
        fused |= {label_of(each): fused[label_of(loaded)] for each, loaded in loaded_for.items()}
        sections += [_section(request, counts, fused) for request, counts in states.items()]
        statements += [part for each in plans for part in _statements(each, len(keys) + wave.unknown, loaders.tenant)]
    return {"sections": sorted(sections, key=lambda section: str(section["name"])), "statements": statements}


def _canonical(node: SelectionNode, keys: Sequence[Any]) -> list[Any]:
    """Return the keys once each, as the databases have them; a text that is no key names no object."""
    key = node.target.key_space.key
    values = (key.read(each) if isinstance(each, str) and key.scalars else each for each in keys)
    return list(dict.fromkeys(value for value in values if value is not None))


async def _states(node: SelectionNode, keys: Sequence[Any], unknown: int, loaders: RequestLoaders) -> States:
    """Return the states of the keys. Objects whose keys are unknown count as missing."""
    requests = sorted(node.requests, key=lambda request: request.section.name)
    states: dict[SectionRequest, Counter[str] | None] = {
        request: Counter({MISSING: len(keys) + unknown}) for request in requests
    }
    if loaders.cached is None:
        return states
    states |= {request: None for request in requests if zones_of(request)}
    known = [request for request in requests if states[request] is not None and request.section.freshness is not None]
    result = await loaders.cached.states(node.target.key_space, keys, known, {}) if known and keys else {}
    return states | {request: Counter(each) for request, each in result.items()}


def _names(requests: Iterable[SectionRequest]) -> list[str]:
    return [label_of(request) for request in requests]


def _section(
    request: SectionRequest, counts: Counter[str] | None, fused: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    name = label_of(request)
    numbers = (
        dict.fromkeys(("fresh", "stale", "missing"))
        if counts is None
        else {"fresh": counts[FRESH], "stale": counts[STALE], "missing": counts[MISSING]}
    )
    return {"name": name, **numbers, "fusedWith": [other for other in fused.get(name, ()) if other != name]}


def _statements(each: StatementPlan, objects: int, tenant: TenantScope | None) -> Iterator[dict[str, Any]]:
    """Yield a statement after those of other databases whose rows it needs."""
    names = _names(each.requests)
    arguments = _arguments(each.requests, tenant)
    for needed in _needed(each.needs):
        yield _statement(needed, names, objects, arguments)
    yield _statement(each, names, objects, arguments)


def _needed(plans: Iterable[RelationPlan]) -> Iterator[RelationPlan]:
    for each in plans:
        yield from _needed(each.needs)
        yield each


def _statement(
    each: StatementPlan | RelationPlan, names: Sequence[str], objects: int, arguments: Mapping[str, str]
) -> dict[str, Any]:
    store = state_name(each.database)
    return {"store": store, "sections": names, "objects": objects, "sql": each.sql, "arguments": arguments}


def _arguments(requests: Iterable[SectionRequest], tenant: TenantScope | None) -> dict[str, str]:
    """Return what the statement is for beside the keys: the tenant, and the arguments and filters of its requests."""
    arguments = {} if tenant is None else {"tenant": tenant.text}
    for request in requests:
        received = {name: str(value) for name, value in (*request.arguments, *request.filters)}
        if request.period is not None:
            ends = {"from": request.period.start, "to": request.period.end}
            received |= {name: str(day) for name, day in ends.items() if day is not None}
        arguments |= {f"{request.section.name} {name}": value for name, value in received.items()}
    return arguments
