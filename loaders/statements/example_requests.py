"""Requests and scopes with example values in the place of what a client sent, for statements that are not executed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Value
from loaders.model.example_values import example_filter, example_key
from loaders.statements.argument_values import picked_values
from loaders.statements.parameters import StatementScope, TenantScope
from loaders.statements.section_request import Period, SectionRequest

_START, _END = dt.date(2026, 1, 1), dt.date(2026, 1, 31)


class _TimeZones(dict[Value, Any]):
    """Values of the tenant's own row: a time zone's name serves for a text of any kind."""

    def __missing__(self, value: Value) -> str:
        return "UTC"

    def __contains__(self, value: object) -> bool:
        return True


def example_scope(section: BoundSection, tenant: TenantScope | None) -> StatementScope:
    """Return a scope with an example of the section's key, and a time zone for any value of the tenant's own row."""
    scalars = section.key.scalars
    return StatementScope([example_key(scalars) if scalars else ()], tenant, _TimeZones())


def with_examples(request: SectionRequest) -> SectionRequest:
    """Return a request of the same SQL without the client's values, and without the row that its page follows.

    Filters have example values. Arguments have their defaults, except for those that choose SQL.
    """
    conditions, picked, period = request.section.filters, picked_values(request), request.period
    if period is not None:
        period = Period(period.start and _START, period.end and _END)
    return replace(
        request,
        period=period,
        after=(),
        filters=tuple((name, example_filter(conditions[name])) for name, _ in request.filters),
        arguments=tuple((name, value) for name, value in request.arguments if name in picked),
    )
