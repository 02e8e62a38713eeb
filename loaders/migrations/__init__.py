"""Migrations: the gateway's own tables, or a model's, as numbered SQL files, applied once and never edited."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from loaders.stores import clickhouse as clickhouse_store
from loaders.stores import postgres as postgres_store
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.echo import Echo
from loaders.stores.errors import StoreError
from loaders.stores.postgres import Postgres
from loaders.stores.postgres_session import PostgresSession

OWN_SCHEMA = "gateway_internal"
"""The schema of the gateway's own tables. Not `gateway`: a role of that name would find its tables there first."""

# Any number will do, as long as nothing else in the database locks it.
_LOCK = 7_314_503_061


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name within its store, its SQL."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def own_migrations() -> list[Migration]:
    """Return the migrations of the gateway's own tables, in the order of their numbers."""
    return read_migrations(files(__name__).joinpath("own"))


def read_migrations(folder: Traversable) -> list[Migration]:
    """Return the SQL files of a folder, in the order of their numbers."""
    entries = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [Migration(entry.name, entry.read_text("utf-8")) for entry in sorted(entries, key=lambda entry: entry.name)]


async def migrate(
    postgres: Postgres,
    clickhouse: ClickHouse,
    postgres_migrations: list[Migration],
    clickhouse_migrations: list[Migration],
) -> list[str]:
    """Apply what is missing, in order. Returns the names of what was applied, `[]` where nothing was missing.

    Processes that migrate at once take turns. Raises NotificationLostError where PostgreSQL's connection is a pooler's,
    and StoreError where an applied file has changed since. A file that failed is not recorded: PostgreSQL rolls it
    back, and ClickHouse repeats it the next time.
    """
    async with postgres.session() as session:
        await Echo.start(postgres, session)  # else the lock would be left on a pooler's connection
        await session.execute("select pg_advisory_lock($1)", _LOCK)  # held until the session ends, however it ends
        applied = await _migrate_postgres(session, postgres_migrations)
        applied += await _migrate_clickhouse(clickhouse, clickhouse_migrations)
    return applied


async def migrate_own(postgres: Postgres) -> list[str]:
    """Create or update the gateway's own tables, in a schema of their own. Returns and raises as `migrate` does."""
    async with postgres.session() as session:
        await Echo.start(postgres, session)
        await session.execute("select pg_advisory_lock($1)", _LOCK)
        await session.execute(f"create schema if not exists {OWN_SCHEMA}")
        return await _migrate_postgres(session, own_migrations(), f"{OWN_SCHEMA}.schema_migration", "gateway")


async def _migrate_postgres(
    session: PostgresSession,
    migrations: list[Migration],
    table: str = "schema_migration",
    owner: str = postgres_store.STORE,
) -> list[str]:
    await session.execute_script(
        f"create table if not exists {table} ("
        "name text primary key, checksum text not null, applied_at timestamptz not null default now())"
    )
    rows = await session.rows(f"select name, checksum from {table}")  # noqa: S608 - a name of this file

    async def apply(migration: Migration) -> None:
        async with session.transaction():
            await session.execute_script(migration.sql)
            recorded = f"insert into {table} (name, checksum) values ($1, $2)"  # noqa: S608
            await session.execute(recorded, migration.name, migration.checksum)

    checksums = {row["name"]: row["checksum"] for row in rows}
    return await _apply_missing(owner, migrations, checksums, apply)


async def _migrate_clickhouse(clickhouse: ClickHouse, migrations: list[Migration]) -> list[str]:
    await clickhouse.command(
        "create table if not exists schema_migration ("
        "name String, checksum String, applied_at DateTime('UTC') default now()) engine = MergeTree order by name"
    )
    answer = await clickhouse.columns("select name, checksum from schema_migration", {})

    async def apply(migration: Migration) -> None:
        for statement in statements(migration.sql):
            await clickhouse.command(statement)
        await clickhouse.insert("schema_migration", ["name", "checksum"], [[migration.name], [migration.checksum]])

    checksums = dict(zip(*answer.columns, strict=True))
    return await _apply_missing(clickhouse_store.STORE, migrations, checksums, apply)


async def _apply_missing(
    store: str,
    migrations: list[Migration],
    checksums: Mapping[str, str],
    apply: Callable[[Migration], Awaitable[None]],
) -> list[str]:
    applied = []
    for migration in migrations:
        recorded = checksums.get(migration.name)
        if recorded is None:
            await apply(migration)
            applied.append(f"{store}/{migration.name}")
        elif recorded != migration.checksum:
            message = (
                f"The migration {migration.name} of {store} was changed after it was applied: add a new file instead."
            )
            raise StoreError(store, message)
    return applied


def statements(sql: str) -> list[str]:
    """Split a script at semicolons that end a line, and return the statements without them."""
    parts = (part.strip() for part in f"{sql}\n".split(";\n"))
    return [part for part in parts if part]
