"""GraphiQL: its routes, its build, and the page itself in a headless Chromium."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
import strawberry
import uvicorn
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, async_playwright, expect
from starlette.applications import Starlette
from starlette.routing import Route as WebRoute
from strawberry.asgi import GraphQL

from gateway.graphiql import build, routes

SOURCE = Path(build.__file__).parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name resolves, so that a page which needs another host fails its test instead of passing with a network.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
PATIENCE_S = 20.0  # on a busy machine Monaco's first start takes seconds
TYPED_QUERY = "{ __schema { queryType { name } } }"

expect.set_options(timeout=PATIENCE_S * 1000)


# A schema that the example query is valid in.


@strawberry.type
class Registration:
    manufacturer: str = "BOEING"
    model: str = "737-824"
    year: int = 1999
    seats: int = 149


@strawberry.type
class Operator:
    code: str = "UA"
    name: str = "United Air Lines Inc."


@strawberry.type
class Punctuality:
    flights: int = 111
    mean_arrival_delay: float = 3.7
    p95_arrival_delay: float = 61.0
    on_time_share: float = 0.75


@strawberry.type
class Utilization:
    hours_flown: float = 286.5
    distance_miles: int = 171713
    destinations: int = 31


@strawberry.type
class Cancellations:
    cancelled: int = 2
    share: float = 0.018


@strawberry.type
class Analysis:
    punctuality: Punctuality = strawberry.field(default_factory=Punctuality)
    utilization: Utilization = strawberry.field(default_factory=Utilization)
    cancellations: Cancellations = strawberry.field(default_factory=Cancellations)


@strawberry.type
class Aircraft:
    id: strawberry.ID
    registration: Registration = strawberry.field(default_factory=Registration)
    operator: Operator = strawberry.field(default_factory=Operator)
    analysis: Analysis = strawberry.field(default_factory=Analysis)


@strawberry.type
class Query:
    @strawberry.field
    def aircraft_by_ids(self, ids: list[strawberry.ID]) -> list[Aircraft]:
        return [Aircraft(id=tail_number) for tail_number in ids]


# The page, over HTTP alone.


@pytest.fixture
def unbuilt(tmp_path: Path) -> Path:
    """A copy of the sources in a package of their own, as after a fresh checkout."""
    directory = tmp_path / "gateway" / "graphiql"
    shutil.copytree(SOURCE, directory, ignore=shutil.ignore_patterns("assets", "node_modules", "__pycache__"))
    (tmp_path / "gateway" / "__init__.py").touch()
    return directory


@pytest.fixture
def built(unbuilt: Path) -> Path:
    """The same with a finished build of one script and one style sheet."""
    assets = unbuilt / "assets"
    (assets / "hashed").mkdir(parents=True)
    (assets / "hashed" / "graphiql-AAAA.js").write_text("export {};")
    (assets / "hashed" / "graphiql-BBBB.css").write_text("body {}")
    (assets / "manifest.json").write_text('{"script": "graphiql-AAAA.js", "style": "graphiql-BBBB.css"}')
    return unbuilt


def client(directory: Path, graphql_path: str = "/graphql") -> httpx.AsyncClient:
    app = Starlette(routes=routes(graphql_path, directory))
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


# The build, with an npm that writes down what it was asked to do.


NPM = """#!/bin/sh
echo "$*" >> npm-calls
echo "npm says something"
case "$1" in run) echo '{"script": "s.js", "style": "s.css"}' > assets/manifest.json;; esac
"""


def run_build(unbuilt: Path, npm: str | None) -> "subprocess.CompletedProcess[str]":
    """`python -m gateway.graphiql.build` on the copy, with nothing but this npm on the PATH."""
    path = unbuilt.parent.parent / "bin"
    path.mkdir(exist_ok=True)
    (path / "npm").unlink(missing_ok=True)
    if npm is not None:
        (path / "npm").write_text(npm)
        (path / "npm").chmod(0o755)
    command = [sys.executable, "-m", "gateway.graphiql.build"]
    environment = {"PATH": str(path), "HOME": str(unbuilt.parent.parent)}
    return subprocess.run(
        command, cwd=unbuilt.parent.parent, env=environment, capture_output=True, text=True, check=False
    )


def npm_calls(unbuilt: Path) -> list[str]:
    return (unbuilt / "npm-calls").read_text().splitlines()


def test_build_installs_and_bundles_quietly(unbuilt: Path) -> None:
    result = run_build(unbuilt, NPM)
    assert (result.returncode, result.stderr) == (0, "")
    assert "GraphiQL was built in" in result.stdout
    assert "npm says something" not in result.stdout
    assert npm_calls(unbuilt) == ["ci", "run build"]
    assert (unbuilt / "assets" / "build.log").read_text() == "npm says something\n" * 2


def test_second_build_runs_no_npm(unbuilt: Path) -> None:
    run_build(unbuilt, NPM)
    result = run_build(unbuilt, NPM)
    assert (result.returncode, result.stdout) == (0, "GraphiQL is built.\n")
    assert npm_calls(unbuilt) == ["ci", "run build"]


@pytest.mark.parametrize("source", build.SOURCES)
def test_changed_source_is_built_again(unbuilt: Path, source: str) -> None:
    run_build(unbuilt, NPM)
    (unbuilt / source).write_text((unbuilt / source).read_text() + "\n")
    run_build(unbuilt, NPM)
    assert npm_calls(unbuilt) == ["ci", "run build"] * 2


def test_touched_source_is_not_built_again(unbuilt: Path) -> None:
    run_build(unbuilt, NPM)
    os.utime(unbuilt / "main.js")
    assert build.is_current(unbuilt)


def test_every_source_of_the_build_is_in_its_stamp() -> None:
    read_when_served = {"cdn.html", "example.graphql", "example.json", "index.html"}
    files = {path.name for path in SOURCE.iterdir() if path.is_file() and path.suffix != ".py"}
    assert files - read_when_served == set(build.SOURCES)


def test_missing_npm_is_said_and_no_failure(unbuilt: Path) -> None:
    result = run_build(unbuilt, None)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "npm was not found: GraphiQL will be loaded from a CDN; "
        "with npm (Node.js 18 or later) the gateway serves its own copy.\n"
    )


def test_missing_npm_keeps_the_last_build(unbuilt: Path) -> None:
    run_build(unbuilt, NPM)
    (unbuilt / "main.js").write_text("")
    result = run_build(unbuilt, None)
    assert (result.returncode, result.stdout) == (0, "npm was not found: GraphiQL stays as it was last built.\n")


def test_failed_build_shows_the_log_and_is_no_failure(unbuilt: Path) -> None:
    result = run_build(unbuilt, "#!/bin/sh\necho boom\nexit 1\n")
    assert (result.returncode, result.stderr) == (0, "")
    _, boom, sentence = result.stdout.splitlines()
    assert boom == "boom"
    assert sentence.startswith("GraphiQL's build failed (npm ci, log in ")
    assert not build.is_current(unbuilt)


def test_build_without_end_is_given_up(
    unbuilt: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm = unbuilt / "npm"
    npm.write_text("#!/bin/sh\n/bin/sleep 60\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(unbuilt))
    assert not build.ensure_built(unbuilt, timeout_s=0.2)
    assert "GraphiQL's build took more than 0 s: GraphiQL will be loaded" in capsys.readouterr().out


def test_folder_that_cannot_be_written_is_no_failure(unbuilt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (unbuilt / "assets").touch()
    assert not build.ensure_built(unbuilt)
    assert capsys.readouterr().out.startswith("GraphiQL cannot be built here (")


# The page in a browser.


@dataclass
class Visit:
    """An open page, with every request and every complaint of it and of its workers."""

    page: Page
    url: str
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def requests_to_other_origins(self) -> list[str]:
        own = urlsplit(self.url).netloc
        return [request.url for request in self.requests if urlsplit(request.url).netloc not in ("", own)]

    def on_request(self, request: Request) -> None:
        self.requests.append(request)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def type_query(self, text: str) -> None:
        await self._type_into(QUERY_PANE, text, "graphiql:query")

    async def type_variables(self, text: str) -> None:
        await self.page.get_by_role("button", name="Variables").click()
        await self._type_into(TOOL_PANE, text, "graphiql:variables")

    async def type_headers(self, text: str) -> None:
        await self.page.get_by_role("button", name="Headers").click()
        await self._type_into(TOOL_PANE, text, "graphiql:headers")

    async def _type_into(self, pane: str, text: str, storage_key: str) -> None:
        """Replace an editor's text key by key, and wait until GraphiQL has taken it in, which lags behind the keys."""
        await self.page.locator(f"{pane} .view-lines").click()
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.press("Delete")
        await self.page.keyboard.type(text)
        async with asyncio.timeout(PATIENCE_S):
            await self.page.evaluate(TEXT_IS_STORED, [storage_key, text])

    async def run(self) -> None:
        await self.page.locator(f"{QUERY_PANE} .view-lines").click()
        await self.page.keyboard.press("Control+Enter")

    async def expect_text(self, pane: str, text: str) -> None:
        await expect(self.page.locator(f"{pane} .view-lines")).to_contain_text(text, use_inner_text=True)


