"""GraphiQL in a headless Chromium over the analytics sample, for a tenant with an API key."""

import json
import re

from playwright.async_api import BrowserContext, expect

from deploy.analytics.data import member_id
from tests.gateway.browser import QUERY_PANE, RESULT_PANE, Visit, open_page
from tests.gateway.models.conftest import Analytics

PLANNED = f'{{member(id:"{member_id(11)}"){{billing{{total}} activity{{actions}} lastInvoice{{total}}}}}}'


async def authorized(context: BrowserContext, url: str, analytics: Analytics) -> Visit:
    """Open the page, and send the key of the first workspace from then on."""
    visit = await open_page(context, f"{url}/graphiql")
    await visit.expect_text(QUERY_PANE, "query Example {")
    visit.complaints.clear()  # the schema was refused, since every request belongs to a tenant
    await visit.type_headers(json.dumps(await analytics.key(0, *analytics.model.scopes, "explain")))
    await visit.page.get_by_label("Re-fetch GraphQL schema").click()
    return visit


async def test_the_example_made_from_the_model_runs(
    context: BrowserContext,
    own_copy: None,  # noqa: ARG001 - built before it is served
    analytics_url: str,
    analytics: Analytics,
) -> None:
    visit = await authorized(context, analytics_url, analytics)
    await visit.run()
    for text in ('"members": {', '"lastInvoice": {', '"billing": {'):
        await visit.expect_text(RESULT_PANE, text)
    assert visit.complaints == []


async def test_the_plan_shows_the_sections_and_both_databases(
    context: BrowserContext,
    own_copy: None,  # noqa: ARG001 - built before it is served
    analytics_url: str,
    analytics: Analytics,
) -> None:
    visit = await authorized(context, analytics_url, analytics)
    await visit.type_query(PLANNED)
    await visit.page.get_by_role("tab", name="Plan").click()
    plan = visit.page.get_by_role("tabpanel", name="Plan")
    billing = plan.get_by_role("row").filter(has=visit.page.get_by_role("rowheader", name="Member.billing"))
    await expect(billing).to_contain_text("1 missing")
    await expect(plan).to_contain_text("Then, of the objects that these lead to: Invoice.record.")
    for store, sections in (("PostgreSQL crm", "Member.billing"), ("ClickHouse web", "Member.activity")):
        await expect(plan).to_contain_text(re.compile(rf"{store} for 1 object: .*{sections}"))
    await expect(plan.get_by_label("SQL").filter(has_text=".events as ")).to_contain_text("count()")
    await visit.run()
    await visit.page.get_by_role("tab", name="Response").click()
    await visit.expect_text(RESULT_PANE, '"actions": "')
    await visit.page.get_by_role("tab", name="Plan").click()
    await expect(billing).to_contain_text("Member.billing")
    assert visit.complaints == []
