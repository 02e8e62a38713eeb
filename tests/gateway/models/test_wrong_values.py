"""Values that no scalar represents, of real databases and of a model's own functions: errors in their places alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import httpx
import pytest

import fuseway as m
from deploy.embedded.engines import StoreUrls
from gateway.app import build_app
from gateway.settings import Settings
from loaders.migrations import migrate_own
from loaders.model.compilation import compile_model
from tests.conftest import NewDatabase
from tests.patience import REDIS_SETTINGS

db, web = m.Postgres(), m.ClickHouse()
shops = db.table("public.shops", scope="shop:read")
days = db.table("public.days", scope="shop:read")
visits = web.table("visits", scope="shop:read")
CALLS: dict[str, list[Any]] = {}
"""The values that functions were called with: an executor may call one several times, each with some of the objects."""

_TABLES = """
create table shops (id int primary key, opened date not null, seen timestamptz, closed date[] not null);
create table days (day date primary key, name text not null);
insert into days values ('2013-01-02', 'a Wednesday'), ('9999-12-31', 'the last one');
insert into shops values
    (1, '2013-01-02', '2013-01-02T03:04:05Z', '{2013-01-02}'),
    (2, 'infinity', '-infinity', '{2013-01-02, infinity}'),
    (3, '4713-01-01 BC', '294276-12-31 23:59Z', '{5874897-12-31}'),
    (4, '9999-12-31', null, '{}');
"""
_VISITS = """create table visits engine = MergeTree order by shop_id as
    select 1 as shop_id, 'Zürich' as place union all select 2, unhex('FF') union all select 3, 'ff'"""


def _age(opened: Sequence[dt.date]) -> list[int]:
    CALLS.setdefault("age", []).extend(opened)
    return [2026 - day.year for day in opened]


async def _next_days(closed: Sequence[list[dt.date]]) -> list[list[dt.date]]:
    CALLS.setdefault("next_days", []).extend(closed)
    return [[day + dt.timedelta(1) for day in days] for days in closed]


def _price(id: Sequence[int]) -> list[Any]:  # noqa: A002
    return [{1: Decimal("1.50"), 2: Decimal("NaN"), 3: 1.5}.get(each) for each in id]


def _rank(id: Sequence[int]) -> list[Any]:  # noqa: A002
    return [{1: 7, 2: 2**31, 3: "7"}.get(each) for each in id]


def _words(id: Sequence[int]) -> list[Any]:  # noqa: A002
    return [{1: ["a", "b"], 2: "ab", 3: ("c", 5)}.get(each) for each in id]


class Visit(m.Section, over=visits):
    """Where it was visited."""

    place: str = m.sql("any(place)", "Where.")


class Day(m.Object, table=days):
    """A day."""

    day: dt.date = m.key()
    name: str


class Shop(m.Object, table=shops):
    """A shop."""

    id: int = m.key()
    opened: dt.date | None
    seen: dt.datetime | None
    closed: list[dt.date | None]
    opening: Day | None = m.one("opened")
    age: int | None = m.computed(_age)
    next_days: list[dt.date] | None = m.resolver(_next_days)
    price: Decimal | None = m.resolver(_price)
    rank: int | None = m.computed(_rank)
    words: list[str | None] | None = m.resolver(_words)
    visit: Visit | None = m.section("shop_id")


class ShopOrder(m.Order, default="opened"):
    """How shops are ordered."""

    opened = m.by("opened")


class Query(m.Query):
    """Ways in."""

    by_day: m.Page[Shop] = m.page(order=ShopOrder)

    shops: list[Shop | None] = m.by_key()


@pytest.fixture
async def client(new_database: NewDatabase, store_urls: StoreUrls) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in this process that serves the model over databases of its own."""
    model = compile_model(m.Model("shops", query=Query, types=[Shop, Day]))
    async with new_database() as new:
        async with new.stores.postgres.session() as session:
            await session.execute_script(_TABLES)
        await new.stores.clickhouse.command(_VISITS)
        await migrate_own(new.stores.postgres)
        app = build_app(
            Settings(
                database_url=new.database_url,
                clickhouse_url=new.clickhouse_url,
                redis_url=store_urls.redis_url,
                anonymous="all",
                **REDIS_SETTINGS,
            ),
            model,
        )
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=60) as asking,
        ):
            yield asking


