"""Pages of other sites: what a browser that they make ask is answered, and which of them may ask."""

from typing import Any

import pytest

from tests.gateway.http.conftest import Gateway, NewGateway, kept
from tests.gateway.http.connection import Connection

FRIEND, STRANGER = "https://dashboard.example", "https://stranger.example"
QUERY = {"query": '{ aircraft(tailNumber: "N14228") { id registration { model } } }'}
CROSS = {"sec-fetch-site": "cross-site"}
SAME_SITE = {"sec-fetch-site": "same-site"}
EXPORT = {"ids": "N14228"}
ASKED = {"graphql-require-preflight": "1"}


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_what_a_page_may_post_without_asking_is_415(gateway: Gateway, content_type: str | None) -> None:
    headers = CROSS | ({"content-type": content_type} if content_type else {})
    answer = await gateway.client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"origin": STRANGER}, {"origin": "null"}, {"content-type": "text/plain"}])
async def test_a_foreign_page_cannot_make_a_browser_ask(gateway: Gateway, method: str, headers: dict[str, str]) -> None:
    answer = await gateway.client.request(method, "/graphql", params=QUERY, headers=CROSS | headers)
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    if method == "GET":
        assert answer.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


@pytest.mark.parametrize("site", [CROSS, SAME_SITE])
async def test_nor_can_it_make_one_export(gateway: Gateway, site: dict[str, str]) -> None:
    sent = len(gateway.recorder.sent)
    answer = await gateway.client.get("/export/analysis", params=EXPORT, headers=site)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]) == (403, {"code": "FORBIDDEN"})
    assert len(gateway.recorder.sent) == sent
    for headers in ({}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, site | ASKED):
        answer = await gateway.client.get("/export/analysis", params=EXPORT, headers=headers)
        assert (answer.status_code, answer.json()["id"]) == (200, "N14228")


async def test_a_page_of_another_host_of_the_site_is_allowed_by_its_origin_alone(new_gateway: NewGateway) -> None:
    async with new_gateway(cors_origins=FRIEND) as item:
        for path, params in (("/graphql", QUERY), ("/export/analysis", EXPORT)):
            for headers, status in (({}, 403), ({"origin": STRANGER}, 403), ({"origin": FRIEND}, 200)):
                answer = await item.client.get(path, params=params, headers=SAME_SITE | headers)
                assert answer.status_code == status
                assert answer.headers.get("access-control-allow-origin") == (FRIEND if status == 200 else None)


async def test_what_is_kept_is_not_for_a_foreign_page_either(new_gateway: NewGateway) -> None:
    async with new_gateway(cache=True) as item:
        await kept(lambda: item.client.get("/graphql", params=QUERY))
        assert (await item.client.get("/graphql", params=QUERY, headers=CROSS)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        CROSS | {"graphql-require-preflight": "1"},
        CROSS | {"apollo-require-preflight": "true"},
        CROSS | {"x-apollo-operation-name": "A"},
        CROSS | {"content-type": "application/json"},
        CROSS | {"content-type": "Application/JSON; charset=utf-8"},
    ],
)
async def test_whoever_is_no_foreign_page_or_had_to_ask_first_is_answered(
    gateway: Gateway, headers: dict[str, str]
) -> None:
    answer = await gateway.client.get("/graphql", params=QUERY, headers=headers)
    assert answer.json()["data"]["aircraft"]["id"] == "N14228"


async def test_other_paths_are_for_all_pages(gateway: Gateway) -> None:
    assert (await gateway.client.get("/livez", headers=CROSS)).status_code == 200


async def test_without_the_setting_no_origin_is_allowed(gateway: Gateway) -> None:
    answer = await gateway.post({"query": "{ __typename }"}, origin=FRIEND)
    assert answer.status_code == 200
    assert [name for name in answer.headers if name.startswith("access-control")] == []
    preflight = await gateway.client.options(
        "/graphql", headers={"origin": FRIEND, "access-control-request-method": "POST"}
    )
    assert [name for name in preflight.headers if name.startswith("access-control")] == []


async def test_a_set_origin_is_allowed_for_kept_answers_too(new_gateway: NewGateway) -> None:
    async with new_gateway(cache=True, cors_origins=f"https://other.example, {FRIEND}") as item:
        headers = CROSS | {"origin": FRIEND}
        first = await item.client.get("/graphql", params=QUERY, headers=headers)
        for answer in (first, await kept(lambda: item.client.get("/graphql", params=QUERY, headers=headers))):
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == FRIEND
            assert "access-control-allow-credentials" not in answer.headers
            shown = answer.headers["access-control-expose-headers"].lower().split(", ")
            assert {"etag", "age", "ratelimit", "retry-after"} <= set(shown)
            assert answer.headers["vary"] == "Accept, Accept-Encoding, Authorization, X-API-Key, GraphQL-Cost, Origin"
        own = await item.client.get("/graphql", params=QUERY)
        assert "age" in own.headers, "who asks is no part of what is kept"
        assert "access-control-allow-origin" not in own.headers
        assert own.headers["vary"] == "Accept, Accept-Encoding, Authorization, X-API-Key, GraphQL-Cost, Origin", (
            "a shared cache must tell them apart"
        )
        stranger = await item.client.get("/graphql", params=QUERY, headers={"origin": STRANGER})
        assert "access-control-allow-origin" not in stranger.headers
        refused = await item.client.get("/graphql", params=QUERY, headers=CROSS | {"origin": STRANGER})
        assert refused.status_code == 403


