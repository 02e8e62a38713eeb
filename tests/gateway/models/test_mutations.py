"""Mutations and functions of a model over HTTP: executed each time, and answered as the databases are afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import strawberry

import fuseway as m
from deploy.embedded.engines import StoreUrls
from gateway.app import build_app
from gateway.http_connection import CONNECTION
from gateway.settings import Settings
from loaders.migrations import migrate_own
from loaders.model.compilation import compile_model
from loaders.stores.postgres import Postgres
from tests.conftest import NewDatabase
from tests.patience import REDIS_SETTINGS

db = m.Postgres()
tasks = db.table("public.tasks", freshness=m.Freshness(fresh_s=600, stale_while_revalidate_s=0, stale_if_error_s=0))
WRITERS: list[Postgres] = []
"""The connections of the mutations, which are the author's own."""
RENAMED: list[str] = []
GATE = asyncio.Event()
COUNTS: dict[str, int] = {}

_TABLE = "create table tasks (id int primary key, title text not null); insert into tasks values (1, 'old'), (2, 'two')"
TITLE = '{ task(id: "1") { title } }'


async def _looks(id: Sequence[int]) -> list[int]:  # noqa: A002
    COUNTS["looks"] = COUNTS.get("looks", 0) + 1
    return [COUNTS["looks"]] * len(id)


def _length(title: Sequence[str]) -> list[int]:
    return [len(text) for text in title]


class Task(m.Object, table=tasks):
    """Something to do."""

    id: int = m.key()
    title: str
    looks: int = m.resolver(_looks)
    length: int = m.computed(_length)


def _calls() -> int:
    COUNTS["calls"] = COUNTS.get("calls", 0) + 1
    return COUNTS["calls"]


async def _waits() -> int:
    RENAMED.append("begun")
    try:
        return int(await GATE.wait())
    except asyncio.CancelledError:
        RENAMED.append("cancelled")
        raise


class Query(m.Query):
    """Ways in."""

    task: Task | None = m.by_key()
    calls: int = m.resolver(_calls)
    waits: int = m.resolver(_waits)


@strawberry.type
class Mutation:
    """Changes of tasks."""

    @strawberry.mutation
    async def rename(self, id: int, title: str) -> Task | None:  # noqa: A002
        """Answer the task."""
        RENAMED.append(title)
        await WRITERS[-1].execute("update tasks set title = $2 where id = $1", id, title)
        return m.ref(Task, id)

    @strawberry.mutation
    async def rename_slowly(self, id: int, title: str) -> bool:  # noqa: A002
        """Wait, and rename the task then."""
        RENAMED.append("begun")
        await GATE.wait()
        await WRITERS[-1].execute("update tasks set title = $2 where id = $1", id, title)
        RENAMED.append(title)
        return True


@pytest.fixture
async def client(new_database: NewDatabase, store_urls: StoreUrls) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in this process that serves the model over a database of its own."""
    async with new_database() as new:
        model = compile_model(m.Model(f"tasks_{uuid4().hex}", query=Query, types=[Task], mutation=Mutation))
        async with new.stores.postgres.session() as session:
            await session.execute_script(_TABLE)
        await migrate_own(new.stores.postgres)
        WRITERS.append(new.stores.postgres)
        RENAMED.clear()
        COUNTS.clear()
        settings = Settings(
            database_url=new.database_url,
            redis_url=store_urls.redis_url,
            anonymous="all",
            **REDIS_SETTINGS,
        )
        app = build_app(settings, model)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as asking,
        ):
            yield asking
        WRITERS.pop()


async def ask(client: httpx.AsyncClient, query: str) -> tuple[Any, str]:
    """Return the data and how long they may be cached."""
    answer = await client.post("/graphql", json={"query": query})
    assert answer.json().get("errors") is None
    return answer.json()["data"], answer.headers["cache-control"]


async def test_a_mutation_that_is_sent_again_is_executed_again(client: httpx.AsyncClient) -> None:
    mutation = 'mutation { rename(id: 2, title: "new") { title } }'
    for _ in range(2):
        assert await ask(client, mutation) == ({"rename": {"title": "new"}}, "no-cache")
    assert RENAMED == ["new", "new"]


async def test_a_mutation_answers_what_it_has_changed_and_not_what_was_cached(client: httpx.AsyncClient) -> None:
    cached, control = await ask(client, TITLE)
    assert cached == {"task": {"title": "old"}}
    assert control.startswith("public, max-age=")
    data, _ = await ask(
        client, 'mutation { a: rename(id: 1, title: "a") { title } b: rename(id: 1, title: "b") { title } }'
    )
    assert data == {"a": {"title": "a"}, "b": {"title": "b"}}


async def test_an_answer_with_that_of_a_function_is_not_cached(client: httpx.AsyncClient) -> None:
    _, control = await ask(client, '{ task(id: "1") { title length } }')
    assert control.startswith("public, max-age=")
    for query in ('{ task(id: "1") { title looks } }', '{ calls task(id: "1") { title } }'):
        first, control = await ask(client, query)
        again, _ = await ask(client, query)
        assert (first != again, control) == (True, "no-cache")


@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_a_client_that_hangs_up_ends_its_query_and_not_its_mutation(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The connection is one of the test's, put into the scope of the request."""
    transport: Any = client._transport
    connection: Any = SimpleNamespace(
        received_at=asyncio.get_running_loop().time(),
        on_hang_up=None,
        stops_at=None,
        transport=SimpleNamespace(is_closing=lambda: False),
    )
    inner = transport.app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, CONNECTION: connection}, receive, send)

    monkeypatch.setattr(transport, "app", app)
    monkeypatch.setattr("tests.gateway.models.test_mutations.GATE", gate := asyncio.Event())
    query = {"mutation": 'mutation { renameSlowly(id: 1, title: "late") }', "query": "{ waits }"}[kind]
    answering = asyncio.create_task(client.post("/graphql", json={"query": query}))
    async with asyncio.timeout(30):
        while "begun" not in RENAMED:  # noqa: ASYNC110 (of what has no event)
            await asyncio.sleep(0.001)
        connection.on_hang_up()
        await asyncio.sleep(0.01)
        gate.set()
        await asyncio.wait([answering])
    answering.exception()  # the client has no answer to a query that was given up
    ends = {"mutation": "late", "query": "cancelled"}
    assert [*RENAMED] == ["begun", ends[kind]]
