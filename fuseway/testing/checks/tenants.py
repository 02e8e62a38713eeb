"""No tenant is told anything of another's rows: the same answers as where the other one has none.

A value, a sum, an order, a page or an error that depends on a row of the other tenant differs. Both have the same keys
where the database lets them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fuseway.testing.cases import CheckedModel, cases
from fuseway.testing.compare import describe, difference
from fuseway.testing.copies import copy_for_tenants
from fuseway.testing.databases import DatabasesError
from fuseway.testing.two_tenants import LAYERS, TwoTenants

if TYPE_CHECKING:
    from fuseway.testing.model_session import ModelSession


@dataclass(frozen=True, slots=True)
class TenantCase:
    """A field, and the layer that has to keep tenants apart in its answers."""

    field: str
    layer: str

    def __str__(self) -> str:
        return f"{self.field}-{self.layer}"


def _tenant_cases(checked: CheckedModel) -> Iterator[TenantCase]:
    if checked.model.tenant is not None:
        for layer in LAYERS:
            yield from (TenantCase(name, layer) for name in checked.maker.names())


def _cursor_cases(checked: CheckedModel) -> Iterator[str]:
    if checked.model.tenant is not None:
        yield from checked.maker.paged()


def two_tenants(session: ModelSession) -> TwoTenants:
    """Return the two tenants of a session, made at the first call. Skips the test where they cannot be made."""

    def make() -> TwoTenants | str:
        session.close_gateways()  # a database is copied while nobody is connected to it
        try:
            copies = session.run(copy_for_tenants(session.model, session.databases, session.own_tenant))
        except DatabasesError as error:
            return str(error)
        return TwoTenants(session, copies)

    tenants: TwoTenants | str = session.once("two tenants", make)
    if isinstance(tenants, str):
        pytest.skip(tenants)
    return tenants


@cases(_tenant_cases)
def test_tenants_do_not_see_each_other(fuseway_session: ModelSession, case: TenantCase) -> None:
    """A field's answers to a tenant are the same with another tenant's rows beside its own, in each layer."""
    tenants = two_tenants(fuseway_session)
    queries = tenants.maker.queries(case.field)
    if not queries:
        pytest.skip(f"no object was found that leads to {case.field}")
    tenants.gateways(case.layer)
    tells = False
    for query in queries:
        place = tenants.differing(case.layer, query)
        if place is not None:
            pytest.fail(_leak(tenants, case, query, place), pytrace=False)
        tells = tells or difference(tenants.right(query), tenants.other(query)) is not None
    if not tells:
        pytest.skip(f"{case.field}: both tenants are answered the same, so that nothing can be told")


def _leak(tenants: TwoTenants, case: TenantCase, query: str, place: tuple[str, Any, Any]) -> str:
    first, second = tenants.copies.tenants
    with_rows = f"beside the rows of tenant {second}"
    lines = [
        f"{case.field}: what tenant {first} is answered depends on the rows of tenant {second} ({case.layer}).",
        describe(place, "with its own rows alone", with_rows),
        f"  query: {query[:1_000]}",
    ]
    return "\n".join(lines)


@cases(_cursor_cases)
def test_cursors_belong_to_a_tenant(fuseway_session: ModelSession, case: str) -> None:
    """A cursor of one tenant's list is refused where another tenant asks with it."""
    tenants = two_tenants(fuseway_session)
    cursors, usable = tenants.foreign_cursors(case)
    if usable:
        first, second = tenants.copies.tenants
        message = f"{case}: tenant {first} may go on behind a cursor of tenant {second}.\n  query: {usable[0]}"
        pytest.fail(message, pytrace=False)
    if not cursors:
        pytest.skip(f"{case}: the other tenant's lists are empty")