QUERY_PANE = ".graphiql-query-editor"
RESULT_PANE = ".graphiql-response"
TOOL_PANE = ".graphiql-editor-tool .graphiql-editor:not(.hidden)"  # variables or headers: one is shown at a time
TEXT_IS_STORED = """async ([key, text]) => {
  const nextFrame = () => new Promise(requestAnimationFrame);
  while (localStorage.getItem(key) !== text) await nextFrame();
  await nextFrame();
}"""


@pytest.fixture(scope="module")
def own_copy() -> None:
    if not build.ensure_built():
        pytest.skip("GraphiQL's own copy is not built: npm or its packages cannot be had")


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Path], str]]:
    """Starts a server for a folder's GraphiQL over the schema above, at a port of its own."""
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(directory: Path) -> str:
        schema = WebRoute("/graphql", GraphQL[None, None](strawberry.Schema(Query)))
        app = Starlette(routes=[*routes(directory=directory), schema])
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/graphiql"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def graphiql_url(own_copy: None, serve: Callable[[Path], str]) -> str:  # noqa: ARG001 - built before it is served
    return serve(SOURCE)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(CHROMIUM_NAMES)} is on the PATH")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport={"width": 1400, "height": 900})
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(context: BrowserContext, graphiql_url: str) -> Visit:
    visit = Visit(await context.new_page(), graphiql_url)
    context.on("request", visit.on_request)
    context.on("console", visit.on_console)
    context.on("weberror", lambda error: visit.complaints.append(str(error.error)))
    await visit.page.goto(graphiql_url)
    return visit


