"""Whole queries over a loader in memory: what is loaded together, what takes the place of keys, and failures."""

from __future__ import annotations

from typing import Any

from loaders.stores.errors import StoreError, StoreUnavailable
from tests.resolvers.loaded_members import LOST, A, B, C, ask


async def test_ids_come_in_the_order_asked_and_one_that_is_no_key_costs_the_others_nothing() -> None:
    asked = await ask(
        "query($ids: [ID!]!) { membersByIds(ids: $ids) { id nodeId email role joinedOn tags settings label } }",
        ids=[B, "no key", A.upper(), B, LOST],
    )
    first, unknown, second, again, lost = asked.data["membersByIds"]
    assert second == {
        "id": A, "nodeId": f"Member:{A}", "email": "a@x", "role": "OWNER", "joinedOn": "2026-01-01", "tags": ["t"],
        "settings": {"s": 1}, "label": "a@x (OWNER)",
    }  # fmt: skip
    assert (first["label"], again, unknown, lost) == ("? (GUEST)", first, None, None)
    assert asked.loads == [("Member", [B, A, B, LOST], ["Member.record"])]


async def test_only_the_columns_that_are_asked_for_are_wanted() -> None:
    for selected, wanted in (
        ("id", {"id"}),
        ("label", {"email", "role"}),
        ("role tags", {"role", "tags"}),
        ("__typename", {"id"}),
    ):
        asked = await ask(f'{{ member(id: "{A}") {{ {selected} }} }}')
        ((request,),) = asked.objects.requests
        assert set(request.columns or ()) == wanted


async def test_lists_of_lists_take_a_load_for_each_level_and_none_for_records_that_rows_have() -> None:
    asked = await ask(
        f'{{ membersByIds(ids: ["{A}", "{B}"]) {{ invoices(first: 2) {{ edges {{ node {{ id total issuedAt plan {{ name }}'
        " lines { id text amount } } } pageInfo { hasNextPage } totalCount } lastInvoice { id } projects { name } } }"
    )
    first, second = asked.data["membersByIds"]
    assert first["invoices"] == {
        "edges": [
            {"node": {"id": number, "total": f"{number}.50", "issuedAt": "2026-03-01T12:00:00+00:00",
             "plan": {"name": f"plan {plan}"},
             "lines": [{"id": f"{number}:{line}", "text": f"{number}/{line}", "amount": "0.5"} for line in (1, 2)]}}
            for number, plan in (("1", 1), ("2", 2))
        ],
        "pageInfo": {"hasNextPage": True},
        "totalCount": 3,
    }  # fmt: skip
    assert (first["lastInvoice"], first["projects"]) == ({"id": "3"}, [{"name": "c"}])
    assert second["invoices"]["edges"][0]["node"]["plan"] is None
    assert (second["invoices"]["totalCount"], second["invoices"]["pageInfo"]["hasNextPage"]) == (1, False)
    assert (second["lastInvoice"], second["projects"]) == ({"id": "4"}, [])
    sections = ["Member.invoices", "Member.invoices.count", "Member.last_invoice", "Member.projects", "Member.record"]
    assert asked.loads == [
        ("Member", [A, B], sections),
        ("Invoice", [1, 2, 4], ["Invoice.lines"]),
        ("Plan", [1, 2, 9], ["Plan.record"]),
    ]


async def test_links_of_sections_and_of_records_to_one_type_are_loaded_at_one_level() -> None:
    asked = await ask(
        f'{{ member(id: "{A}") {{ recentEvents {{ kind project {{ name }} }} other: recentEvents {{ project {{ id }} }} }} }}'
    )
    assert asked.data["member"]["recentEvents"] == [
        {"kind": "a", "project": {"name": "c"}},
        {"kind": "b", "project": None},
        {"kind": "c", "project": None},
    ]
    assert asked.data["member"]["other"][0] == {"project": {"id": C}}
    assert [load[:2] for load in asked.loads] == [("Member", [A]), ("Project", [C, LOST])]


