"""Serving an endpoint like the gateway serves, with what it has used so far at /usage."""

import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from deploy import SAMPLE_MODEL
from gateway.server import bind
from gateway.settings import Settings
from gateway.stores import open_databases
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from loaders.stores.protocols import Columns, Row, TypedAnalyticalStore, TypedColumns, TypedRelationalStore

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[Any]]

_COLLECT_EVERY = 20_000
"""Allocations between two runs of the garbage collector, as in the gateway's workers."""


@dataclass(eq=False, slots=True)
class CountedPostgres:
    """PostgreSQL, with its statements counted."""

    store: TypedRelationalStore
    statements: int = 0

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        """One statement more."""
        self.statements += 1
        return await self.store.rows(sql, *arguments)

    async def typed_columns(self, sql: str, *arguments: object) -> TypedColumns:
        """One statement more."""
        self.statements += 1
        return await self.store.typed_columns(sql, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass(eq=False, slots=True)
class CountedClickHouse:
    """ClickHouse, with its statements counted."""

    store: TypedAnalyticalStore
    statements: int = 0

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """One statement more."""
        self.statements += 1
        return await self.store.columns(sql, parameters)

    async def typed_columns(self, sql: str, parameters: Mapping[str, object]) -> TypedColumns:
        """One statement more."""
        self.statements += 1
        return await self.store.typed_columns(sql, parameters)

    async def unproven(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """One statement more, as a hand-written endpoint would ask it: an answer that is cut goes unnoticed."""
        self.statements += 1
        columns: Columns = await self.store._read(sql, parameters)  # type: ignore[attr-defined]
        return columns

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass(frozen=True, slots=True)
class CountedStores:
    """The stores in an application's state, as endpoints use them."""

    postgres: CountedPostgres
    clickhouse: CountedClickHouse


async def usage(request: Request) -> JSONResponse:
    """What the process has used since it started, and the memory that it holds now."""
    state = request.app.state
    stores = getattr(state, "counted", None) or state.stores
    return JSONResponse(
        {
            "postgresql": stores.postgres.statements,
            "clickhouse": stores.clickhouse.statements,
            "cpu_s": time.process_time(),
            "resident_bytes": psutil.Process().memory_info().rss,
        }
    )


def application(routes: Sequence[BaseRoute]) -> Starlette:
    """Routes over counted stores, with the gateway's clients and sizes of pools."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        model = load_model(SAMPLE_MODEL)
        async with open_databases(Settings.from_environment(), model.databases, only_reads=False) as databases:
            stores: Any = {database.kind: store for database, store in databases.items()}
            postgres, clickhouse = stores[Kind.POSTGRES], stores[Kind.CLICKHOUSE]
            app.state.stores = CountedStores(CountedPostgres(postgres), CountedClickHouse(clickhouse))
            yield

    return Starlette(routes=[*routes, Route("/usage", usage)], lifespan=lifespan)


def serve(app: Starlette) -> None:
    """Serve on the port that the first argument names, one worker, with the gateway's settings of uvicorn."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 100, 20)
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    with bind("127.0.0.1", int(sys.argv[1])) as bound:
        print(f"{os.path.basename(sys.argv[0])} serves.", flush=True)  # noqa: PTH119
        uvicorn.Server(config).run(sockets=[bound])
