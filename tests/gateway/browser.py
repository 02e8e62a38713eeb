"""Pages of a headless Chromium, and GraphiQL as a user sees it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

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

expect.set_options(timeout=PATIENCE_S * 1000)


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


async def open_page(context: BrowserContext, url: str) -> Visit:
    """Open GraphiQL's page at this URL."""
    visit = Visit(await context.new_page(), url)
    context.on("request", visit.on_request)
    context.on("console", visit.on_console)
    context.on("weberror", lambda error: visit.complaints.append(str(error.error)))
    await visit.page.goto(url)
    return visit


def leave_out(reason: str) -> NoReturn:
    """Skip what this machine lacks something for; fail where nothing may be skipped."""
    if os.environ.get("GATEWAY_TESTS_SKIP_NOTHING"):
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def launched_chromium() -> AsyncIterator[Browser]:
    """Start a Chromium for the length of the block; skip the test where this machine has none."""
    result = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if result is None:
        leave_out(f"no Chromium: none of {', '.join(CHROMIUM_NAMES)} is on the PATH")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=result, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()
