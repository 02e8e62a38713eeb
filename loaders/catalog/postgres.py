"""Reading the catalog of a PostgreSQL database: a few statements, however many tables it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from loaders.catalog.catalog import Column, DatabaseCatalog, ForeignKey, Index, TableCatalog
from loaders.migrations import OWN_SCHEMA
from loaders.model.databases import Kind
from loaders.stores.protocols import RelationalStore, Row

_VERSION = "select split_part(current_setting('server_version'), ' ', 1) as version"

# Extensions' tables, partitions of a table that is listed itself, and the gateway's own are nobody's to ask for, unless
# they are named. A table that was never analysed has -1 rows, and one with partitions has no number of its own.
_TABLES = """
select c.oid, n.nspname || '.' || c.relname as name, c.relkind in ('v', 'm') as is_view,
    coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
    case c.relkind
        when 'v' then null
        when 'p' then (
            select sum(l.reltuples) filter (where l.reltuples >= 0)
            from pg_partition_tree(c.oid) as p join pg_class as l on l.oid = p.relid where p.isleaf
        )
        else nullif(c.reltuples, -1)
    end::float8 as rows
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select')
    and case
        when $1::text[] is not null then n.nspname || '.' || c.relname = any($1::text[])
        else not c.relispartition and n.nspname not in ('information_schema', $2)
            and n.nspname !~ '^pg_'
            and not exists (
                select from pg_depend as d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
            )
    end
order by n.nspname, c.relname
"""

# A domain is shown as the type below it, with its own `not null`: that is what values of it are. An array of a domain
# is one of the type below it. An invalid `not null` says nothing of older rows.
_COLUMNS = """
with recursive bases as (
    select oid as domain, typbasetype as base, typtypmod as modifier, typnotnull as is_required
    from pg_type where typtype = 'd'
    union all
    select b.domain, t.typbasetype, t.typtypmod, b.is_required or t.typnotnull
    from bases as b join pg_type as t on t.oid = b.base where t.typtype = 'd'
),
domains as (
    select b.* from bases as b join pg_type as t on t.oid = b.base where t.typtype <> 'd'
),
columns as (
    select a.attrelid, a.attnum, a.attname::text as name, coalesce(d.base, a.atttypid) as type,
        coalesce(d.modifier, a.atttypmod) as modifier, coalesce(d.is_required, false) or a.attnotnull as is_required
    from pg_attribute as a left join domains as d on d.domain = a.atttypid
    where a.attrelid = any($1::oid[]) and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(a.attrelid, a.attnum, 'select')
)
select c.attrelid as table, c.name,
    case when e.domain is null then format_type(c.type, c.modifier) else format_type(e.base, e.modifier) || '[]'
    end as type,
    not c.is_required or exists (
        select from pg_constraint as k
        where k.conrelid = c.attrelid and k.contype = 'n' and k.conkey = array[c.attnum] and not k.convalidated
    ) as is_nullable,
    coalesce(col_description(c.attrelid, c.attnum), '') as comment,
    array(
        select enumlabel::text from pg_enum
        where enumtypid = coalesce(e.base, nullif(t.typelem, 0), c.type) order by enumsortorder
    ) as labels
from columns as c join pg_type as t on t.oid = c.type left join domains as e on e.domain = t.typelem
order by c.attrelid, c.attnum
"""

# Uniqueness is read from indexes, since those alone say whether it holds for equal values and for all rows.
_INDEXES = """
select i.indrelid as table, c.relname::text as name, m.amname::text as method, i.indisprimary as is_primary,
    i.indisunique and not i.indisexclusion as is_unique,
    coalesce(pg_get_expr(i.indpred, i.indrelid, true), '') as condition,
    array(
        select pg_get_indexdef(i.indexrelid, k, true)
            || case when l.oid is null then '' else ' COLLATE ' || quote_ident(l.collname) end
        from generate_series(1, i.indnkeyatts) as k
            left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[k - 1] and a.attnum > 0
            left join pg_collation as l on l.oid = i.indcollation[k - 1] and l.oid <> a.attcollation
        order by k
    ) as terms,
    array(
        select a.attname::text
        from generate_series(1, i.indnkeyatts) as k
            join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[k - 1] and a.attnum > 0
        order by k
    ) as columns
