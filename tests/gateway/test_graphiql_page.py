"""GraphiQL's page and files, over HTTP alone."""

import json
import re
from html import unescape
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.graphiql import build, routes
from gateway.graphiql.examples import Example

SOURCE = Path(build.__file__).parent
EXAMPLES = [Example("query Dashboard($ids: [ID!]!) { things(ids: $ids) { id } }", '{"ids": ["<1>"]}'), Example("{ a }")]


def client(directory: Path, graphql_path: str = "/graphql") -> httpx.AsyncClient:
    app = Starlette(routes=routes(EXAMPLES, graphql_path, directory))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")


async def test_built_page_names_its_files_and_is_asked_for_again(built: Path) -> None:
    async with client(built) as gateway:
        page = await gateway.get("/graphiql")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert 'src="graphiql/assets/graphiql-AAAA.js"' in page.text
    assert 'href="graphiql/assets/graphiql-BBBB.css"' in page.text
    assert "https://" not in page.text


async def test_built_page_allows_its_own_origin_only(built: Path) -> None:
    async with client(built) as gateway:
        page = await gateway.get("/graphiql")
        script = await gateway.get("/graphiql/assets/graphiql-AAAA.js")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    assert script.headers["content-security-policy"] == policy


async def test_no_other_site_frames_either_page_or_learns_its_address(built: Path) -> None:
    async with client(built) as gateway:
        own = await gateway.get("/graphiql")
        (built / "assets" / "manifest.json").unlink()
        from_a_cdn = await gateway.get("/graphiql")
    assert "esm.sh" not in own.text
    assert "esm.sh" in from_a_cdn.text
    for page in (own, from_a_cdn):
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("name", "kind"), [("graphiql-AAAA.js", "text/javascript"), ("graphiql-BBBB.css", "text/css")])
async def test_hashed_files_are_kept_for_ever(built: Path, name: str, kind: str) -> None:
    async with client(built) as gateway:
        file = await gateway.get(f"/graphiql/assets/{name}")
    assert file.status_code == 200
    assert file.headers["content-type"] == f"{kind}; charset=utf-8"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "../manifest.json",
        "%2e%2e/manifest.json",
        "..%2fmanifest.json",
        "..%2f..%2fbuild.py",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "..\\manifest.json",
        "%00",
        "",
        "none.js",
    ],
)
async def test_nothing_outside_the_folder_is_served(built: Path, path: str) -> None:
    async with client(built) as gateway:
        answer = await gateway.get(f"/graphiql/assets/{path}")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


async def test_page_posts_to_the_path_it_was_given(built: Path) -> None:
    async with client(built, '/api/"graphql"') as gateway:
        page = await gateway.get("/graphiql")
    assert 'data-endpoint="/api/&quot;graphql&quot;"' in page.text


@pytest.mark.parametrize("page_of", ["built", "unbuilt"])
async def test_page_carries_all_examples(request: pytest.FixtureRequest, page_of: str) -> None:
    async with client(request.getfixturevalue(page_of)) as gateway:
        page = await gateway.get("/graphiql")
    (examples,) = re.findall(r'data-examples="([^"]*)"', page.text)
    assert json.loads(unescape(examples)) == [
        {"query": EXAMPLES[0].query, "variables": '{"ids": ["<1>"]}'},
        {"query": "{ a }", "variables": ""},
    ]
    assert "<1>" not in page.text


async def test_unbuilt_page_loads_the_locked_versions_from_a_cdn_and_says_so(unbuilt: Path) -> None:
    async with client(unbuilt) as gateway:
        page = await gateway.get("/graphiql")
        file = await gateway.get("/graphiql/assets/graphiql-AAAA.js")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    assert "GraphiQL is loaded from a CDN (esm.sh)" in page.text
    assert "https://esm.sh/graphiql@5.4.0?" in page.text
    assert "https://esm.sh/@graphiql/react@0.39.1?" in page.text
    assert "$" not in page.text.replace("Dashboard($ids", "").replace("(ids: $ids)", "")
    assert file.status_code == 404


async def test_build_that_ends_after_the_start_is_served(unbuilt: Path) -> None:
    async with client(unbuilt) as gateway:
        (unbuilt / "assets").mkdir()
        (unbuilt / "assets" / "manifest.json").write_text('{"script": "late.js", "style": "late.css"}')
        page = await gateway.get("/graphiql")
    assert "graphiql/assets/late.js" in page.text


def test_packages_are_pinned_and_locked_without_addresses() -> None:
    package = json.loads((SOURCE / "package.json").read_text())
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    wanted = package["dependencies"] | package["devDependencies"]
    assert all(version.replace(".", "").isdigit() for version in wanted.values())
    assert {name: lock["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, locked in lock["packages"].items() if "resolved" in locked] == []
    assert [name for name, locked in lock["packages"].items() if name and "integrity" not in locked] == []


def test_neither_the_page_nor_the_python_client_names_the_sample() -> None:
    client_files = (SOURCE.parents[1] / "clients" / "python" / "fuseway_client").glob("*.py")
    page_files = [path for path in SOURCE.iterdir() if path.suffix in (".js", ".mjs", ".css", ".html")]
    words = re.compile(r"aircraft|airline|airport|fleet|\bflight|tail.?number", re.IGNORECASE)
    assert [path.name for path in (*page_files, *client_files) if words.search(path.read_text())] == []
