"""Columns in SQL: what can be nothing else is one."""

import pytest

from gateway.model_tools.checks.sql_columns import named_columns


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("count(*)", []),
        ("sum(bytes) / nullif(count(latency_ms), 0)", ["bytes", "latency_ms"]),
        ('"Budget" > 5 and `odd name` is not null', ["Budget", "odd name"]),
        ("case when kind = 'click' then 1 else null end", ["kind"]),
        ("cast(total as Decimal(18, 2))::numeric(12, 2) at time zone 'UTC'", ["total"]),
        ("arrayMap(x -> x + shift, items)", ["shift", "items"]),
        ("arrayMap((x, y) -> x * y, left_items, right_items)", ["left_items", "right_items"]),
        ("sum(amount) as spent, spent * 2", ["amount"]),
        ("percentile_disc(0.5) within group (order by total desc nulls last)", ["total"]),
        ('email collate "C"', ["email"]),
        ("interval '1 day' + started_at", ["started_at"]),
        ("e.member_id = 5", []),
        ("e'text' || note", ["note"]),
        ("count(distinct kind) filter (where bytes > 5)", ["kind", "bytes"]),
        ("extract(epoch from sent_at) + quantile(0.5)(latency_ms)", ["sent_at", "latency_ms"]),
        ("id in (select member_id from x)", []),
    ],
)
def test_names_that_are_columns(sql: str, names: list[str]) -> None:
    assert list(named_columns(sql)) == names