async def test_example_query_is_shown_and_runs(visit: Visit) -> None:
    await visit.expect_text(QUERY_PANE, "query Dashboard($ids: [ID!]!) {")
    await visit.expect_text(TOOL_PANE, '"ids": ["N725MQ", "N14228", "N24211"]')
    await visit.run()
    for tail_number in ("N725MQ", "N14228"):
        await visit.expect_text(RESULT_PANE, f'"id": "{tail_number}"')
    assert visit.complaints == []


async def test_typed_query_is_answered(visit: Visit) -> None:
    await visit.type_query(TYPED_QUERY)
    await visit.run()
    await visit.expect_text(RESULT_PANE, '"name": "Query"')
    assert visit.complaints == []


async def test_no_request_leaves_the_gateway(visit: Visit) -> None:
    await visit.type_query(TYPED_QUERY)
    await visit.run()
    await visit.expect_text(RESULT_PANE, '"name": "Query"')
    await visit.page.get_by_label("Prettify query").click()  # the formatter is loaded on demand
    await visit.page.wait_for_load_state("networkidle")
    assert visit.requests_to_other_origins() == []
    asked = " ".join(request.url for request in visit.requests)
    assert [worker for worker in ("editor", "graphql", "json") if f"/{worker}.worker-" not in asked] == []
    assert visit.complaints == []


async def test_prettify_formats_the_query_and_the_variables(visit: Visit) -> None:
    await visit.type_variables('{"ids":["N3"]}')
    await visit.type_query("{__schema{queryType{name}}}")
    await visit.page.get_by_label("Prettify query").click()
    await visit.expect_text(QUERY_PANE, "queryType {")
    await visit.expect_text(TOOL_PANE, '"ids": [')
    assert visit.complaints == []


async def test_graphql_worker_marks_an_unknown_field(visit: Visit) -> None:
    await visit.type_query("{ nothingOfTheKind }")
    await expect(visit.page.locator(f"{QUERY_PANE} .squiggly-error")).to_be_visible()
    assert visit.complaints == []


async def test_headers_are_sent_and_survive_a_reload_with_the_variables(visit: Visit) -> None:
    await visit.type_variables('{"ids": ["N3"]}')
    await visit.type_headers('{"x-viewer": "ops"}')
    await visit.type_query(TYPED_QUERY)
    await visit.page.reload()
    await visit.expect_text(QUERY_PANE, TYPED_QUERY)
    await visit.page.get_by_role("button", name="Variables").click()
    await visit.expect_text(TOOL_PANE, '{"ids": ["N3"]}')
    await visit.page.get_by_role("button", name="Headers").click()
    await visit.expect_text(TOOL_PANE, '{"x-viewer": "ops"}')
    await visit.run()
    await visit.expect_text(RESULT_PANE, '"name": "Query"')
    posts = [request for request in visit.requests if request.method == "POST"]
    assert posts[-1].headers["x-viewer"] == "ops"
    assert visit.complaints == []


async def test_documentation_explorer_shows_the_schema(visit: Visit) -> None:
    await visit.page.get_by_label("Show Documentation Explorer").click()
    documentation = visit.page.locator(".graphiql-doc-explorer")
    await expect(documentation).to_contain_text("Aircraft")
    await documentation.get_by_role("link", name="Query", exact=True).click()
    await documentation.get_by_role("link", name="aircraftByIds").click()
    await expect(documentation).to_contain_text("ids")
    assert visit.complaints == []


async def test_unbuilt_page_asks_the_cdn_for_exact_versions(
    context: BrowserContext, serve: Callable[[Path], str], unbuilt: Path
) -> None:
    asked: list[str] = []

    async def answer_nothing(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await context.route(re.compile("^https:"), answer_nothing)
    page = await context.new_page()
    await page.goto(serve(unbuilt))
    await expect(page.locator(".notice")).to_contain_text("GraphiQL is loaded from a CDN (esm.sh)")
    await page.wait_for_load_state("networkidle")
    assert "https://esm.sh/graphiql@5.4.0/dist/style.css" in asked
    assert len(asked) >= 8
    assert [url for url in asked if not url.startswith("https://esm.sh/") or "@" not in url] == []
