"""A model under test for one run of pytest: its databases, and the gateways over them, opened when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fuseway.testing.background import BackgroundLoop
from fuseway.testing.cases import CheckedModel
from fuseway.testing.client import Gateway
from fuseway.testing.databases import DatabasesError, drop_created
from fuseway.testing.served import NO_LIMITS, ServedGateway
from fuseway.testing.table_rows import TableRows
from gateway.stores import open_databases
from loaders.cache.fields import VARIANTS, variants
from loaders.stores.errors import StatementFailed

if TYPE_CHECKING:
    from fuseway.testing.databases import ModelDatabases
    from fuseway.testing.results import Statement
    from loaders.model.databases import Freshness
    from loaders.model.model import Model

_STALE_FOR_MS = 600_000
_MAX_IDS = 500
"""Ids of each type that are asked for."""


class ModelSession:
    """One model with its databases. Close it at the end of the run.

    The model has a name of its own in the cache, so that runs that share a Redis do not meet.
    """

    def __init__(
        self, model: Model, databases: ModelDatabases, tenant: str | None = None, open_fields: Iterable[str] = ()
    ) -> None:
        self.model = model
        self.databases = databases
        self.sent: list[Statement] = []
        self._tenant = tenant or databases.tenant
        self._loop = BackgroundLoop()
        self._opened: list[ServedGateway] = []
        self._cursor_secret = token_hex(16)
        self._made: dict[Hashable, Any] = {}
        self._open_fields = tuple(open_fields)
        self.gateway = Gateway(self)

    @property
    def tenant(self) -> str | None:
        """The tenant that is asked for where a test names none. Raises DatabasesError where it is not known."""
        if self.model.tenant is None:
            return None
        if not self._tenant:
            raise DatabasesError(
                "The model has tenants: return a tenant's key from its setup=, name one in fuseway_tenant of pytest's"
                " settings, or pass tenant= with each query."
            )
        return self._tenant

    @property
    def own_tenant(self) -> str | None:
        """The tenant that is known, if any."""
        return self._tenant or None

    @cached_property
    def checked(self) -> CheckedModel:
        """The model as generated tests are made from it."""
        return CheckedModel.of(self.model, self._open_fields)

    def once(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """Return what the function returned when it was called first for this name."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def ids(self, object_type: str, count: int) -> Sequence[str]:
        """Return ids of objects of a type that the tenant has, so many at most, as the database has them."""
        made = self.once(("ids", object_type), lambda: self.run(self._ids(object_type)))
        ids: Sequence[str] = made[:count]
        return ids

    async def _ids(self, object_type: str) -> Sequence[str]:
        kind = self.model.objects[object_type]
        async with open_databases(self.databases.settings(self.model), self.model.databases) as stores:
            try:
                return await TableRows(self.model, stores).keys(kind, self.tenant, _MAX_IDS)
            except StatementFailed as error:
                raise DatabasesError(
                    f"The keys of {kind.table.name} cannot be read: {error}. Its tables are made by the model's setup=,"
                    " or by your own fixture fuseway_databases."
                ) from error

    @cached_property
    def cached(self) -> ServedGateway:
        """The gateway that queries are sent to, with its limits and caches."""
        return self.open()

    @cached_property
    def recorded(self) -> ServedGateway:
        """A gateway without a cache, whose statements are noted in `sent`."""
        gateway = self.open(cache=False, max_statements=1_000)
        gateway.record(self.sent)
        return gateway

    @cached_property
    def unlimited(self) -> ServedGateway:
        """A gateway without a cache and without limits, for generated documents."""
        return self.open(cache=False, **NO_LIMITS)

    @cached_property
    def unlimited_cached(self) -> ServedGateway:
        """A gateway with the cache of data alone and without limits."""
        return self.open(response_cache_mib=0, **NO_LIMITS)

    def open(self, databases: ModelDatabases | None = None, *, name: str = "", **settings: Any) -> ServedGateway:
        """Return a new gateway, over other databases where these are named. It is closed with the session.

        Gateways of one `name` share a cache; without it, a gateway has its own.
        """
        gateway: ServedGateway = self.run(self.opened(databases, name=name, **settings))
        return gateway

    async def opened(
        self, databases: ModelDatabases | None = None, *, name: str = "", **settings: Any
    ) -> ServedGateway:
        """Return a new gateway, within the loop."""
        known = (databases or self.databases).settings(self.model)
        urls = {each: getattr(known, each) for each in ("database_url", "clickhouse_url", "named_urls", "redis_url")}
        model = replace(self.model, name=name or f"{self.model.name}-{uuid4().hex}")
        gateway = ServedGateway(self._loop, model, **{**urls, "cursor_secret": self._cursor_secret, **settings})
        await gateway.open()
        self._opened.append(gateway)
        return gateway

    def run(self, coroutine: Any) -> Any:
        """Return what a coroutine returns, within the loop of the gateways."""
        return self._loop.run(coroutine)

    @contextmanager
    def stale(self, gateway: ServedGateway) -> Iterator[None]:
        """Make all that a gateway caches within the block stale from the beginning."""
        self.make_stale(gateway)
        try:
            yield
        finally:
            if gateway.cache is not None:
                gateway.cache.cache_with(variants)

    def make_stale(self, gateway: ServedGateway) -> None:
        """Make all that a gateway caches from now on stale from the beginning."""
        if gateway.cache is not None:
            gateway.cache.cache_with(_stale_at_once)

    async def close_gateway(self, gateway: ServedGateway) -> None:
        """Close one gateway, within the loop."""
        self._opened.remove(gateway)
        await gateway.close()

    def close_gateways(self) -> None:
        """Close all gateways; they are opened again when they are needed."""
        for gateway in list(self._opened):
            self.run(self.close_gateway(gateway))
        for name in ("cached", "recorded", "unlimited", "unlimited_cached"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close all gateways, drop the databases that the run has created, and close the loop."""
        self.close_gateways()
        try:
            self.run(drop_created(self.databases))
        finally:
            self._loop.close()


def _stale_at_once(_freshness: Freshness, now_ms: int) -> Sequence[bytes]:
    """Return times of values that may be served, and are refreshed as soon as they are."""
    until = now_ms + _STALE_FOR_MS
    return [b"%013d%013d%013d" % (now_ms - 1, until, until)] * VARIANTS
