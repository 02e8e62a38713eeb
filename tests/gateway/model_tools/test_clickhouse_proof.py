"""Proofs from query trees of ClickHouse: which conditions say whose rows are read."""

from __future__ import annotations

import pytest

from gateway.model_tools.live.clickhouse_proof import ClickHouseProof, declared_tables
from gateway.model_tools.live.clickhouse_trees import query_tree
from loaders.model.bound_tables import BoundTable, OwnTenant
from loaders.model.databases import ClickHouse
from loaders.model.scalars import TEXT
from tests.conftest import NewDatabase

events = ClickHouse().table("events")


@pytest.mark.parametrize(
    ("condition", "is_proven"),
    [
        ("tenant = {fw_tenant:String}", True),
        ("tenant = cast({fw_tenant:String} as String)", True),
        ("tenant = (select '8' from numbers(1) where {fw_tenant:String} != '')", False),
        ("tenant = (select max(toString(number)) from numbers(9) where toString(number) <= {fw_tenant:String})", False),
        ("tenant != {fw_tenant:String}", False),
    ],
)
async def test_a_tenant_is_a_bound_value_and_none_that_a_sub_select_answers(
    condition: str, is_proven: bool, new_database: NewDatabase
) -> None:
    async with new_database() as new:
        await new.stores.clickhouse.command("create table events (tenant String) engine = MergeTree order by tenant")
        lines = await new.stores.clickhouse.query_tree(
            f"select tenant from events where {condition}", {"fw_tenant": "7"}
        )
    tree = query_tree(lines)
    (database,) = {name.rpartition(".")[0] for name in _tables(lines)}
    proof = ClickHouseProof(
        {events: BoundTable(events, OwnTenant("tenant", TEXT))}, declared_tables([events], database), "7"
    )
    assert ([each.relation for each in proof.unproven(tree)] == []) == is_proven


def _tables(lines: list[str]) -> set[str]:
    words = [word.strip(",") for line in lines for word in line.split()]
    return {word for word in words if word.endswith(".events")}
