"""Facts of PostgreSQL's catalog about a model's tables: their parts, what views read, how many rows there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.model_tools.live.postgres_views import Origin, read_origins
from loaders.model.bound_tables import BoundTable, OwnTenant, ParentTenant
from loaders.model.databases import Table
from loaders.model.names import table_parts
from loaders.stores.postgres import Postgres

_RELATED = """
with recursive declared as (
    select c.oid, n.nspname, c.relname
    from unnest($1::text[], $2::text[]) as asked(schema, name)
    join pg_catalog.pg_namespace as n on n.nspname = asked.schema
    join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = asked.name
),
related(root, oid, is_in_view) as (
    select oid, oid, false from declared
    union
    select r.root, found.oid, r.is_in_view or found.is_in_view
    from related as r cross join lateral (
        select inhrelid as oid, false as is_in_view from pg_catalog.pg_inherits where inhparent = r.oid
        union all
        select d.refobjid, true
        from pg_catalog.pg_rewrite as w
        join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> w.ev_class
        join pg_catalog.pg_class as v on v.oid = w.ev_class and v.relkind = 'v'
        where w.ev_class = r.oid
    ) as found
)
select d.nspname::text, d.relname::text, n.nspname::text, c.relname::text, r.is_in_view, c.relkind::text,
    greatest(c.reltuples, 0)::float8
from related as r
join declared as d on d.oid = r.root
join pg_catalog.pg_class as c on c.oid = r.oid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
"""


@dataclass(frozen=True, slots=True)
class Related:
    """A relation that a plan may scan in the place of a declared table: itself, its part, or what its view reads."""

    table: Table
    is_in_view: bool


@dataclass(frozen=True, slots=True)
class Relations:
    """The relations that plans of a model's statements may scan, as `schema.table`."""

    _related: Mapping[str, Sequence[Related]] = field(default_factory=dict)
    _rows: Mapping[str, float] = field(default_factory=dict)
    _own: Collection[str] = ()
    _origins: Mapping[tuple[Table, str], Collection[Origin]] = field(default_factory=dict)

    def tables_of(self, relation: str) -> list[Table]:
        """Return the declared tables that are read where a relation is scanned, the table itself first."""
        return [each.table for each in sorted(self._related.get(relation, ()), key=lambda each: each.is_in_view)]

    def read_by(self, tables: Collection[Table]) -> Relations:
        """Return the relations of a statement that reads these tables: those of other views are not its own."""
        seen = {
            name: [each for each in related if not each.is_in_view or each.table in tables]
            for name, related in self._related.items()
        }
        return replace(self, _related=seen)

    def origins(self, view: Table, column: str) -> Collection[Origin]:
        """Return the columns of other relations that a view's column is."""
        return self._origins.get((view, column), ())

    def is_in_view(self, relation: str, table: Table) -> bool:
        """Return whether a relation is read because a declared view reads it."""
        return all(each.is_in_view for each in self._related.get(relation, ()) if each.table is table)

    def is_part(self, relation: str) -> bool:
        """Return whether a relation is a partition of a declared table, or inherits from one."""
        return relation not in self._own

    def rows(self, relation: str) -> float:
        """Return PostgreSQL's estimate of a relation's rows, 0 where it has none."""
        return self._rows.get(relation, 0)


async def read_relations(tables: Collection[Table], bound: Mapping[Table, BoundTable], postgres: Postgres) -> Relations:
    """Return what the catalog says of some tables of a database."""
    by_name: dict[tuple[str, ...], list[Table]] = {}
    for table in tables:
        by_name.setdefault(table_parts(table.name), []).append(table)
    schemas, names = [parts[0] for parts in by_name], [parts[-1] for parts in by_name]
    related: dict[str, list[Related]] = {}
    rows: dict[str, float] = {}
    for schema, name, its_schema, its_name, is_in_view, _, count in await postgres.rows(_RELATED, schemas, names):
        relation = f"{its_schema}.{its_name}"
        together = related.setdefault(relation, [])
        together += [Related(table, is_in_view) for table in by_name[schema, name]]
        rows[relation] = count
    views = {each.table for together in related.values() for each in together if each.is_in_view}
    names_of = [(view, name) for view in views for name in _tenant_columns(bound[view])]
    origins = {(view, name): await read_origins(view, name, postgres) for view, name in names_of}
    return Relations(related, rows, frozenset(".".join(parts) for parts in by_name), origins)


def _tenant_columns(bound: BoundTable) -> tuple[str, ...]:
    """Return the columns of a table that say whose rows they are."""
    if isinstance(bound.tenant, ParentTenant):
        return bound.tenant.columns
    return (bound.tenant.column,) if isinstance(bound.tenant, OwnTenant) else ()
