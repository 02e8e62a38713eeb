"""The analytics sample over HTTP: two tenants with API keys, whose objects have the same ids."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from deploy.analytics.data import member_id
from tests.gateway.command_line import run_command
from tests.gateway.models.conftest import Analytics, Served

MEMBER = """
query Member($id: ID!) {
  workspace { name timeZone }
  member(id: $id) {
    id email role
    billing { invoices total }
    activity { actions }
    invoices(first: 2) { totalCount pageInfo { hasNextPage endCursor } edges { node { id total } } }
  }
}
"""
ID = str(member_id(11))


def expected(analytics: Analytics, number: int) -> dict[str, Any]:
    """Return what the data say of the member in a workspace."""
    data, workspace = analytics.data, analytics.data.workspaces[number]
    mine = [row for row in data.invoices if row["workspace_id"] == workspace["id"] and str(row["member_id"]) == ID]
    events = [row for row in data.events if row["workspace_id"] == workspace["id"] and str(row["member_id"]) == ID]
    total = sum((row["total"] for row in mine), Decimal(0))
    return {"name": workspace["name"], "invoices": len(mine), "total": total, "actions": str(len(events))}


async def ask(client: Any, query: str, headers: dict[str, str], **body: Any) -> Any:
    answer = await client.post("/graphql", json={"query": query, **body}, headers=headers)
    return answer.status_code, answer.json()


async def test_each_tenant_is_answered_its_own_rows(analytics: Analytics, served: Served) -> None:
    async with served() as client:
        for number in (0, 1):
            key = await analytics.key(number)
            status, answer = await ask(client, MEMBER, key, variables={"id": ID})
            assert (status, answer.get("errors")) == (200, None)
            member, right = answer["data"]["member"], expected(analytics, number)
            assert answer["data"]["workspace"]["name"] == right["name"]
            assert member["id"] == ID
            assert member["billing"]["invoices"] == right["invoices"] == member["invoices"]["totalCount"]
            assert Decimal(member["billing"]["total"]) == right["total"]
            assert member["activity"]["actions"] == right["actions"]
            assert all(Decimal(edge["node"]["total"]) > 0 for edge in member["invoices"]["edges"])


async def test_who_is_of_no_tenant_is_answered_403(served: Served) -> None:
    async with served(anonymous="all") as client:
        status, answer = await ask(client, "{ workspace { name } }", {})
    assert (status, answer["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert answer["errors"][0]["message"].startswith("Every request belongs to a tenant: send a token with the claim")


async def test_a_page_goes_on_in_another_process_with_the_same_secret(analytics: Analytics, served: Served) -> None:
    query = "query P($after: String) { members(first: 3, after: $after) { edges { cursor node { id } } } }"
    key = await analytics.key(0)
    async with served(cursor_secret="shared") as client, served(cursor_secret="shared") as other:
        _, first = await ask(client, query, key)
        cursor = first["data"]["members"]["edges"][-1]["cursor"]
        _, second = await ask(other, query, key, variables={"after": cursor})
        _, again = await ask(client, query, key, variables={"after": cursor})
    assert second == again
    pages = [[edge["node"]["id"] for edge in page["data"]["members"]["edges"]] for page in (first, second)]
    assert len({*pages[0], *pages[1]}) == 6


async def test_a_field_needs_the_scopes_that_the_model_says(analytics: Analytics, served: Served) -> None:
    query = f'{{ member(id: "{ID}") {{ role email billing {{ invoices }} }} }}'
    async with served() as client:
        _, answer = await ask(client, query, await analytics.key(0, "member:read"))
    member = answer["data"]["member"]
    assert (member["email"], member["billing"]) == (None, None)
    assert member["role"] in ("GUEST", "EDITOR", "OWNER")
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


async def test_an_operation_is_priced_limited_and_explained(analytics: Analytics, served: Served) -> None:
    scopes = [*analytics.model.scopes, "explain"]
    async with served() as client:
        body = {"variables": {"id": str(member_id(30))}, "extensions": {"explain": True, "accounting": True}}
        status, answer = await ask(client, MEMBER, await analytics.key(2, *scopes), **body)
        _, again = await ask(client, MEMBER, await analytics.key(2, *scopes), **body)
        denied, _ = await ask(client, MEMBER, await analytics.key(2), **body)
    assert (status, denied) == (200, 403)
    explained, accounted = answer["extensions"]["explain"], answer["extensions"]["accounting"]
    fields = {field["field"]: field for field in explained["fields"]}
    assert set(fields) == {"workspace", "member"}
    statements = fields["member"]["statements"]
    assert {statement["store"] for statement in statements} == {"postgresql crm", "clickhouse web"}
    tenant = str(analytics.data.workspaces[2]["id"])
    assert all(statement["arguments"]["tenant"] == tenant for statement in statements)
    assert sum(accounted["statements"].values()) == 1 + len(statements)  # and that of the workspace
    assert {(item["fresh"], item["missing"]) for item in fields["member"]["sections"]} == {(0, 1)}
    (member,) = (item for item in again["extensions"]["explain"]["fields"] if item["field"] == "member")
    assert member["statements"] == []
    every = [item for field in again["extensions"]["explain"]["fields"] for item in field["sections"]]
    assert {(item["fresh"], item["missing"]) for item in every} == {(1, 0)}
    async with served(max_statements=2) as client:
        _, refused = await ask(client, MEMBER, await analytics.key(2), variables={"id": ID})
    assert refused["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_the_databases_are_ready_by_name(served: Served) -> None:
    async with served() as client:
        answer = (await client.get("/readyz")).json()
    assert answer == {"ready": True, "stores": {"postgresql crm": "ok", "clickhouse web": "ok", "redis": "ok"}}


async def test_all_objects_of_a_tenant_are_exported_and_from_where_it_broke_off(
    analytics: Analytics, served: Served
) -> None:
    key = await analytics.key(0, *analytics.model.scopes, "export")
    async with served(rate_cost_per_minute=0) as client:
        answer = await client.get("/export/member", headers=key)
        lines = [json.loads(line) for line in answer.text.splitlines()]
        rest = await client.get("/export/member", params={"after": lines[299]["cursor"]}, headers=key)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert len(lines) == 320
    assert {line["id"] for line in lines} == {str(member_id(number)) for number in range(320)}
    (line,) = (line for line in lines if line["id"] == ID)
    right = expected(analytics, 0)
    assert line["member"]["billing"]["invoices"] == right["invoices"]
    assert line["member"]["activity"]["actions"] == right["actions"]
    assert [json.loads(line) for line in rest.text.splitlines()] == lines[300:]


async def test_unknown_objects_are_null_beside_known_ones_that_lead_on(analytics: Analytics, served: Served) -> None:
    query = "query N($ids: [ID!]!) { nodes(ids: $ids) { ... on Invoice { id member { id } plan { name } } } }"
    invoice = next(row for row in analytics.data.invoices if str(row["workspace_id"]).endswith("1"))
    ids = ["Invoice:1", f"Invoice:{invoice['id']}", "Invoice:2"]
    async with served() as client:
        status, answer = await ask(client, query, await analytics.key(0), variables={"ids": ids})
    assert (status, answer.get("errors")) == (200, None)
    first, known, last = answer["data"]["nodes"]
    assert (first, last) == (None, None)
    assert known["member"]["id"] == str(invoice["member_id"])


async def test_listed_objects_are_exported_in_their_order(analytics: Analytics, served: Served) -> None:
    key = await analytics.key(1, *analytics.model.scopes, "export")
    invoice = next(row for row in analytics.data.invoices if str(row["workspace_id"]).endswith("2"))
    async with served() as client:
        members = await client.get("/export/member", params={"ids": f"{ID},nobody,{ID}"}, headers=key)
        invoices = await client.get("/export/invoice", params={"ids": f"{invoice['id']},1"}, headers=key)
        unlisted = await client.get("/export/invoice", headers=key)
        foreign = await client.get(
            "/export/invoice",
            params={"ids": str(invoice["id"])},
            headers=await analytics.key(0, *analytics.model.scopes, "export"),
        )
        denied = await client.get("/export/member", headers=await analytics.key(1))
        nobody = await client.get("/export/member")
    result, unknown, again = (json.loads(line) for line in members.text.splitlines())
    assert (result, unknown) == (again, {"id": "nobody", "member": None})
    first, second = (json.loads(line) for line in invoices.text.splitlines())
    assert Decimal(first["invoice"]["total"]) == invoice["total"]
    assert second == {"id": "1", "invoice": None}
    assert json.loads(foreign.text) == {"id": str(invoice["id"]), "invoice": None}
    assert unlisted.json()["errors"][0]["message"].startswith("The model has no page of Invoice: list what to export")
    assert [answer.status_code for answer in (unlisted, denied, nobody)] == [400, 403, 401]


async def test_a_page_of_another_site_cannot_make_a_browser_export(analytics: Analytics, served: Served) -> None:
    key = await analytics.key(1, *analytics.model.scopes, "export")
    async with served() as client:
        answer = await client.get("/export/member", params={"ids": ID}, headers={**key, "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["message"].startswith("Cross-origin requests need one of these headers")


def settings_of(analytics: Analytics) -> dict[str, str]:
    """The environment of a command about the model."""
    urls = dict(analytics.settings["named_urls"])
    return {**urls, "REDIS_URL": analytics.redis_url, "GATEWAY_MODEL": "deploy.analytics.model"}


async def gateway(analytics: Analytics, *arguments: str) -> tuple[int, str, str]:
    """Run a command; its status and what it printed."""
    environment = {**os.environ, **settings_of(analytics)}
    done = await asyncio.to_thread(run_command, *arguments, environment=environment)
    return done.returncode, done.stdout, done.stderr


async def gateway_process(analytics: Analytics, *arguments: str) -> tuple[int, str, str]:
    """Run a command in a process of its own; its status and what it printed."""
    command = [sys.executable, "-m", "gateway", *arguments]
    environment = {**os.environ, **settings_of(analytics)}
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


async def test_what_is_kept_of_one_tenant_is_invalidated_alone(analytics: Analytics, served: Served) -> None:
    query = "query M($id: ID!) { member(id: $id) { nickname } }"
    params = {"query": query, "variables": json.dumps({"id": str(member_id(40))})}
    keys = [await analytics.key(number) for number in (0, 1)]
    change = "update app.members set nick = nick || '!' where id = $1"
    postgres = analytics.new.stores.postgres
    async with served() as client:

        async def nicknames() -> list[str]:
            answers = [await client.get("/graphql", params=params, headers=key) for key in keys]
            assert all(answer.headers["cache-control"].startswith("private, max-age=") for answer in answers)
            return [answer.json()["data"]["member"]["nickname"] for answer in answers]

        before = await nicknames()
        await postgres.execute(change, member_id(40))
        assert await nicknames() == before
        tenant = str(analytics.data.workspaces[0]["id"])
        done = await gateway_process(analytics, "invalidate", f"Member:{member_id(40)}", "--tenant", tenant)
        assert done == (0, "invalidated\n", "")
        assert await nicknames() == [f"{before[0]}!", before[1]]
        assert (await gateway(analytics, "invalidate", "--table", "app.members"))[0] == 0
        assert await nicknames() == [f"{nickname}!" for nickname in before]


async def test_what_cannot_be_invalidated_is_a_sentence(analytics: Analytics) -> None:
    status, _, said = await gateway(analytics, "invalidate", f"Member:{member_id(40)}")
    assert (status, said) == (1, "gateway: Member: say whose objects have changed; each tenant has keys of its own.\n")
    status, _, said = await gateway(analytics, "invalidate", "--section", "Member.activty")
    assert (status, said) == (1, 'gateway: The model has no section Member.activty. Did you mean "Member.activity"?\n')


async def test_the_cache_is_warmed_for_one_tenant(analytics: Analytics, served: Served, tmp_path: Path) -> None:
    document = tmp_path / "members.graphql"
    document.write_text("query Warm($ids: [ID!]!) { membersByIds(ids: $ids) { tags billing { invoices } } }")
    tenant = str(analytics.data.workspaces[2]["id"])
    status, _, said = await gateway(analytics, "warm", str(document), "--tenant", tenant)
    assert (status, said) == (0, "320 of 320 objects\n")
    body = {"variables": {"ids": [str(member_id(number)) for number in range(50, 60)]}}
    async with served() as client:
        _, answer = await ask(
            client, document.read_text(), await analytics.key(2), extensions={"accounting": True}, **body
        )
    assert answer["extensions"]["accounting"]["statements"] == {}
    assert (await gateway(analytics, "warm", str(document)))[2] == (
        "gateway: --tenant is missing: the model analytics has tenants (UUID).\n"
    )
    document.write_text("query Warm($ids: [ID!]!) { nodes(ids: $ids) { id } }")
    assert (await gateway(analytics, "warm", str(document), "--tenant", tenant))[2] == (
        "gateway: Name the objects with --ids: no root field of the document takes $ids as the keys of a type.\n"
    )


async def test_a_command_exports_the_objects_of_one_tenant(analytics: Analytics, tmp_path: Path) -> None:
    tenant = str(analytics.data.workspaces[1]["id"])
    (tmp_path / "ids").write_text(f"{ID}\nno body\n\n")
    status, lines, said = await gateway(
        analytics, "export", "member", "--tenant", tenant, "--ids", str(tmp_path / "ids")
    )
    assert (status, said) == (0, "")
    known, unknown = map(json.loads, lines.splitlines())
    assert known["member"]["billing"]["invoices"] == expected(analytics, 1)["invoices"]
    assert unknown == {"id": "no body", "member": None}
    _, lines, _ = await gateway_process(analytics, "export", "member", "--tenant", tenant)
    assert len(lines.splitlines()) == 320
    assert (await gateway(analytics, "export", "memeber", "--tenant", tenant))[2].startswith(
        "gateway: memeber is no object type: there are workspace, member"
    )