async def test_all_origins_may_be_allowed(new_gateway: NewGateway) -> None:
    async with new_gateway(cors_origins="*") as item:
        answer = await item.client.get("/graphql", params=QUERY, headers=CROSS | {"origin": STRANGER})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


def preflight(origin: str = FRIEND, method: str = "POST", headers: str = "content-type") -> dict[str, Any]:
    return {
        "headers": {
            "origin": origin,
            "access-control-request-method": method,
            "access-control-request-headers": headers,
        }
    }


ALLOWED = "content-type,authorization,x-api-key,graphql-cost,graphql-require-preflight,apollographql-client-name,apollographql-client-version,x-apollo-operation-name,if-none-match"


TRACING = [
    *("traceparent", "tracestate", "baggage", "sentry-trace", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid"),
    *("x-b3-sampled", "x-b3-flags", "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-origin", "x-datadog-tags"),
    *("x-datadog-sampling-priority", "uber-trace-id", "elastic-apm-traceparent", "newrelic", "request-context"),
    *("x-cloud-trace-context", "x-amzn-trace-id", "request-id", "x-request-id", "x-correlation-id"),
]


@pytest.mark.parametrize("name", TRACING)
async def test_a_page_may_send_what_tracing_adds(new_gateway: NewGateway, name: str) -> None:
    async with new_gateway(cors_origins=FRIEND) as item:
        answer = await item.client.options("/graphql", **preflight(headers=f"content-type,{name}"))
    assert answer.status_code == 200
    assert name in answer.headers["access-control-allow-headers"].split(", ")


async def test_a_page_may_send_the_headers_of_the_setting(new_gateway: NewGateway) -> None:
    async with new_gateway(cors_origins=FRIEND, cors_headers='"X-Team, x-Trace-7"') as item:
        answer = await item.client.options("/graphql/", **preflight(headers="x-team,x-trace-7,traceparent"))
        assert answer.status_code == 200
        assert (await item.client.options("/graphql", **preflight(headers="x-other"))).status_code == 400


async def test_an_origin_that_is_put_right_is_allowed(new_gateway: NewGateway) -> None:
    async with new_gateway(cors_origins=' "HTTPS://Dashboard.Example:443/" ') as item:
        assert (await item.client.options("/graphql", **preflight())).status_code == 200
        answer = await item.client.get("/graphql", params=QUERY, headers=CROSS | {"origin": FRIEND})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, FRIEND)


async def test_a_preflight_names_what_is_allowed(new_gateway: NewGateway) -> None:
    async with new_gateway(cors_origins=FRIEND) as item:
        for method in ("GET", "POST"):
            answer = await item.client.options("/graphql", **preflight(method=method, headers=ALLOWED))
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == FRIEND
            assert answer.headers["access-control-allow-methods"] == "GET, POST"
            assert "access-control-allow-credentials" not in answer.headers
        for refused in (preflight(STRANGER), preflight(method="DELETE"), preflight(headers="x-other")):
            assert (await item.client.options("/graphql", **refused)).status_code == 400
        options = await item.client.options("/graphql", headers={"origin": FRIEND})
        assert options.status_code == 204


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("POST", {"json": {"query": "{ __typename }"}}),
        ("POST", {"json": {"query": "{ nothing }"}}),
        ("POST", {"content": b"{"}),
        ("GET", {"params": QUERY}),
        ("GET", {"params": QUERY, "headers": CROSS}),
        ("PUT", {}),
    ],
)
async def test_no_browser_shall_take_an_answer_for_anything_but_json(
    gateway: Gateway, method: str, asked: dict[str, Any]
) -> None:
    answer = await gateway.client.request(method, "/graphql", **asked)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("POST", "/livez", 405),
        ("GET", "/nothing", 404),
        ("GET", "/graphql/?query={__typename}", 200),
        ("GET", "/graphql//", 404),
        ("GET", "/livez/", 200),
        ("GET", "/export/analysis/?ids=N14228", 200),
        ("GET", "/", 307),
        ("GET", "/graphiql", 200),
        ("GET", "/graphiql/", 307),
        ("GET", "/export/analysis?ids=N14228", 200),
        ("GET", "/export/analysis?ids=N14228&after=x", 400),
        ("OPTIONS", "/graphql", 204),
        ("GET", "/graphql?query={__typename}", 200),
    ],
)
async def test_every_answer_is_what_it_says(new_gateway: NewGateway, method: str, path: str, status: int) -> None:
    async with new_gateway(graphiql=True) as item:
        answer = await item.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_a_probe_of_the_stores_is_what_it_says(connection: Connection) -> None:
    answer = connection.ask("GET", "/readyz")
    assert (answer.status, answer.headers.get_all("x-content-type-options")) == (200, ["nosniff"])


async def test_a_preflight_and_what_is_kept_are_what_they_say(new_gateway: NewGateway) -> None:
    async with new_gateway(cache=True, cors_origins=FRIEND) as item:
        asked = await item.client.options("/graphql", **preflight())
        again = await kept(lambda: item.client.get("/graphql", params=QUERY))
    assert asked.headers.get_list("x-content-type-options") == ["nosniff"]
    assert again.headers.get_list("x-content-type-options") == ["nosniff"]
