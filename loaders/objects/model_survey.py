"""Whether the databases have everything that a model's sections name, asked before any request is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import groupby

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Database
from loaders.model.example_values import example_value
from loaders.model.model import Model
from loaders.objects.schema_faults import SchemaFaults
from loaders.objects.section_fault import UnreadableSection
from loaders.objects.statement_check import Store
from loaders.objects.tenant_values import needed_by, section_of
from loaders.statements.parameters import TenantScope
from loaders.statements.section_request import Period, SectionRequest, section_request

_PERIOD = Period(dt.date(2000, 1, 1), dt.date(2000, 1, 2))


async def survey(model: Model, stores: Mapping[Database, Store]) -> list[UnreadableSection]:
    """Return the sections of a model that the databases cannot read, or parts of them, by their names.

    Every section is prepared with all of its columns and orders, and with its period; filters are not. Nothing is run.
    Raises StoreError where a database does not answer.
    """
    faults = SchemaFaults(stores)
    requests = [_whole(section) for section in model.bound_sections.values()]
    values = needed_by(requests)
    requests += [
        section_request(section_of(each.table, each.column, model.bound_tables[each.table])) for each in values
    ]
    scalar = model.tenant_scalar
    tenant = None if scalar is None else TenantScope(scalar, example_value(scalar))
    for together in _by_space(requests):
        await faults.find(together, tenant)
    return faults.unreadable()


def _by_space(requests: Sequence[SectionRequest]) -> list[list[SectionRequest]]:
    """Return the requests of each key space, which share statements."""

    def name(request: SectionRequest) -> str:
        return request.section.key_space.name

    return [list(group) for _, group in groupby(sorted(requests, key=name), key=name)]


def _whole(section: BoundSection) -> SectionRequest:
    """Return a request of all columns, orders and the period."""
    terms = {each.expression: each.term() for each in section.orders.values()}
    return section_request(section, period=_PERIOD, order=tuple(terms.values()))
