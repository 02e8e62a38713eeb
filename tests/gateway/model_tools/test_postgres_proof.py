"""Proofs from plans: conditions that hold for some rows alone, or too late, prove nothing."""

from __future__ import annotations

from typing import Any

import pytest

import fuseway as m
from gateway.model_tools.live.postgres_plans import plan_tree
from gateway.model_tools.live.postgres_proof import PostgresProof
from gateway.model_tools.live.postgres_relations import Related, Relations
from gateway.model_tools.live.postgres_views import origins
from gateway.model_tools.live.unproven import Unproven
from loaders.model.bound_tables import BoundTable, OwnTenant, ParentTenant
from loaders.model.databases import Postgres, Table
from loaders.model.names import table_parts
from loaders.model.scalars import TEXT

db = Postgres()
parents, children = db.table("app.parents"), db.table("app.children", tenant="x")
shared, other = db.table("app.shared"), db.table('app."Other one"')
BOUND = {
    parents: BoundTable(parents, OwnTenant("tenant", TEXT)),
    children: BoundTable(children, ParentTenant(("parent_id",), parents, ("id",))),
    shared: BoundTable(shared, m.everyones),
    other: BoundTable(other, m.everyones),
}
RELATIONS = Relations(
    {".".join(table_parts(table.name)): [Related(table, is_in_view=False)] for table in BOUND},
    {},
    frozenset(".".join(table_parts(table.name)) for table in BOUND),
)
view = db.table("app.view")
OF_VIEW = PostgresProof(
    {**BOUND, view: BoundTable(view, OwnTenant("tenant", TEXT))},
    Relations(
        {
            "app.parents": [Related(parents, is_in_view=False), Related(view, is_in_view=True)],
            "app.hidden": [Related(view, is_in_view=True)],
        },
        {},
        frozenset({"app.parents", "app.view"}),
        {(view, "tenant"): {("app.parents", "owner")}},
    ),
    "t1",
)
PROOF = PostgresProof(BOUND, RELATIONS, "t1")
OWN = "((p.tenant = 't1'::text) AND (p.x = 1))"
JOINED = "(c.parent_id = p.id)"


def scan(name: str, side: str = "Outer", **more: Any) -> dict[str, Any]:
    """The plan of a scan."""
    return {
        "Node Type": "Seq Scan",
        "Schema": "app",
        "Relation Name": name,
        "Alias": name[0],
        "Parent Relationship": side,
        **more,
    }


def join(kind: str, outer: dict[str, Any], inner: dict[str, Any], condition: str = JOINED) -> dict[str, Any]:
    """The plan of a join."""
    sides = [{**outer, "Parent Relationship": "Outer"}, {**inner, "Parent Relationship": "Inner"}]
    return {"Node Type": "Hash Join", "Join Type": kind, "Hash Cond": condition, "Plans": sides}


def unproven(plan: dict[str, Any]) -> list[str]:
    """The relations of a plan that are not proven."""
    return [each.relation for each in PROOF.unproven(plan_tree(plan))]


@pytest.mark.parametrize(
    ("condition", "is_proven"),
    [
        ("(p.tenant = 't1'::text)", True),
        (OWN, True),
        ("('t1'::text = p.tenant)", True),
        ("(p.tenant = 't2'::text)", False),
        ("(p.other = 't1'::text)", False),
        ("(q.tenant = 't1'::text)", False),
        ("((p.tenant = 't1'::text) OR (p.x = 1))", False),
        ("(NOT (p.tenant = 't1'::text))", False),
        ("(p.tenant <> 't1'::text)", False),
        ("(p.note = '(p.tenant = ''t1''::text)'::text)", False),
    ],
)
def test_a_scan_has_the_condition_itself(condition: str, *, is_proven: bool) -> None:
    assert unproven(scan("parents", Filter=condition)) == ([] if is_proven else ["app.parents"])


@pytest.mark.parametrize(
    ("kind", "is_proven"),
    [("Inner", True), ("Semi", True), ("Right", True), ("Left", False), ("Full", False), ("Anti", False)],
)
def test_a_child_is_joined_so_that_rows_without_a_parent_are_left_out(kind: str, *, is_proven: bool) -> None:
    plan = join(kind, scan("children"), scan("parents", Filter=OWN))
    assert unproven(plan) == ([] if is_proven else ["app.children"])


def test_a_child_on_the_other_side_of_a_left_join_is_proven() -> None:
    assert unproven(join("Left", scan("parents", Filter=OWN), scan("children"))) == []


def test_a_child_of_a_parent_that_is_not_narrowed_is_not_proven() -> None:
    assert unproven(join("Inner", scan("children"), scan("parents"))) == ["app.children", "app.parents"]


def test_a_child_is_proven_by_columns_that_are_equal_to_a_third() -> None:
    inner = scan("parents", Filter=OWN) | {"Index Cond": "(p.id = k.key)"}
    plan = join("Semi", scan("children", **{"Index Cond": "(c.parent_id = k.key)"}), inner, "(c.x = p.x)")
    assert unproven(plan) == []