from pg_index as i join pg_class as c on c.oid = i.indexrelid join pg_am as m on m.oid = c.relam
where i.indrelid = any($1::oid[]) and i.indisvalid
order by i.indrelid, not i.indisprimary, c.relname
"""

# A table with partitions has a further constraint for each partition of the table that it refers to.
_FOREIGN_KEYS = """
select k.conrelid as table, n.nspname || '.' || c.relname as referenced,
    array(
        select a.attname::text from unnest(k.conkey) with ordinality as u(number, place)
            join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.number
        order by u.place
    ) as columns,
    array(
        select a.attname::text from unnest(k.confkey) with ordinality as u(number, place)
            join pg_attribute as a on a.attrelid = k.confrelid and a.attnum = u.number
        order by u.place
    ) as referenced_columns
from pg_constraint as k join pg_class as c on c.oid = k.confrelid join pg_namespace as n on n.oid = c.relnamespace
where k.contype = 'f' and k.conrelid = any($1::oid[])
    and not exists (select from pg_constraint as p where p.oid = k.conparentid and p.conrelid = k.conrelid)
order by k.conrelid, k.conname
"""


async def read_postgres(store: RelationalStore, name: str, tables: Collection[str] | None = None) -> DatabaseCatalog:
    """Return what a database tells of its tables; `name` is the model's for it.

    `tables` are names of the catalog, `schema.table` without quotes; without them it is all tables and views of users,
    in the order of their names. A table that is not there, or that the account may not read, is missing in the catalog,
    as is a column, with the keys and indexes that it is a part of. Raises StoreError where the database is away or
    refuses.
    """
    (version,) = await store.rows(_VERSION)
    rows = await store.rows(_TABLES, None if tables is None else list(tables), OWN_SCHEMA)
    oids = [row["oid"] for row in rows]
    columns = _by_table(await store.rows(_COLUMNS, oids))
    indexes = _by_table(await store.rows(_INDEXES, oids))
    foreign_keys = _by_table(await store.rows(_FOREIGN_KEYS, oids))
    read = {row["name"]: {column["name"] for column in columns[row["oid"]]} for row in rows}
    catalogs = [
        _table(
            row,
            columns[row["oid"]],
            [each for each in indexes[row["oid"]] if read[row["name"]].issuperset(each["columns"])],
            [each for each in foreign_keys[row["oid"]] if _is_readable(each, read[row["name"]], read)],
        )
        for row in rows
    ]
    return DatabaseCatalog(Kind.POSTGRES, name, version["version"], {each.name: each for each in catalogs})


def _by_table(rows: Sequence[Row]) -> defaultdict[int, list[Row]]:
    tables: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        tables[row["table"]].append(row)
    return tables


def _table(row: Row, columns: Sequence[Row], indexes: Sequence[Row], foreign_keys: Sequence[Row]) -> TableCatalog:
    unique = [index for index in indexes if _identifies_rows(index)]
    return TableCatalog(
        row["name"],
        {column["name"]: _column(column) for column in columns},
        is_view=row["is_view"],
        comment=row["comment"],
        rows=None if row["rows"] is None else round(row["rows"]),
        primary_key=next((tuple(index["columns"]) for index in unique if index["is_primary"]), ()),
        unique=tuple(dict.fromkeys(tuple(index["columns"]) for index in unique)),
        foreign_keys=tuple(
            ForeignKey(tuple(key["columns"]), key["referenced"], tuple(key["referenced_columns"]))
            for key in foreign_keys
        ),
        indexes=tuple(_index(index) for index in indexes),
    )


def _is_readable(key: Row, own: set[str], read: Mapping[str, set[str]]) -> bool:
    """Return whether the account may read a foreign key's columns, and those that it refers to of a table in `read`."""
    referenced = read.get(key["referenced"])
    return own.issuperset(key["columns"]) and (referenced is None or referenced.issuperset(key["referenced_columns"]))


def _identifies_rows(index: Row) -> bool:
    """Return whether no two rows of the whole table share the values of the index's columns."""
    return bool(index["is_unique"] and not index["condition"] and len(index["columns"]) == len(index["terms"]))


def _column(row: Any) -> Column:
    return Column(row["name"], row["type"], row["is_nullable"], row["comment"], tuple(row["labels"]))


def _index(row: Any) -> Index:
    return Index(row["name"], tuple(row["terms"]), row["is_unique"], row["method"], row["condition"])
