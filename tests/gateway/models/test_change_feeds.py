"""Changes that a model's tables tell of, as they are seen in answers over the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from tests.gateway.models.feeds import Feeds, ask

NAMES = "{ one: member(id: 1) { name memberships { roles } } two: member(id: 2) { name } members { totalCount } }"


def member_names(data: Any) -> list[str]:
    """Return the names of the two members."""
    return [data["one"]["name"], data["two"]["name"]]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when a condition holds; fail where it does not within some ten seconds."""
    for _ in range(500):
        if await condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It did not come to be.")


async def until_healthy(clients: list[httpx.AsyncClient]) -> None:
    """Return when no gateway warns of changes that are not heard."""

    async def are_healthy() -> bool:
        answers = [(await client.get("/readyz")).json() for client in clients]
        return all("warnings" not in answer for answer in answers)

    await until(are_healthy)


async def until_answered(client: httpx.AsyncClient, query: str, expected: Any) -> None:
    """Return when a query has the answer."""

    async def is_answered() -> bool:
        return bool(await ask(client, query) == expected)

    await until(is_answered)


async def test_what_a_message_names_is_read_anew_and_nothing_else(feeds: Feeds) -> None:
    """In both processes, whichever listens; without a message, what is cached is served."""
    async with feeds.served("aa") as clients:
        await until_healthy(clients)
        for client in clients:
            assert member_names(await ask(client, NAMES)) == ["Member 1", "Member 2"]
        await feeds.execute("update app.members set name = upper(name)")
        await feeds.execute("insert into app.memberships values (1, 'a')")
        for client in clients:
            assert member_names(await ask(client, NAMES)) == ["Member 1", "Member 2"]
        await feeds.notify('{"table": "members", "keys": [1], "tenant": "a"}')
        for client in clients:
            await until_answered(client, "{ member(id: 1) { name } }", {"member": {"name": "MEMBER 1"}})
            data = await ask(client, NAMES)
            assert member_names(data) == ["MEMBER 1", "Member 2"]
            assert data["one"]["memberships"] == {"roles": 1}, "the same object"


async def test_a_message_of_a_tenant_leaves_another_tenants_objects(feeds: Feeds) -> None:
    """Both have looked for the same id; without a tenant the message is for all."""
    query = "{ member(id: 9) { name } }"
    async with feeds.served("ab") as (of_a, of_b):
        await until_healthy([of_a, of_b])
        for client in (of_a, of_b):
            assert await ask(client, query) == {"member": None}
        await feeds.execute("insert into app.members values (9, 'b', 'New')")
        await feeds.notify('{"table": "members", "keys": ["9"], "tenant": "a"}')
        await feeds.notify('{"table": "plans", "keys": ["basic"]}')
        await asyncio.sleep(0.3)
        assert await ask(of_b, query) == {"member": None}
        await feeds.notify('{"table": "members", "keys": ["9"]}')
        await until_answered(of_b, query, {"member": {"name": "New"}})
        assert await ask(of_a, query) == {"member": None}


async def test_the_next_process_takes_over_with_all_that_was_missed(feeds: Feeds) -> None:
    query = '{ plan(id: "basic") { price } }'
    async with AsyncExitStack() as first_process:
        (first,) = await first_process.enter_async_context(feeds.served("a"))
        await until_healthy([first])
        async with feeds.served("a") as (second,):
            await until_healthy([second])
            assert await ask(second, query) == {"plan": {"price": 1}}
            await feeds.execute("update app.plans set price = 2")
            await first_process.aclose()
            await until_answered(second, query, {"plan": {"price": 2}})
            await until_healthy([second])
            await feeds.execute("update app.plans set price = 3")
            await feeds.notify('{"table": "plans", "keys": ["basic"]}')
            await until_answered(second, query, {"plan": {"price": 3}})


PROJECT = "{ project(id: 1) { name tasks { open } } }"


async def test_a_row_that_another_client_updates_is_seen_when_it_is_polled(feeds: Feeds) -> None:
    """In every process, of the tenant alone, and without a word of the database."""
    other = "{ project(id: 3) { name } }"
    async with feeds.served("aab") as (first, second, of_b):
        await until_healthy([first, second, of_b])
        assert await ask(of_b, PROJECT) == {"project": None}
        for client in (first, second):
            assert await ask(client, PROJECT) == {"project": {"name": "Project 1", "tasks": {"open": 1}}}
            assert await ask(client, other) == {"project": None}
        assert await ask(of_b, other) == {"project": {"name": "Project 3"}}
        await feeds.execute(
            """update app."Projects" set name = 'Changed', updated_at = clock_timestamp() where id = 1"""
        )
        await feeds.execute("""update app."Projects" set name = 'Unseen' where id = 3""")
        for client in (first, second):
            await until_answered(client, PROJECT, {"project": {"name": "Changed", "tasks": {"open": 1}}})
        assert await ask(of_b, other) == {"project": {"name": "Project 3"}}, "its updated_at did not grow"


