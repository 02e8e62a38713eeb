"""Facts about a model's tables, beside its statements: how many rows they have, and what stands for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model_tools.live.clickhouse_proof import ClickHouseProof, declared_tables
from gateway.model_tools.live.postgres_proof import PostgresProof
from gateway.model_tools.live.postgres_relations import Relations, read_relations
from gateway.model_tools.live.statements import Store
from loaders.model.databases import Database, Table
from loaders.model.model import Model
from loaders.statements.parameters import TenantScope
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres

_ROWS = """
select concat(database, '.', name) as full_name, total_rows from system.tables
where concat(database, '.', name) in {names:Array(String)} and total_rows is not null
"""


@dataclass(frozen=True, slots=True)
class KnownDatabases:
    """The relations of each PostgreSQL, and the tables of each ClickHouse, with the rows of these by their names."""

    relations: Mapping[Database, Relations]
    tables: Mapping[Database, Mapping[str, list[Table]]]
    rows: Mapping[str, int]

    def proofs(self, model: Model, tenant: TenantScope | None) -> dict[Database, PostgresProof | ClickHouseProof]:
        """Return what proves that statements, bound with a tenant, read its rows alone."""
        value = "" if tenant is None else str(tenant.scalar.encode(tenant.value))
        bound = model.bound_tables
        of_postgres = {database: PostgresProof(bound, each, value) for database, each in self.relations.items()}
        of_clickhouse = {database: ClickHouseProof(bound, each, value) for database, each in self.tables.items()}
        return {**of_postgres, **of_clickhouse}


async def read_databases(model: Model, stores: Mapping[Database, Store]) -> KnownDatabases:
    """Return what the databases say of the tables of a model."""
    relations: dict[Database, Relations] = {}
    tables: dict[Database, Mapping[str, list[Table]]] = {}
    rows: dict[str, int] = {}
    for database, store in stores.items():
        own = [table for table in model.tables if table.database is database]
        if isinstance(store, Postgres):
            relations[database] = await read_relations(own, model.bound_tables, store)
        elif isinstance(store, ClickHouse):
            tables[database] = declared_tables(own, store.database)
            answer = await store.columns(_ROWS, {"names": list(tables[database])})
            rows |= dict(zip(*answer.columns, strict=True)) if answer.columns else {}
    return KnownDatabases(relations, tables, rows)