def test_another_column_of_the_parent_is_no_proof() -> None:
    assert unproven(join("Inner", scan("children"), scan("parents", Filter=OWN), "(c.parent_id = p.x)")) == [
        "app.children"
    ]


def test_a_join_behind_a_limit_comes_too_late() -> None:
    cut = {"Node Type": "Limit", "Plans": [scan("children")]}
    assert unproven(join("Inner", cut, scan("parents", Filter=OWN))) == ["app.children"]


def test_a_sub_select_of_the_parents_keys_proves_a_child() -> None:
    keys = scan("parents", "SubPlan", Filter=OWN) | {"Subplan Name": "SubPlan 1", "Output": ["p.id"]}
    condition = "(ANY (c.parent_id = (hashed SubPlan 1).col1))"
    assert unproven(scan("children", Filter=condition, Plans=[keys])) == []
    assert unproven(scan("children", Filter=f"({condition} OR (c.x = 1))", Plans=[keys])) == ["app.children"]


def test_a_foreign_table_is_proven_by_what_its_own_server_is_asked() -> None:
    remote = "SELECT id FROM app.parents WHERE ((tenant = 't1'::text)) AND ((x = 1)) ORDER BY id ASC NULLS LAST"
    foreign = scan("parents") | {"Node Type": "Foreign Scan"}
    assert unproven(foreign | {"Remote SQL": remote}) == []
    assert unproven(foreign | {"Remote SQL": remote.replace(") AND (", " OR ")}) == ["app.parents"]
    assert unproven(foreign | {"Remote SQL": "SELECT id, tenant FROM app.parents"}) == ["app.parents"]


@pytest.mark.parametrize(
    ("relations", "is_proven"),
    [
        ('(app.shared) INNER JOIN (app."Other one" o)', True),
        ('Aggregate on ((app.shared) LEFT JOIN (app."Other one" o))', True),
        ("(app.shared) INNER JOIN (app.parents p)", False),
        ("Aggregate on (app.secrets)", False),
        ("(app.shared) INNER JOIN (unqualified)", False),
        ("", False),
    ],
)
def test_what_another_server_works_out_is_proven_where_it_is_everyones(relations: str, *, is_proven: bool) -> None:
    foreign = {"Node Type": "Foreign Scan", "Relations": relations, "Remote SQL": "SELECT 1"}
    assert unproven(foreign) == ([] if is_proven else [relations or "Foreign Scan"])


def test_a_scan_by_an_extension_is_no_proof() -> None:
    assert unproven({"Node Type": "Custom Scan", "Plans": [scan("parents", Filter=OWN)]}) == ["Custom Scan"]


def test_a_relation_that_the_model_does_not_declare_is_told() -> None:
    (scanned,) = PROOF.unproven(plan_tree(scan("secrets")))
    assert scanned == Unproven("app.secrets", None)


def unproven_of(tables: list[Table], plan: dict[str, Any]) -> list[str]:
    """The relations of a plan that are not proven for a statement that reads these tables."""
    return [each.relation for each in OF_VIEW.read_by(tables).unproven(plan_tree(plan))]


@pytest.mark.parametrize(
    ("tables", "column", "is_proven"),
    [([view], "owner", True), ([view], "x", False), ([parents], "owner", False), ([parents], "tenant", True)],
)
def test_a_view_is_proven_by_its_own_tenant_where_it_is_read(
    tables: list[Table], column: str, *, is_proven: bool
) -> None:
    plan = scan("parents", Filter=f"(p.{column} = 't1'::text)")
    assert unproven_of(tables, plan) == ([] if is_proven else ["app.parents"])


def test_what_a_view_reads_beside_its_tenant_is_proven_by_a_join_alone() -> None:
    own, beside = scan("parents", Filter="(p.owner = 't1'::text)"), scan("hidden")
    assert unproven_of([view], join("Inner", own, beside, "(p.x = h.x)")) == []
    alone = beside | {"Parent Relationship": "InitPlan", "Subplan Name": "InitPlan 1"}
    assert unproven_of([view], own | {"Plans": [alone]}) == ["app.hidden"]


def test_a_column_of_a_view_is_followed_to_its_tables() -> None:
    plain, part = scan("parents", Output=["p.owner"]), scan("parts", Output=["(p_1.shop)::text"], Alias="p_1")
    named = {"Node Type": "Subquery Scan", "Alias": "s", "Output": ["s.tenant"], "Plans": [plain]}
    grouped = {"Node Type": "Aggregate", "Output": ["p.shop"], "Plans": [{"Node Type": "Append", "Plans": [part]}]}

    assert origins(plan_tree({"Node Type": "Append", "Plans": [named, grouped]}), 0) == {
        ("app.parents", "owner"),
        ("app.parts", "shop"),
    }
    assert origins(plan_tree(scan("parents", Output=["lower(p.owner)"])), 0) == set()
