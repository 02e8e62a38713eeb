"""A model under test for one run of pytest: its databases, and the gateways over them, opened when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fuseway.testing.background import BackgroundLoop
from fuseway.testing.client import Gateway
from fuseway.testing.databases import DatabasesError
from fuseway.testing.served import NO_LIMITS, ServedGateway
from loaders.cache.fields import VARIANTS, variants

if TYPE_CHECKING:
    from fuseway.testing.databases import ModelDatabases
    from fuseway.testing.results import Statement
    from loaders.model.databases import Freshness
    from loaders.model.model import Model

_STALE_FOR_MS = 600_000


class ModelSession:
    """One model with its databases. Close it at the end of the run.

    The model has a name of its own in the cache, so that runs that share a Redis do not meet.
    """

    def __init__(self, model: Model, databases: ModelDatabases, tenant: str) -> None:
        self.model = model
        self.databases = databases
        self.sent: list[Statement] = []
        self._tenant = tenant or databases.tenant
        self._loop = BackgroundLoop()
        self._opened: list[ServedGateway] = []
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
        known = (databases or self.databases).settings(self.model)
        urls = {each: getattr(known, each) for each in ("database_url", "clickhouse_url", "named_urls", "redis_url")}
        model = replace(self.model, name=name or f"{self.model.name}-{uuid4().hex}")
        gateway = ServedGateway(self._loop, model, **{**urls, **settings}).open()
        self._opened.append(gateway)
        return gateway

    def run(self, coroutine: Any) -> Any:
        """Return what a coroutine returns, within the loop of the gateways."""
        return self._loop.run(coroutine)

    @contextmanager
    def stale(self, gateway: ServedGateway) -> Iterator[None]:
        """Make all that a gateway caches within the block stale from the beginning."""
        cache = gateway.cache
        if cache is None:
            yield
            return
        cache.cache_with(_stale_at_once)
        try:
            yield
        finally:
            cache.cache_with(variants)

    def close_gateways(self) -> None:
        """Close all gateways; they are opened again when they are needed."""
        for gateway in self._opened:
            gateway.close()
        self._opened.clear()
        for name in ("cached", "recorded", "unlimited", "unlimited_cached"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close all gateways, and the loop."""
        self.close_gateways()
        self._loop.close()


def _stale_at_once(_freshness: Freshness, now_ms: int) -> Sequence[bytes]:
    """Return times of values that may be served, and are refreshed as soon as they are."""
    until = now_ms + _STALE_FOR_MS
    return [b"%013d%013d%013d" % (now_ms - 1, until, until)] * VARIANTS
