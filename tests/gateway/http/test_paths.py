"""Paths with a slash at the end, and below a prefix: the same answers, the same guards, and links that stay below it."""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from benchmarks.nginx import running_nginx
from benchmarks.servers import installed
from deploy.embedded.engines import StoreUrls
from deploy.embedded.process import free_port
from gateway.http.paths import CanonicalPathsMiddleware, parse_root_path
from gateway.setting import SettingsError
from tests.conftest import Stores
from tests.edge.conftest import leave_out
from tests.gateway.conftest import served
from tests.gateway.http.conftest import NewGateway, kept

QUERY = {"query": '{ aircraft(tailNumber: "N14228") { id registration { model } } }'}
CROSS = {"sec-fetch-site": "cross-site"}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_slash_at_the_end_changes_no_answer(new_gateway: NewGateway, slash: str) -> None:
    async with new_gateway(cors_origins="https://dashboard.example") as item:
        posted = await item.client.post(f"/graphql{slash}", json=QUERY)
        got = await item.client.get(f"/graphql{slash}", params=QUERY)
        assert (posted.status_code, posted.json()) == (got.status_code, got.json()) == (200, posted.json())
        assert posted.json()["data"]["aircraft"]["id"] == "N14228"
        exported = await item.client.get(f"/export/analysis{slash}", params={"ids": "N14228"})
        assert json.loads(exported.text)["id"] == "N14228"
        for path, text in (("/livez", "alive\n"), ("/nothing", "Not Found")):
            assert (await item.client.get(path + slash)).text == text
        for path in ("/graphql", "/export/analysis"):
            assert (await item.client.get(path + slash, headers=CROSS)).status_code == 403
        preflight = {"origin": "https://dashboard.example", "access-control-request-method": "POST"}
        assert (await item.client.options(f"/graphql{slash}", headers=preflight)).status_code == 200


async def test_what_is_kept_is_kept_once_for_both_forms(new_gateway: NewGateway) -> None:
    async with new_gateway(cache=True) as item:
        first = await kept(lambda: item.client.get("/graphql", params=QUERY))
        again = await item.client.get("/graphql/", params=QUERY)
    assert "age" in again.headers
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("path", ["/graphiql/", "/"])
async def test_redirects_are_relative(new_gateway: NewGateway, path: str) -> None:
    async with new_gateway(graphiql=True, root_path="/api") as item:
        for prefix in ("", "/api", "/outer/api"):
            answer = await item.client.get(prefix.removeprefix("/outer") + path)
            assert answer.status_code == 307
            assert urljoin(f"https://fleet.example:8443{prefix}{path}", answer.headers["location"]) == (
                f"https://fleet.example:8443{prefix}/graphiql"
            )


@pytest.mark.parametrize("root_path", ["/api", "api/", "/api/v1"])
async def test_a_prefix_that_is_set_may_be_there_and_need_not(new_gateway: NewGateway, root_path: str) -> None:
    prefix = parse_root_path(root_path)
    async with new_gateway(root_path=root_path, cache=True) as item:
        await kept(lambda: item.client.get(f"{prefix}/graphql", params=QUERY))
        for path in ("/graphql", f"{prefix}/graphql", f"{prefix}/graphql/"):
            answer = await item.client.get(path, params=QUERY)
            assert (answer.status_code, "age" in answer.headers) == (200, True)
            assert (await item.client.get(path, params=QUERY, headers=CROSS)).status_code == 403
        assert (await item.client.get(f"{prefix}/livez")).text == "alive\n"
        assert (await item.client.get(f"{prefix}x/livez")).status_code == 404
        assert (await item.client.get(f"/other{prefix}/livez")).status_code == 404
        assert (await item.client.get(prefix)).headers["location"] == f"{prefix.rpartition('/')[2]}/"


