"""Two tenants with colliding keys, asked through gateways over both and over the first one alone."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fuseway.testing.compare import difference
from fuseway.testing.queries import QueryMaker, Seen
from fuseway.testing.served import NO_LIMITS
from fuseway.testing.table_rows import TableRows
from gateway.stores import open_databases

if TYPE_CHECKING:
    from fuseway.testing.copies import TenantCopies
    from fuseway.testing.model_session import ModelSession
    from fuseway.testing.served import ServedGateway

_ALONE = "the first tenant alone"
_CURSOR = re.compile(r'"endCursor": "([^"]+)"')
_MAX_KEYS = 40
"""Ids of each type that queries are made for, of each tenant."""
_DATA_ONLY: Mapping[str, Any] = {"response_cache_mib": 0}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that keeps tenants apart: how gateways are set so that it answers, and how they are asked."""

    settings: Mapping[str, Any]
    ask: Callable[[TwoTenants, Sequence[ServedGateway], str], Awaitable[Any]]
    gateways: int = 1
    is_stale: bool = False


@dataclass(slots=True)
class TwoTenants:
    """The first tenant's answers, which must not depend on the rows that the other one has beside it."""

    session: ModelSession
    copies: TenantCopies
    _right: dict[str, Any] = field(default_factory=dict)
    _gateways: dict[str, list[ServedGateway]] = field(default_factory=dict)
    _maker: QueryMaker | None = None

    @property
    def maker(self) -> QueryMaker:
        """Makes queries for the ids and values of both tenants."""
        if self._maker is None:
            checked = self.session.checked
            self._maker = QueryMaker(checked.schema, checked.routes, Seen())
            self.session.run(self._discover(self._maker))
        return self._maker

    def gateways(self, layer: str) -> list[ServedGateway]:
        """Return the gateways of a layer, with nothing cached."""
        self.session.run(self._opened(layer))
        gateways = self._gateways[layer]
        if gateways[0].cache is not None:
            gateways[0].settle()
            gateways[0].invalidate_everything()
        return gateways

    def right(self, query: str) -> Any:
        """Return the first tenant's answer over its own rows alone."""
        if query not in self._right:
            self._right[query] = self.session.run(self.asked(self._alone(), query, 0))
        return self._right[query]

    def other(self, query: str) -> Any:
        """Return the other tenant's answer, without a cache."""
        return self.session.run(self.asked(self.gateways(DATABASES)[0], query, 1))

    def answer(self, layer: str, query: str) -> Any:
        """Return what the first tenant is answered beside the other one, through a layer."""
        return self.session.run(LAYERS[layer].ask(self, self._gateways[layer], query))

    def differing(self, layer: str, query: str) -> tuple[str, Any, Any] | None:
        """Return where the first tenant's answer differs from that over its own rows alone; None where it does not."""
        return difference(self.right(query), self.answer(layer, query))

    def foreign_cursors(self, field: str) -> tuple[int, list[str]]:
        """Return how many cursors the other tenant has of a list, and queries that go on behind one all the same."""
        gateway = self.gateways(DATABASES)[0]
        cursors, usable = 0, []
        for page in self.maker.pages(field):
            own = self.session.run(self.asked(gateway, page.replace("%s", ""), 1))
            cursor = _CURSOR.search(json.dumps(own))
            if cursor is None:
                continue
            cursors += 1
            query = page.replace("%s", f', after: "{cursor[1]}"')
            errors = self.session.run(self.asked(gateway, query, 0)).get("errors", [])
            if not errors or not all("is not a cursor of this list" in error["message"] for error in errors):
                usable.append(query)
        return cursors, usable

    def reset(self) -> None:
        """Close the gateways over both tenants; they are opened again when they are asked."""
        for name in self._gateways.keys() - {_ALONE}:
            for gateway in self._gateways.pop(name):
                self.session.run(self.session.close_gateway(gateway))

    async def asked(self, gateway: ServedGateway, query: str, tenant: int) -> Any:
        """Return a tenant's answer by POST."""
        scopes = self.session.model.scopes
        return (await gateway.posted({"query": query}, self.copies.tenants[tenant], scopes)).json()

    async def _opened(self, layer: str) -> list[ServedGateway]:
        """Open the gateways of a layer, and close those of another one, so that connections do not add up."""
        if layer not in self._gateways:
            for name in self._gateways.keys() - {DATABASES, _ALONE}:
                for gateway in self._gateways.pop(name):
                    await self.session.close_gateway(gateway)
            cache_name, declared = f"tenants-{uuid4().hex}", LAYERS[layer]
            settings = {**NO_LIMITS, **declared.settings}
            self._gateways[layer] = [
                await self.session.opened(self.copies.both, name=cache_name, **settings)
                for _ in range(declared.gateways)
            ]
            if declared.is_stale:
                for gateway in self._gateways[layer]:
                    self.session.make_stale(gateway)
        return self._gateways[layer]

    def _alone(self) -> ServedGateway:
        if _ALONE not in self._gateways:
            self._gateways[_ALONE] = [self.session.open(self.copies.alone, **NO_LIMITS, cache=False)]
        return self._gateways[_ALONE][0]

    async def _discover(self, maker: QueryMaker) -> None:
        """Find ids in the tables, and values in the answers to queries for them."""
        model, databases = self.session.model, self.copies.both
        async with open_databases(databases.settings(model), model.databases) as stores:
            rows = TableRows(model, stores)
            for name, kind in model.objects.items():
                for tenant in self.copies.tenants:
                    maker.seen.ids[name].update(dict.fromkeys(await rows.keys(kind, tenant, _MAX_KEYS)))
        gateway = (await self._opened(DATABASES))[0]
        for query in [maker.first(), *maker.objects()]:
            for number in range(len(self.copies.tenants)):
                maker.seen.add(maker.schema, (await self.asked(gateway, query, number)).get("data"))


