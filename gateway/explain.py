"""What an operation will do, told before it does it: both stores' statements, and what the cache has."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from loaders.catalogue.declaration import camel
from loaders.explaining import explain

if TYPE_CHECKING:
    from loaders.request_loaders import RequestLoaders
    from resolvers.pricing import Price, RootField

EXPLAIN = "explain"
"""The extension of a request that asks for it, and of the answer that has it."""


async def explained(priced: Price, loaders: RequestLoaders) -> dict[str, Any]:
    """By root field. Those of one operation are loaded together, and may share statements that are shown for each."""
    return {
        "estimated": priced.report(),
        "fields": [await _field(each, loaders) for each in priced.root_fields],
    }


async def _field(each: RootField, loaders: RequestLoaders) -> dict[str, Any]:
    """Which aircraft are on a page is not known before it is read: then all of their sections count as missing."""
    requests = {request for one in each.selections() for request in one.requests}
    ids = None if each.pages else each.ids
    found = await explain(loaders.cached, ids, each.objects, requests)
    return {
        "field": each.name,
        "objects": each.objects,
        "pages": each.pages,
        "records": sorted(kind.name.lower() for kind in each.kinds()),
        "sections": [_camel(asdict(one)) for one in found.sections],
        "statements": [asdict(one) for one in found.statements],
    }


def _camel(told: dict[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in told.items()}