async def test_the_prefix_of_a_server_is_taken_off_too(new_gateway: NewGateway) -> None:
    async with new_gateway() as item:
        item.app.state.stores = item.app.state.stores
        for app, path in (
            (Starlette(routes=[Mount("/api", item.app)]), "/api/graphql"),
            (item.app, "/api/graphql"),
            (item.app, "/graphql"),
        ):
            root_path = "" if isinstance(app, Starlette) and app is not item.app else "/api"
            transport = httpx.ASGITransport(app, root_path=root_path)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                answer = await client.get(path, params=QUERY)
            assert (answer.status_code, answer.json()["data"]["aircraft"]["id"]) == (200, "N14228")


@pytest.mark.parametrize(
    ("text", "prefix"), [("", ""), ("/", ""), ("/api", "/api"), ("api", "/api"), ("/a/b-c/", "/a/b-c")]
)
def test_a_prefix_has_a_slash_before_and_none_after_it(text: str, prefix: str) -> None:
    assert parse_root_path(text) == prefix


@pytest.mark.parametrize("text", ["https://x/api", "/a//b", "/a/../b", "/.", "/a?b", "/a b", "/ä", "/{a}"])
def test_a_prefix_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_root_path(text)
    assert str(raised.value) == (
        f"GATEWAY_ROOT_PATH must be a path like /api, without a host or a query, and is {text!r}."
    )


@contextmanager
def _below_api(gateway_url: str, target: str) -> Iterator[str]:
    """Debian's nginx with the gateway below /api/; the URL of it."""
    nginx, port = installed("nginx") or leave_out("nginx is not installed"), free_port()
    location = f"location /api/ {{ proxy_pass {gateway_url}{target}; proxy_set_header Host $http_host; }}"
    with tempfile.TemporaryDirectory(prefix="edge-") as name:
        folder = Path(name)
        with running_nginx(nginx, folder, f"server {{ listen 127.0.0.1:{port}; {location} }}", port):
            yield f"http://127.0.0.1:{port}/api"


def _links(page: httpx.Response) -> list[str]:
    return [urljoin(str(page.url), link) for link in re.findall(r'(?:src|href)="(graphiql/[^"]+)"', page.text)]


@pytest.mark.parametrize(
    ("target", "root_path"), [pytest.param("/", "", id="prefix stripped"), pytest.param("", "/api", id="prefix kept")]
)
def test_all_of_it_works_below_a_prefix_behind_nginx(
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
    target: str,
    root_path: str,
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(served(store_urls, GATEWAY_ROOT_PATH=root_path))
        base = stack.enter_context(_below_api(url, target))
        client = stack.enter_context(httpx.Client(follow_redirects=True, timeout=60))
        page = client.get(f"{base}/")
        assert (page.status_code, str(page.url)) == (200, f"{base}/graphiql")
        assert str(client.get(f"{base}/graphiql/").url) == f"{base}/graphiql"
        (endpoint,) = re.findall('data-endpoint="([^"]+)"', page.text)
        for path in (urljoin(str(page.url), endpoint), f"{base}/graphql", f"{base}/graphql/"):
            assert urlsplit(path).path.startswith("/api/graphql")
            answer: Any = client.post(path, json=QUERY)
            assert (answer.json()["data"]["aircraft"]["id"], answer.history) == ("N14228", [])
        for link in _links(page):
            assert client.get(link).status_code == 200
        assert json.loads(client.get(f"{base}/export/analysis/", params={"ids": "N14228"}).text)["id"] == "N14228"
        assert client.get(f"{base}/livez").text == "alive\n"
        assert httpx.get(f"{url}/livez").text == "alive\n", "probes come without the prefix"


async def test_a_path_is_mapped_in_the_scope_that_those_outside_hold() -> None:
    """They learn from it what became of the request, such as that its client has left."""
    seen = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    scope = {"type": "http", "path": "/api/graphql/", "root_path": ""}
    await CanonicalPathsMiddleware(app, served=["/graphql"], root_path="/api")(scope, None, None)  # type: ignore[arg-type]
    assert seen[0] is scope
    assert scope["path"] == "/graphql"
