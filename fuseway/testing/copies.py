"""Copies of a model's databases: one with two tenants whose keys collide, and one with the first of them alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from fuseway.testing.databases import DatabasesError, ModelDatabases
from fuseway.testing.table_rows import TableRows, as_text, literal
from gateway.stores import open_databases
from loaders.model.bound_tables import OwnTenant, ParentTenant
from loaders.model.databases import Everyones, Kind
from loaders.model.names import quoted_name, table_parts
from loaders.statements.row_sources import ALL_COLUMNS
from loaders.stores.errors import StatementFailed
from loaders.stores.postgres import Postgres

if TYPE_CHECKING:
    from loaders.model.databases import Database, Table
    from loaders.model.model import Model

_MAX_COPIED = 200
"""Rows of the first tenant that the other one is given too, of each table."""
_LEAVE_OUT = 3
"""One in so many rows without a key is not copied, so that sums and counts differ between tenants."""
_ATTEMPTS = 40
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class TenantCopies:
    """Two tenants, databases with both, and those with the first one alone. `notes` says which rows do not collide."""

    tenants: tuple[str, str]
    both: ModelDatabases
    alone: ModelDatabases
    notes: list[str] = field(default_factory=list)


async def copy_for_tenants(model: Model, databases: ModelDatabases, first: str | None) -> TenantCopies:
    """Copy the databases of a model twice, and give the second tenant rows with the first one's keys.

    The first tenant is `first`, or the one with rows in most tables. Nothing may be connected to the databases. Raises
    DatabasesError for existing databases, which are never written, and where there is no tenant at all.
    """
    if databases.is_existing or databases.server is None:
        raise DatabasesError("Existing databases are only read: tenants are told apart in new ones alone.")
    async with open_databases(databases.settings(model), model.databases, only_reads=False) as stores:
        known = await TableRows(model, stores).tenants()
    own = first or next(iter(known), None)
    if own is None:
        raise DatabasesError("No table has a row of a tenant: fill the databases, by setup= or by a fixture.")
    other = next((tenant for tenant in known if tenant != own), None) or _another(own)
    notes: list[str] = []
    both = await _copy(model, databases, None)
    async with open_databases(both.settings(model), model.databases, only_reads=False) as stores:
        await _Collisions(TableRows(model, stores), own, other, notes).make()
    return TenantCopies((own, other), both, await _copy(model, both, own), notes)


def _another(tenant: str) -> str:
    """Return a tenant that there is not, of the same type."""
    if tenant.lstrip("-").isdigit():
        return str(int(tenant) + 1)
    try:
        return str(UUID(int=UUID(tenant).int ^ 1))
    except ValueError:
        return f"{tenant}2"


async def _copy(model: Model, source: ModelDatabases, tenant: str | None) -> ModelDatabases:
    """Return new databases with all rows, or with those of one tenant."""
    name = f"test_{uuid4().hex[:12]}"
    urls = {
        database.variable: urlsplit(source[database.variable])._replace(path=f"/{name}_{place}").geturl()
        for place, database in enumerate(model.databases)
    }
    copies = replace(source, urls=urls)
    source.created.extend((database.kind, _name(urls[database.variable])) for database in model.databases)
    for database in model.databases:
        if database.kind is Kind.POSTGRES:
            await _copy_postgres(source, database, copies[database.variable])
    async with open_databases(source.settings(model), model.databases, only_reads=False) as stores:
        rows = TableRows(model, stores)
        for database in model.databases:
            if database.kind is Kind.CLICKHOUSE:
                await _copy_clickhouse(rows, database, _name(copies[database.variable]), tenant)
    async with open_databases(copies.settings(model), model.databases, only_reads=False) as stores:
        rows = TableRows(model, stores)
        for table in _stored(model, Kind.POSTGRES):
            if tenant is None:
                await _loosen(rows, table)
            elif await _relation_kind(rows, table) in ("r", "p"):
                condition = await _belongs(rows, table, tenant)
                await rows.stores[table.database].execute(f"delete from {table.name} where ({condition}) is not true")
    return copies


def _stored(model: Model, kind: Kind) -> Iterator[Table]:
    """Yield the tables of databases of a kind, children before their parents: theirs says whose the children are."""
    tables = [table for table in model.bound_tables if table.database.kind is kind]
    yield from sorted(tables, key=lambda table: not isinstance(model.bound_tables[table].tenant, ParentTenant))


async def _copy_postgres(source: ModelDatabases, database: Database, url: str) -> None:
    """Create a database from another one, as soon as nobody is connected to that one any more."""
    if source.server is None:
        raise TypeError("The databases exist.")
    async with _connected(source.server.database_url) as server:
        for left in reversed(range(_ATTEMPTS)):
            try:
                await server.execute(f'create database "{_name(url)}" template "{_name(source[database.variable])}"')
            except StatementFailed as error:
                if not left:
                    raise DatabasesError(
                        f"{database.variable} cannot be copied: close the connections that your fixtures keep to it."
                    ) from error
                await server.rows("select pg_sleep(0.1)")
            else:
                return


async def _copy_clickhouse(rows: TableRows, database: Database, name: str, tenant: str | None) -> None:
    """Create a database with the rows of each table, whatever kind of table they are in."""
    store = rows.stores[database]
    await store.command(f"create database `{name}`")
    settings = ", ".join(ALL_COLUMNS)
    for table in _stored(rows.model, Kind.CLICKHOUSE):
        if table.database is not database:
            continue
        if len(table_parts(table.name)) > 1:
            raise DatabasesError(f"{table.name} names its database, which cannot be copied: leave it to the URL.")
        where = "true" if tenant is None else await _belongs(rows, table, tenant)
        select = f"select * from {table.name} where {where} settings {settings}"
        await store.command(f"create table `{name}`.{table.name} engine = MergeTree order by tuple() as {select}")


async def _belongs(rows: TableRows, table: Table, tenant: str) -> str:
    """Return the condition that a row is a tenant's, of a table that is called everyone's too if it has the column."""
    condition = rows.model.bound_tables[table].tenant
    column = rows.model.tenant.column if rows.model.tenant is not None else ""
    if isinstance(condition, Everyones) and column in {name for name, _ in await _columns(rows, table)}:
        return f"{as_text(column, table.database.kind)} = {literal(tenant)}"
    return rows.of_tenant(table, tenant)


@dataclass(frozen=True, slots=True)
class _Collisions:
    """Gives the other tenant rows with the keys of the first one's, where the database lets it."""

    rows: TableRows
    own: str
    other: str
    notes: list[str]

    async def make(self) -> None:
        for table, bound in self.rows.model.bound_tables.items():
            if not isinstance(bound.tenant, OwnTenant):
                continue
            try:
                if table.database.kind is Kind.CLICKHOUSE:
                    await self._clickhouse(table, bound.tenant.column)
                elif await _relation_kind(self.rows, table) in ("r", "p"):
                    await self._postgres(table, bound.tenant.column)
            except StatementFailed as error:
                self.notes.append(f"{table.name}: its rows cannot be copied from one tenant to another: {error}")

    async def _postgres(self, table: Table, tenant: str) -> None:
        """Copy rows, each with the values of the next one, so that equal keys do not have equal values."""
        columns = dict(await _columns(self.rows, table))
        keys = {name for kind in self.rows.model.objects.values() if kind.table is table for name in kind.key.columns}
        values = {name: f"a.{_quoted(name)}" if name in keys or not keys else f"b.{_quoted(name)}" for name in columns}
        values[tenant] = f"{literal(self.other)}::{columns[tenant]}"
        order = ", ".join(_quoted(name) for name in sorted(keys - {tenant})) or "1"
        source = f"select * from {table.name} where {self.rows.of_tenant(table, self.own)} limit {_MAX_COPIED}"
        await self.rows.stores[table.database].execute(
            f"with fw_rows as (select *, row_number() over (order by {order}) as fw_n, count(*) over () as fw_c"
            f" from ({source}) as fw_source)"
            f" insert into {table.name} ({', '.join(map(_quoted, values))}) overriding system value"
            f" select {', '.join(values.values())}"
            f" from fw_rows as a join fw_rows as b on b.fw_n = a.fw_n % a.fw_c + 1"
            f"{'' if keys else f' where a.fw_n % {_LEAVE_OUT} > 0'} on conflict do nothing"
        )

    async def _clickhouse(self, table: Table, tenant: str) -> None:
        columns = dict(await _columns(self.rows, table))
        name = quoted_name(tenant, Kind.CLICKHOUSE)
        other = f"cast({literal(self.other)} as {columns[tenant]})"
        where = f"{self.rows.of_tenant(table, self.own)} and rowNumberInAllBlocks() % {_LEAVE_OUT} > 0"
        select = f"select * replace ({other} as {name}) from (select * from {table.name} where {where})"
        await self.rows.stores[table.database].command(f"insert into {table.name} {select}")


