"""GraphiQL in a headless Chromium, in front of the real gateway over the real stores."""

import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import BrowserContext, Route, expect
from starlette.applications import Starlette

from gateway.graphiql import HERE, routes
from gateway.graphiql.examples import Example
from tests.gateway.browser import QUERY_PANE, RESULT_PANE, TOOL_PANE, Visit, open_page

pytestmark = pytest.mark.slow

TYPED_QUERY = "{ __schema { queryType { name } } }"
PLANNED = (
    '{aircraft(tailNumber:"N10156"){analysis(period:{from:"2013-02-03"}){punctuality{flights} cancellations{share}}}}'
)


@pytest.fixture(scope="module")
def graphiql_url(own_copy: None, gateway_url: str) -> str:  # noqa: ARG001 - built before it is served
    return f"{gateway_url}/graphiql"


@contextmanager
def page_alone(examples: Sequence[Example], directory: Path = HERE) -> Iterator[str]:
    """Serve GraphiQL's page without a gateway for the length of the block; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=routes(examples, directory=directory))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphiql"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def unbuilt_url(unbuilt: Path) -> Iterator[str]:
    """GraphiQL's page without its assets, on a server of its own."""
    with page_alone([Example("{ __typename }")], unbuilt) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def visit(context: BrowserContext, graphiql_url: str) -> Visit:
    return await open_page(context, graphiql_url)


async def test_example_query_is_shown_and_runs(visit: Visit) -> None:
    await visit.expect_text(QUERY_PANE, "query Dashboard($ids: [ID!]!) {")
    await visit.expect_text(TOOL_PANE, '"ids": ["N725MQ", "N14228", "N24211"]')
    await visit.run()
    for tail_number in ("N725MQ", "N14228"):
        await visit.expect_text(RESULT_PANE, f'"id": "{tail_number}"')
    assert visit.complaints == []


async def test_each_example_has_a_tab_and_its_variables(
    context: BrowserContext,
    own_copy: None,  # noqa: ARG001 - built before it is served
) -> None:
    examples = [Example("query One($id: ID!) { a(id: $id) }", '{"id": "7"}'), Example("query Two { b }")]
    with page_alone(examples) as url:
        visit = await open_page(context, url)
        await visit.expect_text(QUERY_PANE, "query One($id: ID!)")
        await visit.expect_text(TOOL_PANE, '{"id": "7"}')
        await visit.page.get_by_role("tab", name="Two").click()
        await visit.expect_text(QUERY_PANE, "query Two { b }")
        await visit.page.get_by_role("tab", name="One").click()
        await visit.expect_text(TOOL_PANE, '{"id": "7"}')


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


async def test_the_plan_is_on_a_tab_beside_the_answer_and_asked_again_after_a_run(visit: Visit) -> None:
    page, plan = visit.page, visit.page.get_by_role("tabpanel", name="Plan")
    await visit.type_query(PLANNED)
    await page.get_by_role("tab", name="Plan").click()
    punctuality = plan.get_by_role("row").filter(has=page.get_by_role("rowheader", name="punctuality"))
    await expect(punctuality).to_contain_text("1 missing")
    await expect(punctuality).to_contain_text("cancellations period=2013-02-03/None")
    await expect(plan.get_by_label("SQL").filter(has_text=".flights as")).to_contain_text("punctuality__flights")
    await expect(plan).to_contain_text("punctuality from = 2013-02-03")
    await expect(page.locator(f"{RESULT_PANE} .result-window")).to_be_hidden()
    await visit.run()
    await expect(punctuality).to_contain_text("1 fresh")
    await expect(plan).to_contain_text("None: all that is asked for is cached")
    posts = [request for request in visit.requests if request.method == "POST"]
    assert [request.headers.get("graphql-cost") for request in posts[-3:]] == ["validate", None, "validate"]
    assert visit.complaints == []


async def test_the_tabs_are_gone_through_with_the_arrow_keys(visit: Visit) -> None:
    answer, plan = (visit.page.get_by_role("tab", name=name) for name in ("Response", "Plan"))
    await visit.expect_text(QUERY_PANE, "query Dashboard")
    await answer.press("ArrowRight")
    await expect(plan).to_be_focused()
    await expect(visit.page.get_by_role("tabpanel", name="Plan")).to_contain_text("Statements")
    await plan.press("ArrowRight")
    await expect(answer).to_be_focused()
    await expect(visit.page.get_by_role("tabpanel", name="Plan")).to_be_hidden()
    await expect(visit.page.locator(f"{RESULT_PANE} .result-window")).to_be_visible()


async def test_a_long_plan_scrolls_in_its_pane(visit: Visit) -> None:
    await visit.expect_text(QUERY_PANE, "query Dashboard")
    await visit.page.get_by_role("tab", name="Plan").click()
    plan = visit.page.get_by_role("tabpanel", name="Plan")
    await expect(plan).to_contain_text("utilization")
    box = await plan.bounding_box()
    assert box is not None
    assert (box["x"] + box["width"] <= 1400, box["y"] + box["height"] <= 900) == (True, True)


async def test_why_there_is_no_plan_is_said_in_a_sentence(visit: Visit) -> None:
    await visit.page.get_by_role("tab", name="Plan").click()
    told = visit.page.get_by_role("tabpanel", name="Plan").get_by_role("alert")
    for query, sentence in (
        ("{ 4 }", "Syntax Error"),
        ("query($n: Int!) { fleet(first: $n) { totalCount } }", "Variable '$n' has invalid value"),
    ):
        await visit.type_query(query)
        await visit.page.get_by_role("tab", name="Response").click()
        await visit.page.get_by_role("tab", name="Plan").click()
        await expect(told).to_contain_text(sentence)


async def test_unbuilt_page_asks_the_cdn_for_exact_versions(context: BrowserContext, unbuilt_url: str) -> None:
    asked: list[str] = []

    async def answer_nothing(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await context.route(re.compile("^https:"), answer_nothing)
    page = await context.new_page()
    await page.goto(unbuilt_url)
    await expect(page.locator(".notice")).to_contain_text("GraphiQL is loaded from a CDN (esm.sh)")
    await page.wait_for_load_state("networkidle")
    assert "https://esm.sh/graphiql@5.4.0/dist/style.css" in asked
    assert len(asked) >= 8
    assert [url for url in asked if not url.startswith("https://esm.sh/") or "@" not in url] == []
