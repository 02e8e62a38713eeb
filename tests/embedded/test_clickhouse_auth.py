"""Who may ask over ClickHouse's HTTP interface."""

from __future__ import annotations

import httpx
import pytest

from tests.embedded.conftest import Server


def ask(server: Server, **request: object) -> httpx.Response:
    return httpx.post(f"{server.base_url}/", content="select 1", **request)  # type: ignore[arg-type]


def test_password_is_taken_from_the_basic_scheme_the_headers_and_the_url(server: Server) -> None:
    user, password = server.credentials
    answers = [
        ask(server, auth=(user, password)),
        ask(server, headers={"X-ClickHouse-User": user, "X-ClickHouse-Key": password}),
        ask(server, params={"user": user, "password": password}),
    ]
    assert [answer.text for answer in answers] == ["1\n", "1\n", "1\n"]


@pytest.mark.parametrize(
    "request_options",
    [
        {"auth": ("gateway", "wrong")},
        {"auth": ("nobody", "wrong")},
        {"headers": {"X-ClickHouse-User": "gateway", "X-ClickHouse-Key": "wrong"}},
        {"params": {"user": "gateway", "password": "wrong"}},
    ],
)
def test_wrong_password_is_refused(server: Server, request_options: dict[str, object]) -> None:
    response = ask(server, **request_options)
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_ping_needs_no_password(server: Server) -> None:
    assert httpx.get(f"{server.base_url}/ping").text == "Ok.\n"
