"""The analytics sample asked while columns and tables of its databases are missing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import COLUMN_UNAVAILABLE
from gateway.execution.json_chunks import encode
from gateway.schema import build_schema
from loaders.objects.request_loaders import RequestLoaders
from loaders.objects.schema_faults import SchemaFaults
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres
from resolvers.request_context import RequestContext
from tests.conftest import Stores
from tests.loaders.objects.asking import MEMBERS, NOBODY, TENANTS, Asker
from tests.models import loaded_model
from tests.partial import names_of
from tests.patience import PATIENCE_S

MODEL = loaded_model("deploy.analytics.model")
SCHEMA = build_schema(MODEL)
FIRST, SECOND = map(str, TENANTS[:2])
IDS = [*MEMBERS[:30], NOBODY]
Errors = list[dict[str, Any]]


@dataclass(slots=True)
class Process:
    """One process of a gateway: what it knows to be missing, its cache, and what it has sent."""

    stores: Stores
    askers: dict[str, Asker] = field(default_factory=dict)
    faults: SchemaFaults | None = None

    def asker(self, tenant: str = FIRST) -> Asker:
        """Return who asks for a tenant, over the same connections and faults as others."""
        asker = self.askers.get(tenant)
        if asker is None:
            asker = self.askers[tenant] = Asker(MODEL, self.stores, tenant)
            others = next(iter(self.askers.values()))
            asker._databases, asker.sent, asker.described = others.databases(), others.sent, others.described
            asker.faults = self.faults
        return asker

    async def answer(self, query: str, tenant: str = FIRST, **variables: Any) -> tuple[Any, Errors]:
        """Return data and errors of a query."""
        asker = self.asker(tenant)
        loaders = RequestLoaders.over(MODEL, asker.databases(), None, asker.scope(), asker.faults)
        context = RequestContext(loaders, SCHEMA.field_scopes, encode_in_chunks=True)
        values = {"ids": IDS, **variables}
        result: Any = await SCHEMA.execute(query, variable_values=values, context_value=context)
        await context.release()
        errors = [error.formatted for error in result.errors or ()]
        data, shown = json.loads(b"".join(encode([result.data, errors])))
        return data, shown


@asynccontextmanager
async def process(stores: Stores, *, heals: bool = True) -> AsyncIterator[Process]:
    """A process for the length of the block, which looks at what is missing again unless it is not to heal."""
    opened = Process(stores)
    opened.faults = SchemaFaults(opened.asker().databases(), heals=heals)
    opened.asker().faults = opened.faults
    try:
        yield opened
    finally:
        await opened.faults.close()


@asynccontextmanager
async def changed(store: Postgres | ClickHouse, changes: Sequence[str], back: Sequence[str]) -> AsyncIterator[None]:
    """Change tables for the length of the block."""
    run: Any = store.execute if isinstance(store, Postgres) else store.command
    for change in changes:
        await run(change)
    try:
        yield
    finally:
        for change in back:
            await run(change)


def renamed(store: Postgres | ClickHouse, table: str, column: str) -> AbstractAsyncContextManager[None]:
    """A column, or a table where the column is empty, that has another name for the length of the block."""
    plain = (column or table.rpartition(".")[2]).strip('"')
    if column:
        rename = f"alter table {table} rename column"
        return changed(store, [f"{rename} {column} to {plain}_gone"], [f"{rename} {plain}_gone to {column}"])
    if isinstance(store, Postgres):
        gone = f"{table.rpartition('.')[0]}.{plain}_gone"
        return changed(
            store, [f"alter table {table} rename to {plain}_gone"], [f"alter table {gone} rename to {plain}"]
        )
    return changed(store, [f"rename table {table} to {plain}_gone"], [f"rename table {plain}_gone to {table}"])


def hidden(clickhouse: ClickHouse, table: str, column: str) -> AbstractAsyncContextManager[None]:
    """A column of ClickHouse's sorting key, which cannot be renamed, that is not there for the length of the block."""
    view = f"create view {table} as select * except ({column}) from {table}_gone"
    return changed(
        clickhouse,
        [f"rename table {table} to {table}_gone", view],
        [f"drop view {table} sync", f"rename table {table}_gone to {table}"],
    )


async def healed(item: Process) -> None:
    """Return when nothing is missing any more."""
    async with asyncio.timeout(PATIENCE_S):
        while item.faults:  # noqa: ASYNC110 (of what has no event)
            await asyncio.sleep(0.02)


def check_missing(answer: tuple[Any, Errors], whole: Any, fields: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Check that an answer equals the whole one but for these fields, and return the extensions of their errors.

    Fields are known by the names of their path with dots in between. The value is the path that is null for the field
    wherever there is one: its own where it is nullable.
    """
    data, errors = answer
    failed = {".".join(names_of(error["path"])): error["extensions"] for error in errors}
    assert set(failed) == set(fields), set(failed)
    assert len(failed) == len(errors), "a field has more than one error"
    assert {each["code"] for each in failed.values()} <= {COLUMN_UNAVAILABLE}, failed
    _compare(data, whole, (), set(fields.values()))
    return failed


def _compare(partial: Any, whole: Any, path: tuple[str, ...], lost: set[str]) -> None:
    if ".".join(path) in lost:
        assert partial is None, path
    elif isinstance(whole, dict):
        assert isinstance(partial, dict), path
        assert list(partial) == list(whole), path
        for key, value in whole.items():
            _compare(partial[key], value, (*path, key), lost)
    elif isinstance(whole, list):
        assert isinstance(partial, list), path
        assert len(partial) == len(whole), path
        for item, other in zip(partial, whole, strict=True):
            _compare(item, other, path, lost)
    else:
        assert partial == whole, path


@asynccontextmanager
async def unreadable(postgres: Postgres, table: str, column: str) -> AsyncIterator[None]:
    """A column, or a table where the column is empty, that its account may not read for the length of the block."""
    schema, name = (part.strip('"') for part in table.split("."))
    rows = await postgres.rows(
        "select quote_ident(column_name) from information_schema.columns where table_schema = $1 and table_name = $2",
        schema,
        name,
    )
    rest = [each for (each,) in rows if each != column]
    revoke = f"revoke select on {table} from current_user"
    grants = [f"grant select ({', '.join(rest)}) on {table} to current_user"] if column else []
    async with changed(postgres, [revoke, *grants], [f"grant select on {table} to current_user"]):
        yield
