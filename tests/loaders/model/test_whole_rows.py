"""SQL that takes whole rows needs the scopes of all their columns, since it names none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.model.sql_words import REFERENCE
from loaders.model.whole_rows import takes_whole_rows
from tests.loaders.model.models import RIGHT, load

WHOLE = [
    "select p.id as id, to_jsonb(p) as v from {} as p",
    "select p.id as id, p::text as v from {} p",
    "select p.k as id, p.v as v from {} as p(t, k, v)",
    "select 1 as id, 'x' as v where false union all select * from {}",
    "with x as (select * from {}) select x.id as id, row_to_json(x)::text as v from x",
    "with x(t, id, v) as (select * from {}) select x.id as id, x.v as v from x",
    "select x.id as id, jsonb_agg(x.*) as v from {} as x group by x.id",
    "select x.id as id, (x.*)::text as v from {} x",
    "select q.id as id, q.v as v from (select * from {}) as q(t, id, v)",
    "select q.id as id, to_json(q) as v from (select * from {}) q",
    "select id, 1 as v from {} natural join {}",
    "select id, tuple(*) as v from {}",
    "select id, COLUMNS('em') from {}",
    "select * apply(toString) from {}",
]
NAMED = [
    "select * from {}",
    "select p.* from {} as p where p.role = 'x'",
    "select id, role from {} where role in (select role from {})",
    "select p.id as id, rank() over (partition by p.role order by count(e.id) desc) as rank from {} as p left join {} as e on e.id = p.id group by p.id",
    "with x as (select id, n from {}) select z.id, count(*) from x as z join {} as w on w.id = z.id group by z.id",
    "select y.n * 2 as n from (select n from {}) as y",
    "select a from {} union all select b from {}",
    "sum(a * b)",
]


@pytest.mark.parametrize("sql", WHOLE)
def test_columns_that_come_without_their_names_are_noticed(sql: str) -> None:
    assert takes_whole_rows(sql.replace("{}", REFERENCE))


@pytest.mark.parametrize("sql", NAMED)
def test_columns_that_keep_their_names_are_known_by_these(sql: str) -> None:
    assert not takes_whole_rows(sql.replace("{}", REFERENCE))


def test_a_section_of_whole_rows_needs_the_scopes_of_all_columns(tmp_path: Path) -> None:
    text = RIGHT.replace("total: Decimal = m.column(", 'total: Decimal = m.column(scope="money:read", ')
    assert load(tmp_path, text).bound_sections["Order.rank"].scopes == {"order:read", "event:read"}
    whole = text.replace("select o.id as id from", "select o.id as id, to_jsonb(o) as o from")
    assert load(tmp_path, whole).bound_sections["Order.rank"].scopes == {"order:read", "event:read", "money:read"}
