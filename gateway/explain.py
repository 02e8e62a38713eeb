"""Explain an operation before it is executed: the statements of both stores, and what is cached."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gateway.explain_model import explain_model
from loaders.catalogue.declaration import camel
from loaders.explanation import ExplainTarget, Explanation, explain
from resolvers import cost_estimate

if TYPE_CHECKING:
    from gateway.pricing import CostEstimate as AnyCostEstimate
    from gateway.request_context import RequestContext
    from loaders.request_loaders import RequestLoaders
    from resolvers.pricing import CostEstimate, RootField
    from resolvers.selection import Selection

EXPLAIN = "explain"
"""The extension of a request that asks for it, and of the answer that has it."""


async def explain_operation(estimate: AnyCostEstimate, context: RequestContext) -> dict[str, Any]:
    """Return what an operation with this estimate will load, by root field."""
    loaders: Any = context.loaders
    if isinstance(estimate, cost_estimate.CostEstimate):
        return await explain_model(estimate, loaders)
    return await explained(estimate, loaders)


async def explained(estimate: CostEstimate, loaders: RequestLoaders) -> dict[str, Any]:
    """By root field. Those that name their objects are loaded together, and a statement that they share is shown for
    each.
    """
    now = await explain(loaders.cached, [_asked(each, each.selection) for each in estimate.root_fields])
    later = [each for each in estimate.root_fields if each.deferred is not None]
    deferred = await explain(loaders.cached, [_asked(each, each.deferred) for each in later])
    found_later = {each.name: one for each, one in zip(later, deferred, strict=True)}
    return {
        "estimated": estimate.report(),
        "fields": [
            _field(each, one, found_later.get(each.name)) for each, one in zip(estimate.root_fields, now, strict=True)
        ],
    }


def _asked(each: RootField, selection: Selection | None) -> ExplainTarget:
    """Which aircraft are on a page is not known before it is read: then all of their sections count as missing."""
    requests = selection.requests if selection is not None else ()
    return ExplainTarget(requests, each.objects, None if each.pages else each.ids)


def _field(each: RootField, found: Explanation, later: Explanation | None) -> dict[str, Any]:
    return {
        "field": each.name,
        "objects": each.objects,
        "pages": each.pages,
        "records": sorted(kind.name.lower() for kind in each.kinds()),
        **_told(found),
        **({"deferred": _told(later)} if later is not None else {}),
    }


def _told(found: Explanation) -> dict[str, Any]:
    return {
        "sections": [_camel(asdict(one)) for one in found.sections],
        "statements": [asdict(one) for one in found.statements],
    }


def _camel(told: dict[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in told.items()}
