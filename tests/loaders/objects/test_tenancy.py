"""Tenants: every condition counts, and nothing is read for none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from deploy.analytics import model as sample
from loaders.model.bound_sections import BoundSection
from loaders.model.bound_tables import with_parents
from loaders.model.databases import Table, everyones
from loaders.model.key_spaces import KeySpace
from loaders.model.model import Model
from loaders.model.scalars import TEXT
from loaders.objects.object_source import RequestValues, TenantSource, TenantValues
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.section_request import SectionRequest, section_request
from loaders.stores.errors import StatementFailed
from tests.conftest import Stores
from tests.loaders.objects.asking import DATA, MEMBERS, PROJECTS, TENANTS, Asker
from tests.loaders.statements import truth

KEYS: dict[str, Sequence[Any]] = {
    "Workspace": list(map(str, TENANTS)),
    "Member": MEMBERS,
    "Project": PROJECTS,
    "Invoice": [row["id"] for row in DATA.invoices],
    "InvoiceLine": [(row["invoice_id"], row["line_no"]) for row in DATA.invoice_lines],
    "Plan": [1, 2, 3],
    "Query.member_by_email": [row["email"] for row in DATA.members if row["email"] is not None],
}


async def _answer(asker: Asker, section: BoundSection) -> Any:
    """Return what statements answer of a section for the keys of all tenants; a row of several is the last one's."""
    request = section_request(section, first=section.max or None)
    scope = StatementScope((), asker.scope(), dict.fromkeys([sample.zone.default], "UTC"))
    keys = list(dict.fromkeys(KEYS.get(section.key_space.name, [()])))
    loaded = await asker.statements().load({request: keys}, scope)
    (_, values) = loaded[request]
    assert isinstance(values, list), values
    return values


async def test_without_any_one_tenant_condition_a_section_answers_otherwise(
    analytics: Model, analytics_stores: Stores
) -> None:
    asker = Asker(analytics, analytics_stores, str(TENANTS[0]))
    same: list[str] = []
    for name, section in asker.model.bound_sections.items():
        right = await _answer(asker, section)
        for table in with_parents(section.tables, section.bound_tables):
            bound = section.bound_tables[table]
            if bound.tenant is everyones:
                continue
            opened = replace(section, bound_tables={**section.bound_tables, table: replace(bound, tenant=everyones)})
            if await _answer(asker, opened) == right:
                same.append(f"{name} without the tenant of {table.name}")
    assert same == []


@pytest.mark.parametrize("name", ["Member.record", "InvoiceLine.record", "Member.activity_rank", "Query.members"])
async def test_nothing_of_tenants_is_read_for_none(analytics: Model, analytics_stores: Stores, name: str) -> None:
    asker = Asker(analytics, analytics_stores)
    request = section_request(analytics.bound_sections[name])
    scope = StatementScope((), None, {})
    with pytest.raises(TypeError, match="belong to tenants, and is for none"):
        await asker.statements().load({request: KEYS.get(request.section.key_space.name, [()])}, scope)
    assert asker.sent == []


class _NoRows:
    """A source of sections that has nothing of any key."""

    async def load(
        self, _space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest], _values: TenantValues
    ) -> RequestValues:
        return {request: [None] * len(keys) for request in requests}


@pytest.mark.parametrize(("table", "store"), [(sample.workspaces, "postgresql"), (sample.events, "clickhouse")])
async def test_a_value_that_the_tenant_lacks_is_an_error_of_its_tables_own_store(
    analytics: Model, table: Table, store: str
) -> None:
    source = TenantSource(analytics, _NoRows(), TenantScope(analytics.tenant_scalar or TEXT, TENANTS[0]))
    error = await source._load_value(table.value("time_zone"))
    assert isinstance(error, StatementFailed)
    assert error.store == store


async def test_what_two_tenants_are_answered_differs_for_the_same_keys(
    analytics: Model, analytics_stores: Stores
) -> None:
    first, second = (Asker(analytics, analytics_stores, str(tenant)) for tenant in TENANTS[:2])
    answers = [await each.of("Member.activity", MEMBERS) for each in (first, second)]
    assert answers[0].keys() & answers[1].keys()
    assert all(answers[0][key] != answers[1][key] for key in answers[0].keys() & answers[1].keys())
    assert answers == [truth.activity(truth.own(DATA, tenant), "member_id") for tenant in TENANTS[:2]]