async def test_a_table_without_keys_of_its_own_is_read_anew_as_a_whole(feeds: Feeds) -> None:
    async with feeds.served("a") as (client,):
        await until_healthy([client])
        assert await ask(client, PROJECT) == {"project": {"name": "Project 1", "tasks": {"open": 1}}}
        await feeds.execute("insert into app.tasks values (1, false, 5)")
        await until_answered(client, PROJECT, {"project": {"name": "Project 1", "tasks": {"open": 2}}})


async def test_a_row_of_clickhouse_is_seen_when_it_is_polled(feeds: Feeds) -> None:
    query = "{ device(id: 7) { name } }"
    insert = "insert into devices select 7, 'a', '{}', now64(6)"
    async with feeds.served("a") as (client,):
        await until_healthy([client])
        assert await ask(client, query) == {"device": None}
        for name in ("First", "Second"):
            await feeds.new.stores.clickhouse.command(insert.format(name))
            await until_answered(client, query, {"device": {"name": name}})


async def test_polls_that_fail_shorten_how_long_answers_are_cached(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only answers of that database's polled tables are shortened. It ends by itself, with all that was missed."""
    monkeypatch.setattr("loaders.cache.change_listener._PROOF_S", 3.0)
    rename = 'alter table app."Projects" rename column {} to {}'
    warning = (
        "No process has shown lately that it hears of changes in polled tables of PostgreSQL crm: the log says why."
    )
    async with feeds.served("a") as (client,):

        async def warns() -> bool:
            return bool((await client.get("/readyz")).json().get("warnings") == [warning])

        async def max_age(query: str) -> int:
            answer = await client.post("/graphql", json={"query": query})
            return int(answer.headers["cache-control"].partition("max-age=")[2].partition(",")[0])

        await until_healthy([client])
        assert await max_age("{ project(id: 1) { name } }") > 3_000
        await feeds.execute(rename.format("updated_at", "other"))
        await until(warns)
        await feeds.execute("""update app."Projects" set name = 'Unheard' where id = 1""")
        assert (await ask(client, PROJECT))["project"]["name"] == "Unheard", "what was cached for long is not served"
        assert await max_age("{ project(id: 1) { name } }") <= 30
        assert await max_age("{ member(id: 1) { name } }") > 3_000, "its changes are announced"
        await feeds.execute(rename.format("other", "updated_at"))
        await until_healthy([client])
        assert await max_age("{ project(id: 2) { name } }") > 3_000


async def test_the_next_process_polls_from_where_it_begins_and_takes_all_for_changed(feeds: Feeds) -> None:
    async with AsyncExitStack() as first_process:
        (first,) = await first_process.enter_async_context(feeds.served("a"))
        await until_healthy([first])
        async with feeds.served("a") as (second,):
            await until_healthy([second])
            assert (await ask(second, PROJECT))["project"]["name"] == "Project 1"
            await first_process.aclose()
            await feeds.execute("""update app."Projects" set name = 'Missed' where id = 1""")
            await until_answered(second, PROJECT, {"project": {"name": "Missed", "tasks": {"open": 1}}})


CATALOG = """
select 'class', oid::text, concat(relname, relkind, relnatts) from pg_class
where relnamespace not in (select oid from pg_namespace where nspname in ('pg_toast', 'pg_catalog'))
union all select 'namespace', oid::text, nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp'
union all select 'function', oid::text, proname from pg_proc
union all select 'trigger', oid::text, tgname from pg_trigger
union all select 'role', oid::text, rolname from pg_roles
union all select 'row', md5(string_agg(t::text, '|' order by id)), 'projects' from app."Projects" as t
order by 1, 2
"""


async def test_nothing_is_written_to_the_models_databases(feeds: Feeds) -> None:
    """Catalogs and rows are the same before and after; the gateway's connections may not write at all."""
    tables = "select name, create_table_query, total_rows from system.tables where database = currentDatabase()"

    async def state() -> tuple[Any, ...]:
        postgres = [tuple(row) for row in await feeds.new.stores.postgres.rows(CATALOG)]
        clickhouse = (await feeds.new.stores.clickhouse.columns(tables, {})).columns
        return postgres, [list(column) for column in clickhouse]

    before = await state()
    async with feeds.served("ab") as clients:
        await until_healthy(clients)
        for client in clients:
            await ask(client, PROJECT)
            await ask(client, '{ device(id: 7) { name } plan(id: "basic") { price } member(id: 1) { name } }')
        await feeds.notify('{"table": "plans", "keys": ["basic"]}')
        await asyncio.sleep(0.5)
        assert await state() == before
    assert await state() == before
