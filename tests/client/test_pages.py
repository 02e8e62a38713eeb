"""Through a connection page by page, against a server that answers as each test says."""

from typing import Any

import pytest

from fuseway_client import (
    Client,
    GatewayError,
    GraphQLErrors,
    Result,
)
from fuseway_client.paging import Paging
from tests.client.conftest import (
    QUERY,
    Connect,
    Serve,
    saying,
)


def _connection(first: int, last: int, *, more: bool, **selected: Any) -> dict[str, Any]:
    nodes = [{"id": number} for number in range(first, last + 1)]
    page = {"pageInfo": {"hasNextPage": more, "endCursor": f"c{last}"}}
    return {"data": {"fleet": page | (selected or {"nodes": nodes})}}


async def test_pages_go_on_from_cursor_to_cursor(connect: Connect, serve: Serve) -> None:
    server = serve(saying(_connection(1, 2, more=True)), saying(_connection(3, 3, more=False)))
    nodes = await connect(server.url).pages(QUERY, "fleet", {"a": 1}, max_items=10, page_size=2)
    assert [node["id"] for node in nodes] == [1, 2, 3]
    assert [asked.body["variables"] for asked in server.asked] == [
        {"a": 1, "first": 2},
        {"a": 1, "first": 2, "after": "c2"},
    ]


async def test_no_more_is_asked_than_wanted(connect: Connect, serve: Serve) -> None:
    server = serve(saying(_connection(1, 2, more=True)), saying(_connection(3, 4, more=True)))
    nodes = await connect(server.url).pages(QUERY, "fleet", max_items=3, page_size=2)
    assert [node["id"] for node in nodes] == [1, 2, 3]
    assert [asked.body["variables"]["first"] for asked in server.asked] == [2, 1]
    assert await connect(server.url).pages(QUERY, "fleet", max_items=0) == []
    assert len(server.asked) == 2


async def test_pages_are_read_from_edges_and_below_other_fields(connect: Connect, serve: Serve) -> None:
    edges = [{"node": {"id": 7}}, {"node": None}]
    page = _connection(1, 2, more=False, edges=edges)["data"]
    assert await connect(serve(saying({"data": {"a": page}})).url).pages(QUERY, "a.fleet", max_items=9) == [
        {"id": 7},
        None,
    ]
    assert await connect(serve(saying({"data": {"a": None}})).url).pages(QUERY, "a.fleet", max_items=9) == []


@pytest.mark.parametrize("selected", [{"nodes": []}, {"nodes": None}, {"edges": []}, {"edges": None}])
async def test_a_page_without_nodes_is_gone_past(connect: Connect, serve: Serve, selected: Any) -> None:
    empty = [_connection(last, last, more=True, **selected) for last in (3, 4)]
    server = serve(saying(_connection(1, 2, more=True)), *map(saying, empty), saying(_connection(5, 5, more=False)))
    nodes = await connect(server.url).pages(QUERY, "fleet", max_items=10)
    assert [node["id"] for node in nodes] == [1, 2, 5]
    assert [asked.body["variables"].get("after") for asked in server.asked] == [None, "c2", "c3", "c4"]


@pytest.mark.parametrize(
    "following",
    [
        [_connection(3, 2, more=True)],
        [_connection(2, 2, more=True)],
        [_connection(3, 5, more=True, nodes=[]), _connection(1, 2, more=True, nodes=[])],
        [_connection(3, 3, more=True), _connection(1, 2, more=True)],
        [_connection(3, 3, more=True), _connection(1, 1, more=True)],
        [{"data": {"fleet": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}}}],
    ],
)
async def test_pages_that_do_not_go_on_are_an_error(connect: Connect, serve: Serve, following: Any) -> None:
    server = serve(saying(_connection(1, 2, more=True)), *map(saying, following))
    with pytest.raises(GatewayError, match="do not end: another follows a cursor that has been had"):
        await connect(server.url).pages(QUERY, "fleet", {"after": "c1"}, max_items=1_000)
    assert len(server.asked) == 1 + len(following)


async def test_a_last_page_that_is_wanted_may_say_what_it_likes_of_the_next(connect: Connect, serve: Serve) -> None:
    server = serve(saying(_connection(1, 2, more=True)))
    assert len(await connect(server.url).pages(QUERY, "fleet", {"after": "c2"}, max_items=2)) == 2


def _empty_pages(paging: Paging, numbers: range) -> None:
    for number in numbers:
        assert paging.next() is not None
        page = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": f"c{number}"}}
        assert paging.take(Result({"fleet": page})) == []


def test_pages_without_nodes_are_gone_past_a_thousand_times_in_a_row() -> None:
    paging = Paging(QUERY, "fleet", None, None, max_items=9, page_size=9)
    _empty_pages(paging, range(1_000))
    assert paging.next() is not None
    item = {"nodes": [{"id": 1}], "pageInfo": {"hasNextPage": True, "endCursor": "one"}}
    assert paging.take(Result({"fleet": item})) == [{"id": 1}]
    _empty_pages(paging, range(1_000, 2_000))
    with pytest.raises(GatewayError, match="do not end: 1,001 in a row had no node"):
        _empty_pages(paging, range(2_000, 2_001))


async def test_a_page_with_errors_raises_them(connect: Connect, serve: Serve) -> None:
    page = _connection(1, 2, more=True)
    with pytest.raises(GraphQLErrors, match="Away"):
        await connect(serve(saying(page | {"errors": [{"message": "Away."}]})).url).pages(QUERY, "fleet", max_items=9)


@pytest.mark.parametrize("path", ["fleets", "fleet.nodes", "fleet.pageInfo"])
async def test_a_path_to_no_connection_is_the_callers_fault(connect: Connect, serve: Serve, path: str) -> None:
    with pytest.raises(ValueError, match=r"must select nodes|has nothing at"):
        await connect(serve(saying(_connection(1, 2, more=True))).url).pages(QUERY, path, max_items=9)


@pytest.mark.parametrize("bounds", [{"max_items": -1}, {"max_items": 1, "page_size": 0}])
def test_pages_that_cannot_be_are_refused_before_they_are_taken(bounds: Any) -> None:
    with Client("http://gateway/graphql") as client, pytest.raises(ValueError, match="page_size"):
        client.pages(QUERY, "fleet", **bounds)


async def test_the_old_name_of_the_bound_is_taken_with_a_warning(connect: Connect, serve: Serve) -> None:
    server = serve(saying(_connection(1, 2, more=True)))
    with pytest.warns(DeprecationWarning, match=r"^pages\(most=…\) is deprecated: write max_items=\.$") as warned:
        nodes = await connect(server.url).pages(QUERY, "fleet", most=2)
    assert [node["id"] for node in nodes] == [1, 2]
    assert [warning.filename.endswith("tests/client/conftest.py") for warning in warned] == [True]


@pytest.mark.parametrize("bounds", [{}, {"max_items": None}])
def test_pages_without_a_bound_are_refused(bounds: Any) -> None:
    with Client("http://gateway/graphql") as client, pytest.raises(TypeError, match="needs max_items="):
        client.pages(QUERY, "fleet", **bounds)


def test_two_bounds_of_pages_are_refused() -> None:
    warns = pytest.warns(DeprecationWarning, match="most=")
    raises = pytest.raises(TypeError, match="needs max_items=")
    with Client("http://gateway/graphql") as client, warns, raises:
        client.pages(QUERY, "fleet", max_items=1, most=1)