async def _columns(rows: TableRows, table: Table) -> list[tuple[str, str]]:
    """Return names and types of a table's columns, but for generated ones."""
    if table.database.kind is Kind.CLICKHOUSE:
        described = await rows.query(table.database, f"select name, type from (describe table {table.name})")
        return [(str(name), str(kind)) for name, kind in described]
    sql = (
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
        f" where attrelid = {literal(table.name)}::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
    )
    return [(str(name), str(kind)) for name, kind in await rows.query(table.database, sql)]


async def _relation_kind(rows: TableRows, table: Table) -> str:
    sql = f"select relkind::text from pg_class where oid = {literal(table.name)}::regclass"
    ((kind,),) = await rows.query(table.database, sql)
    return str(kind)


async def _loosen(rows: TableRows, table: Table) -> None:
    """Drop foreign keys and triggers of a copied table, so that rows can be copied and deleted in any order."""
    if await _relation_kind(rows, table) not in ("r", "p"):
        return
    sql = (
        "select conrelid::regclass::text, conname::text from pg_constraint where contype = 'f' and conparentid = 0"
        f" and {literal(table.name)}::regclass in (conrelid, confrelid)"
    )
    store = rows.stores[table.database]
    for owner, name in await rows.query(table.database, sql):
        await store.execute(f"alter table {owner} drop constraint if exists {_quoted(name)}")
    await store.execute(f"alter table {table.name} disable trigger user")


def _quoted(name: str) -> str:
    return quoted_name(name, Kind.POSTGRES)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Postgres]:
    postgres = await Postgres.connect(
        url, min_size=1, max_size=1, acquire_timeout_s=_TIMEOUT_S, statement_timeout_s=_TIMEOUT_S
    )
    try:
        yield postgres
    finally:
        await postgres.close()