async def _one_after_the_other(tenants: TwoTenants, gateways: Sequence[ServedGateway], query: str) -> Any:
    """Ask as the other tenant first."""
    await tenants.asked(gateways[0], query, 1)
    return await tenants.asked(gateways[-1], query, 0)


async def _at_once(tenants: TwoTenants, gateways: Sequence[ServedGateway], query: str) -> Any:
    """Ask as both at the same moment."""
    both = await asyncio.gather(tenants.asked(gateways[0], query, 1), tenants.asked(gateways[0], query, 0))
    return both[1]


async def _by_get(tenants: TwoTenants, gateways: Sequence[ServedGateway], query: str) -> Any:
    """Ask as the other tenant first, by GET, so that whole responses are cached."""
    gateway, scopes = gateways[0], tenants.session.model.scopes
    first, second = tenants.copies.tenants
    other = await gateway.got(query, second, scopes, {})
    known = {"if-none-match": other.headers["etag"]} if "etag" in other.headers else {}
    answer = await gateway.got(query, first, scopes, known)
    return (other if answer.status == 304 else answer).json()


async def _refreshed(tenants: TwoTenants, gateways: Sequence[ServedGateway], query: str) -> Any:
    """Ask as both again and again while all that is cached is stale, so that it is refreshed behind the answers."""
    await _one_after_the_other(tenants, gateways, query)
    await _at_once(tenants, gateways, query)
    if (cache := gateways[0].cache) is not None:
        await cache.settle()
    return await tenants.asked(gateways[0], query, 0)


DATABASES = "databases"
LAYERS: Mapping[str, Layer] = {
    DATABASES: Layer({"cache": False}, _one_after_the_other),
    "memory": Layer(_DATA_ONLY, _one_after_the_other),
    "redis": Layer(_DATA_ONLY, _one_after_the_other, gateways=2),
    "loads in flight": Layer(_DATA_ONLY, _at_once),
    "stale values": Layer(_DATA_ONLY, _refreshed, is_stale=True),
    "whole responses": Layer({}, _by_get),
}