async def test_links_lead_in_circles_to_any_depth() -> None:
    asked = await ask('{ invoice(id: "1") { member { lastInvoice { member { lastInvoice { plan { id } } } } } } }')
    assert asked.data["invoice"]["member"]["lastInvoice"]["member"]["lastInvoice"]["plan"] == {"id": "1"}
    assert [name for name, _, _ in asked.loads] == ["Invoice", "Member", "Member", "Plan"]


async def test_several_links_of_one_row_are_each_in_their_place() -> None:
    asked = await ask('{ invoice(id: "2") { member { email } plan { name } total } }')
    assert asked.data["invoice"] == {"member": {"email": "a@x"}, "plan": {"name": "plan 2"}, "total": "2.50"}


async def test_an_object_without_a_link_or_with_a_lost_one_has_null() -> None:
    assert (await ask('{ invoice(id: "5") { member { id } plan { id } } }')).data == {
        "invoice": {"member": None, "plan": {"id": "1"}}
    }


async def test_a_failed_section_is_null_in_its_place_and_the_rest_answers() -> None:
    asked = await ask(
        f'{{ member(id: "{A}") {{ email activity {{ actions }} recentEvents {{ project {{ name }} }} }} }}',
        {"Member.activity": StoreUnavailable("web", "gone"), "Project.record": StoreUnavailable("crm", "gone")},
    )
    assert asked.result.data["member"] == {
        "email": "a@x",
        "activity": None,
        "recentEvents": [{"project": None}, {"project": None}, {"project": None}],
    }
    paths = sorted(str(error.path) for error in asked.result.errors)
    assert paths == [
        "['member', 'activity']",
        "['member', 'recentEvents', 0, 'project']",
        "['member', 'recentEvents', 2, 'project']",
    ]
    assert all(isinstance(error.original_error, StoreError) for error in asked.result.errors)


async def test_a_failed_count_takes_its_page_with_it_alone() -> None:
    asked = await ask(
        f'{{ member(id: "{A}") {{ email invoices {{ totalCount }} }} }}',
        {"Member.invoices.count": StoreUnavailable("crm", "gone")},
    )
    assert asked.result.data == {"member": {"email": "a@x", "invoices": None}}


async def test_pages_go_on_by_their_cursors_to_the_end() -> None:
    query = """query($after: String) { members(first: 1, after: $after) {
        edges { cursor node { id } } nodes { id } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }"""
    seen, after = [], None
    for _ in range(3):
        page = (await ask(query, after=after)).data["members"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        assert page["nodes"] == [edge["node"] for edge in page["edges"]]
        assert page["totalCount"] == 2
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
        assert after == page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [A, B]


async def test_a_page_of_objects_asks_nothing_again_that_its_rows_have() -> None:
    asked = await ask("{ members { nodes { id email activity { actions } } } }")
    assert asked.data["members"]["nodes"][0] == {"id": A, "email": "a@x", "activity": {"actions": str(2**40)}}
    assert asked.loads == [("Query.members", [()], ["Query.members"]), ("Member", [A, B], ["Member.activity"])]


async def test_an_empty_page_has_no_cursors() -> None:
    asked = await ask(
        "{ members { nodes { activity { actions } } pageInfo { hasNextPage startCursor endCursor } } }",
        {"Query.members": lambda _key, _request: []},
    )
    information = {"hasNextPage": False, "startCursor": None, "endCursor": None}
    assert asked.data == {"members": {"nodes": [], "pageInfo": information}}
    assert len(asked.loads) == 1


async def test_a_unique_column_leads_to_the_object_and_all_that_is_asked_of_it() -> None:
    asked = await ask('{ memberByEmail(email: "a@x") { id role activity { actions } } }')
    assert asked.data["memberByEmail"] == {"id": A, "role": "OWNER", "activity": {"actions": str(2**40)}}
    assert asked.loads == [
        ("Query.member_by_email", ["a@x"], ["Query.member_by_email"]),
        ("Member", [A], ["Member.activity"]),
    ]
    assert (await ask('{ memberByEmail(email: "z") { id activity { actions } } }')).data == {"memberByEmail": None}


async def test_nodes_of_any_type_come_in_the_order_asked() -> None:
    asked = await ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Member { email } ... on InvoiceLine { text } } }",
        ids=[f"Plan:{1}", f"Member:{A}", "InvoiceLine:4:2", "Member", "Nothing:1", "Member:x", f"Member:{LOST}"],
    )
    assert asked.data["nodes"] == [
        {"__typename": "Plan", "id": "1"},
        {"__typename": "Member", "id": A, "email": "a@x"},
        {"__typename": "InvoiceLine", "id": "4:2", "text": "4/2"},
        None,
        None,
        None,
        None,
    ]