async def ask(client: httpx.AsyncClient, fields: str) -> tuple[list[Any], list[list[Any]]]:
    """Return the shops 1 to 4, and the paths of the errors below them, in order."""
    CALLS.clear()
    query = f'{{ shops(ids: ["1", "2", "3", "4"]) {{ {fields} }} }}'
    answer = (await client.post("/graphql", json={"query": query})).json()
    return answer["data"]["shops"], sorted(error["path"][1:] for error in answer.get("errors", []))


async def test_days_and_instants_that_the_calendar_lacks_are_errors_in_their_places(client: httpx.AsyncClient) -> None:
    data, errors = await ask(client, "opened seen")
    assert data == [
        {"opened": "2013-01-02", "seen": "2013-01-02T03:04:05+00:00"},
        {"opened": None, "seen": None},
        {"opened": None, "seen": None},
        {"opened": "9999-12-31", "seen": None},
    ]
    assert errors == [[1, "opened"], [1, "seen"], [2, "opened"], [2, "seen"]]
    data, errors = await ask(client, "closed")
    assert [shop["closed"] for shop in data] == [["2013-01-02"], ["2013-01-02", None], [None], []]
    assert errors == [[1, "closed", 1], [2, "closed", 0]]


async def test_links_by_keys_that_are_errors_are_errors_in_their_places(client: httpx.AsyncClient) -> None:
    data, errors = await ask(client, "opening { name }")
    assert [shop["opening"] for shop in data] == [{"name": "a Wednesday"}, None, None, {"name": "the last one"}]
    assert errors == [[1, "opening"], [2, "opening"]]


async def test_cursors_of_rows_that_are_ordered_by_an_error_are_errors_in_their_places(
    client: httpx.AsyncClient,
) -> None:
    page = "{ pageInfo { startCursor endCursor } edges { node { id } } }"
    query = f"{{ some: byDay(first: 3) {page} all: byDay(first: 4) {page} }}"
    answer = (await client.post("/graphql", json={"query": query})).json()
    pages = [answer["data"][name] for name in ("some", "all")]
    assert [[edge["node"]["id"] for edge in page["edges"]] for page in pages] == [["3", "1", "4"], ["3", "1", "4", "2"]]
    assert [page["pageInfo"]["endCursor"] is None for page in pages] == [False, True]
    paths = [["some", "startCursor"], ["all", "startCursor"], ["all", "endCursor"]]
    assert sorted([error["path"][0], error["path"][2]] for error in answer["errors"]) == sorted(paths)


async def test_text_that_is_no_utf_8_is_an_error_in_its_place(client: httpx.AsyncClient) -> None:
    data, errors = await ask(client, "visit { place }")
    assert data == [{"visit": {"place": "Zürich"}}, {"visit": None}, {"visit": {"place": "ff"}}, {"visit": None}]
    assert errors == [[1, "visit", "place"]]


async def test_functions_are_not_called_with_values_that_are_errors(client: httpx.AsyncClient) -> None:
    data, errors = await ask(client, "age nextDays")
    assert data == [
        {"age": 13, "nextDays": ["2013-01-03"]},
        {"age": None, "nextDays": None},
        {"age": None, "nextDays": None},
        {"age": -7973, "nextDays": []},
    ]
    assert errors == [[1, "age"], [1, "nextDays"], [2, "age"], [2, "nextDays"]]
    assert set(CALLS["age"]) == {dt.date(2013, 1, 2), dt.date(9999, 12, 31)}
    assert CALLS["next_days"] == [[dt.date(2013, 1, 2)], []]


async def test_what_functions_answer_wrongly_are_errors_in_their_places(client: httpx.AsyncClient) -> None:
    data, errors = await ask(client, "price rank")
    wrong = {"price": None, "rank": None}
    assert data == [{"price": "1.50", "rank": 7}, wrong, wrong, wrong]
    assert errors == [[1, "price"], [1, "rank"], [2, "price"], [2, "rank"]]
    data, errors = await ask(client, "words")
    assert [shop["words"] for shop in data] == [["a", "b"], None, ["c", None], None]
    assert errors == [[1, "words"], [2, "words", 1]]


async def test_the_error_says_what_is_wrong_without_the_value(client: httpx.AsyncClient) -> None:
    query = {"query": '{ shops(ids: ["2"]) { id rank opened } }'}
    answer = (await client.post("/graphql", json=query)).json()
    assert answer["data"] == {"shops": [{"id": "2", "rank": None, "opened": None}]}
    assert {(error["message"], error["extensions"]["code"]) for error in answer["errors"]} == {
        ("The type of this field cannot represent its value. The gateway's log says why.", "VALUE_UNREPRESENTABLE")
    }
