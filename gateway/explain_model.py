"""Explain an operation on a model: what each root field loads, and the statements with their SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.databases import state_name
from loaders.statements.planning import plan

if TYPE_CHECKING:
    from loaders.statements.parameters import TenantScope
    from loaders.statements.section_request import SectionRequest
    from loaders.statements.statement_plan import RelationPlan, StatementPlan
    from resolvers.cost_estimate import CostEstimate
    from resolvers.root_field_costs import RootFieldCost
    from resolvers.selection_tree import SelectionNode


def explain_model(estimate: CostEstimate, tenant: TenantScope | None) -> dict[str, Any]:
    """Return what an operation loads, by root field. Nothing is cached of a model yet: all of it is missing.

    The statements are those of the objects that a root field names, and of its pages. `follows` names what is loaded of
    the objects that these lead to, in one more level each.
    """
    return {"estimated": estimate.report(), "fields": [_field(each, tenant) for each in estimate.root_fields]}


def _field(field: RootFieldCost, tenant: TenantScope | None) -> dict[str, Any]:
    deferred = [(wave.node.deferred, len(set(wave.keys))) for wave in field.waves if wave.node.deferred is not None]
    nodes = [(wave.node, len(set(wave.keys))) for wave in field.waves]
    return {
        "field": field.name,
        "objects": field.objects,
        "pages": int(field.is_page),
        "follows": list(dict.fromkeys(name for node, _ in nodes for name in _names_below(node))),
        **_loads(nodes, tenant),
        **({"deferred": _loads(deferred, tenant)} if deferred else {}),
    }


def _names_below(node: SelectionNode) -> Iterator[str]:
    for follow in node.follows:
        yield from sorted(request.section.name for request in follow.node.requests)
        yield from _names_below(follow.node)


def _loads(nodes: Sequence[tuple[SelectionNode, int]], tenant: TenantScope | None) -> dict[str, Any]:
    sections: list[dict[str, Any]] = []
    statements: list[dict[str, Any]] = []
    for node, objects in nodes:
        plans = plan(node.requests)
        for each in plans:
            names = [request.section.name for request in each.requests]
            sections += [_section(name, objects, names) for name in names]
            statements += _statements(each, objects, tenant)
    return {"sections": sorted(sections, key=lambda section: str(section["name"])), "statements": statements}


def _section(name: str, objects: int, names: Iterable[str]) -> dict[str, Any]:
    fused_with = [other for other in names if other != name]
    return {"name": name, "fresh": 0, "stale": 0, "missing": objects, "fusedWith": fused_with}


def _statements(each: StatementPlan, objects: int, tenant: TenantScope | None) -> Iterator[dict[str, Any]]:
    """Yield a statement after those of other databases whose rows it needs."""
    names = [request.section.name for request in each.requests]
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
    arguments = {} if tenant is None else {"tenant": tenant.scalar.write_key(tenant.value)}
    for request in requests:
        given = {name: str(value) for name, value in (*request.arguments, *request.filters)}
        if request.period is not None:
            given |= {"from": str(request.period.start), "to": str(request.period.end)}
        arguments |= {f"{request.section.name} {name}": value for name, value in given.items()}
    return arguments