async def test_a_node_of_a_type_that_may_not_be_read_is_an_error_in_its_place() -> None:
    asked = await ask(f'{{ nodes(ids: ["Plan:1", "Member:{A}"]) {{ id }} }}', scopes=frozenset(["billing:read"]))
    assert asked.result.data == {"nodes": [{"id": "1"}, None]}
    (error,) = asked.result.errors
    assert (error.path, error.extensions) == (["nodes", 1], {"code": "FORBIDDEN"})
    assert [name for name, _, _ in asked.loads] == ["Plan"]


async def test_the_tenants_own_object_has_the_tenants_key() -> None:
    asked = await ask("{ workspace { id name } }")
    tenant = "00000000-0000-0000-0000-000000000001"
    assert asked.data == {"workspace": {"id": tenant, "name": "w"}}
    assert asked.loads == [("Workspace", [tenant], ["Workspace.record"])]


async def test_what_may_not_be_read_is_not_loaded() -> None:
    query = f'{{ member(id: "{A}") {{ role email lastInvoice {{ id }} activity {{ actions }} }} }}'
    asked = await ask(query, scopes=frozenset(["member:read"]))
    assert asked.result.data == {"member": {"role": "OWNER", "email": None, "lastInvoice": None, "activity": None}}
    assert {error.path[-1] for error in asked.result.errors} == {"email", "lastInvoice", "activity"}
    ((request,),) = asked.objects.requests
    assert set(request.columns or ()) == {"role"}


async def test_fragments_skip_include_and_variables_ask_the_same() -> None:
    plain = f'member(id: "{A}") {{ usage(period: {{from: "2026-03-01"}}) {{ activity {{ actions }} }} }}'
    ways: list[tuple[str, dict[str, Any]]] = [
        (f"{{ {plain} }}", {}),
        (f"{{ ...Q }} fragment Q on Query {{ {plain} }}", {}),
        ("query($p: Period) { " + plain.replace('{from: "2026-03-01"}', "$p") + " }", {"p": {"from": "2026-03-01"}}),
        ("query($d: Date) { " + plain.replace('"2026-03-01"', "$d") + " }", {"d": "2026-03-01"}),
        ("{ " + plain.replace("actions", "actions @include(if: true) spent @skip(if: true)") + " }", {}),
        (f'{{ node(id: "Member:{A}") {{ ... on Member {{ usage(period: {{from: "2026-03-01"}}) {{ activity {{ actions }} }} }} }} }}', {}),
    ]  # fmt: skip
    asked = [await ask(query, **variables) for query, variables in ways]
    assert [str(2**40) in str(each.data) for each in asked] == [True] * len(ways)
    assert len({each.objects.requests[0] for each in asked}) == 1
    assert {request.columns for each in asked for request in each.objects.requests[0]} == {
        frozenset(["id"]),
        frozenset(["actions"]),
    }


async def test_a_row_that_only_tells_of_another_page_leads_nowhere() -> None:
    asked = await ask("{ members(first: 1) { nodes { id invoices(first: 1) { nodes { id plan { name } } } } } }")
    (member,) = asked.data["members"]["nodes"]
    assert member == {"id": A, "invoices": {"nodes": [{"id": "1", "plan": {"name": "plan 1"}}]}}
    assert [(space, keys) for space, keys, _ in asked.loads] == [
        ("Query.members", [()]),
        ("Member", [A]),
        ("Plan", [1]),
    ]
