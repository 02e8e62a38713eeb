"""Statements that read or sort many rows for few: a warning with the rows, and DDL that mends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loaders.model.problems import Problem, Severity
from tests.conftest import NewDatabase, NewStores
from tests.gateway.model_tools.conftest import reading
from tests.gateway.model_tools.shop import create_large_tables, create_tables, edited_problems

_TYPES = '''\
class SentOrder(m.Order, default="at desc"):
    at = m.by("at")

class SentFilter(m.Filter):
    note: str = m.equals("note")
    note_prefix: str = m.prefix("note")
    tag: str = m.contains("tags")

class Sent(m.Object, table=sent):
    """Sent."""
    id: m.BigInt = m.key()
    at: dt.datetime
    tags: list[str]

class Kept(m.Section, over=kept):
    """Kept."""
    n: int = m.sql("count(*)", "Rows.")

class Clicks(m.Section, over=clicks):
    """Clicks."""
    n: int = m.sql("count()", "Rows.")

class UseByDay'''
_TABLES = """sent = crm.table("app.sent", scope="order:read")
kept = crm.table("app.kept", scope="order:read")
clicks = web.table("clicks", time="at", zone="UTC", scope="event:read")
lines = crm"""
_FIELDS = """    sent: list[Sent] = m.many("order_id", order="at desc", first=5)
    kept: Kept = m.section("order_id")
    clicks: Clicks = m.section("order_id", period=True)
    use_by_day: list"""
_EDITS = (
    ("lines = crm", _TABLES),
    ("class UseByDay", _TYPES),
    ("    use_by_day: list", _FIELDS),
    (
        "class Query(m.Query):",
        "class Query(m.Query):\n    sents: m.Page[Sent] = m.page(order=SentOrder, filter=SentFilter)",
    ),
    ("types=[", "types=[Sent, "),
)


@pytest.fixture(scope="module")
async def large(new_database: NewDatabase) -> AsyncIterator[NewStores]:
    """Databases with many rows, of which a test may change the indexes."""
    async with new_database() as new:
        await create_tables(new.stores)
        await create_large_tables(new.stores)
        yield new


async def costs(large: NewStores, folder: Path, *edits: tuple[str, str]) -> dict[str, Problem]:
    """The warnings by their subjects."""
    stores = await reading(large)
    try:
        problems = await edited_problems(folder, stores, *_EDITS, *edits)
    finally:
        await stores.postgres.close()
        await stores.clickhouse.close()
    assert len({each.subject for each in problems}) == len(problems)  # a field is told once
    return {each.subject: each for each in problems}


async def test_a_condition_with_a_sub_select_ends_no_check(large: NewStores, tmp_path: Path) -> None:
    rows = "crm.relation(f\"select k.order_id as id, k.id as n from {kept.asked('order_id')} as k where k.id > (select max(id) / 9 from {kept.all})\")"
    late = f'class Late(m.Section, over={rows}):\n    """Late."""\n    n: int = m.sql("count(*)", "Rows.")\n\n'
    edits = (
        ("class Kept(", f"{late}class Kept("),
        ("    kept: Kept =", '    late: Late = m.section("id")\n    kept: Kept ='),
    )

    assert "Order.kept" in await costs(large, tmp_path, *edits)


async def test_what_reads_many_rows_is_told_with_ddl_that_mends_it(large: NewStores, tmp_path: Path) -> None:
    warnings = await costs(large, tmp_path)

    assert {each.severity for each in warnings.values()} == {Severity.WARNING}
    assert {subject: (each.ddl, round(each.rows or 0, -4)) for subject, each in warnings.items()} == {
        "SentFilter.note": ("create index concurrently on app.sent (account_id, note);", 60_000),
        "SentFilter.note_prefix": (
            "create index concurrently on app.sent (account_id, note text_pattern_ops);",
            60_000,
        ),
        "SentFilter.tag": ("create index concurrently on app.sent using gin (tags);", 60_000),
        "Order.sent": ("create index concurrently on app.sent (account_id, order_id, at desc, id desc);", 60_000),
        "Order.kept": ("create index concurrently on app.kept (account_id, order_id);", 20_000),
        "Order.clicks": (
            f"alter table {large.clickhouse_url.rpartition('/')[2]}.clicks add projection by_account_id_order_id"
            " (select * order by account_id, order_id);\n"
            f"alter table {large.clickhouse_url.rpartition('/')[2]}.clicks materialize projection"
            " by_account_id_order_id;",
            200_000,
        ),
        "Query.sents": ("create index concurrently on app.sent (account_id, at desc, id desc);", 20_000),
    }
    assert warnings["Order.sent"].message.startswith("PostgreSQL reads all rows of app.sent, of which about ")
    assert warnings["Order.kept"].message.startswith("PostgreSQL reads rows of app.kept by an index, of which about ")
    assert warnings["Query.sents"].message.startswith("PostgreSQL sorts rows of app.sent to answer the first 21")
    assert warnings["Order.clicks"].message == (
        "ClickHouse reads many granules of clicks for one object, since its sorting key does not lead to order_id."
    )

    async with large.stores.postgres.session() as session:
        for each in warnings.values():
            if each.ddl.startswith("create index"):
                await session.execute(each.ddl)
        await session.execute("analyze app.sent")
    for statement in warnings["Order.clicks"].ddl.splitlines():
        await large.stores.clickhouse.command(statement.rstrip(";"))

    after = await costs(large, tmp_path)
    assert after == {}
