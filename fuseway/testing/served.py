"""A gateway application in this process: opened, asked as a tenant with scopes, closed."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jwt

from fuseway.testing import asgi
from fuseway.testing.recorder import RecordingStore
from gateway.app import build_app
from gateway.databases import state_name
from gateway.settings import Settings
from loaders.cache.invalidation import Invalidator
from loaders.objects.invalidation import Invalidation

if TYPE_CHECKING:
    from fuseway.testing.background import BackgroundLoop
    from fuseway.testing.results import Statement
    from gateway.http.application import Application
    from gateway.stores import Stores
    from loaders.cache.cache import Cache
    from loaders.model.model import Model

PATIENCE_S = 10.0
"""Seconds that Redis may take on a loaded machine: a gateway that finds it late answers without the cache."""
_AUDIENCE, _ISSUER = "fuseway.testing", "fuseway.testing"
_TOKEN_S = 86_400

SETTINGS: Mapping[str, Any] = {
    "cache_timeout_s": PATIENCE_S,
    "redis_timeout_s": PATIENCE_S,
    "acquire_timeout_s": 60.0,
    "statement_timeout_s": 60.0,
    "request_timeout_s": 300.0,
    "queue_timeout_s": 60.0,
    "introspection": True,
    "suggestions": True,
    "rate_cost_per_minute": 0,
    "persisted": "off",
}
"""The settings of a gateway under test, where they differ from those of `gateway serve`: it waits for busy machines."""
NO_LIMITS: Mapping[str, Any] = {
    "max_statements": 1_000,
    "max_cost": 1_000_000_000,
    "max_aliases": 10_000,
    "max_root_fields": 1_000,
    "max_tokens": 100_000,
    "max_document_characters": 10_000_000,
    "max_comparisons": 250_000,
    "max_body_kib": 100_000,
    "max_depth": 50,
    "max_ids": 1_000,
    "postgres_connections": 4,
    "clickhouse_connections": 4,
}
"""Settings that let generated documents through, with few connections, since there are several such gateways."""


class ServedGateway:
    """One gateway over a model's databases. All of one `model.name` share what is cached."""

    def __init__(self, loop: BackgroundLoop, model: Model, **settings: Any) -> None:
        self._loop = loop
        self.model = model
        self._secret = secrets.token_hex(32)
        self._settings = Settings(
            **{
                **SETTINGS,
                **settings,
                "jwt_secret": self._secret,
                "jwt_audience": _AUDIENCE,
                "jwt_issuer": _ISSUER,
            }
        )
        self._tokens: dict[tuple[str | None, frozenset[str]], str] = {}
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self.app: Application

    async def open(self) -> None:
        """Build the application and connect its stores, within the loop."""
        app = build_app(self._settings, self.model)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._serve(app, ready, self._stop))
        await ready
        self.app = app  # type: ignore[assignment]

    async def _serve(self, app: Any, ready: asyncio.Future[None], stop: asyncio.Event) -> None:
        """Hold the stores open in one task, which also closes them."""
        try:
            async with app.router.lifespan_context(app):
                ready.set_result(None)
                await stop.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def close(self) -> None:
        """Close the stores, within the loop."""
        if self._stop is not None and self._task is not None:
            self._stop.set()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def stores(self) -> Stores:
        """The connected stores."""
        stores: Stores = self.app.state.stores
        return stores

    @property
    def cache(self) -> Cache | None:
        """The cache before the databases; None where the settings want none."""
        return self.stores.cache

    def headers(self, tenant: str | None, scopes: Collection[str]) -> dict[str, str]:
        """Return the header of a viewer of this tenant with these scopes."""
        viewer = (tenant, frozenset(scopes))
        if viewer not in self._tokens:
            claims: dict[str, Any] = {"exp": time.time() + _TOKEN_S, "iss": _ISSUER, "aud": _AUDIENCE, "sub": "test"}
            if tenant is not None and self.model.tenant is not None:
                claims[self.model.tenant.claim] = tenant
            self._tokens[viewer] = jwt.encode({**claims, "scope": " ".join(sorted(scopes))}, self._secret, "HS256")
        return {"authorization": f"Bearer {self._tokens[viewer]}"}

    def post(self, payload: Mapping[str, Any], tenant: str | None, scopes: Collection[str]) -> asgi.Response:
        """Return the response to a request by POST."""
        return self._loop.run(self.posted(payload, tenant, scopes))

    async def posted(self, payload: Mapping[str, Any], tenant: str | None, scopes: Collection[str]) -> asgi.Response:
        """Return the response to a request by POST, within the loop."""
        return await asgi.post(self.app, "/graphql", payload, self.headers(tenant, scopes))

    async def got(
        self, query: str, tenant: str | None, scopes: Collection[str], headers: Mapping[str, str]
    ) -> asgi.Response:
        """Return the response by GET, within the loop: it may come from the cache of whole responses."""
        return await asgi.get(self.app, "/graphql", {"query": query}, {**self.headers(tenant, scopes), **headers})

    def invalidate_everything(self) -> None:
        """Drop all that is cached of the model, in this process and in Redis."""
        self._loop.run(Invalidator(self.stores.redis).invalidate(Invalidation(self.model).change_of(everything=True)))

    def settle(self) -> None:
        """Wait until what was loaded is written to the cache, and what was stale is refreshed."""
        if self.cache is not None:
            self._loop.run(self.cache.settle())

    def record(self, sent: list[Statement]) -> None:
        """Note every statement that is sent to the databases from now on."""
        databases: dict[Any, Any] = dict(self.stores.databases)
        for database, store in databases.items():
            databases[database] = RecordingStore(store, state_name(database), sent)
        self.app.state.stores = replace(self.stores, databases=databases)
