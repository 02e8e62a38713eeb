"""Changes that a model's tables tell of, as they are seen in answers over the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx

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
