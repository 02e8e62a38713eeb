"""Arguments of fields, as GraphQL hands them over, made into requests of sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from loaders.errors import CallerError
from loaders.model.arguments import Argument
from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Value
from loaders.model.filter_conditions import FilterCondition, FilterOperator
from loaders.model.key_texts import is_storable
from loaders.model.names import camel
from loaders.model.order_terms import OrderTerm
from loaders.statements.argument_values import default_value
from loaders.statements.list_conditions import order_scalars
from loaders.statements.section_request import Period, SectionRequest, section_request
from resolvers.cursors import CursorSealer
from resolvers.input_types import AFTER, FILTER, FIRST, ORDER_BY, order_member
from resolvers.scopes import ForbiddenError, unmet_scopes


@dataclass(frozen=True, slots=True)
class SectionArguments:
    """Makes requests of arguments. Equal arguments give equal requests, wherever they are read."""

    cursors: CursorSealer

    def request(
        self,
        section: BoundSection,
        arguments: Mapping[str, Any],
        period: Period | None = None,
        scopes: frozenset[str] | None = None,
        tenant: str = "",
    ) -> SectionRequest:
        """Return what a field with these coerced arguments asks of a section.

        With `scopes`, raises ForbiddenError for a filter or an order that needs another. Raises CallerError, with the
        field's name, for invalid values, a cursor of another tenant among them.
        """
        if not section.arguments and _is_plain(arguments):
            return _plain_request(section, arguments.get(FIRST), period)
        request = section_request(
            section,
            period=period,
            first=arguments.get(FIRST),
            order=_order(section, arguments.get(ORDER_BY), scopes),
            filters=_filters(section, arguments.get(FILTER), scopes),
            arguments=_sql_arguments(section, arguments),
        )
        cursor = arguments.get(AFTER)
        if cursor is None:
            return request
        after = self.cursors.open(cursor, list_identity(request), tenant, order_scalars(request))
        return replace(request, after=after)


def _is_plain(arguments: Mapping[str, Any]) -> bool:
    """Return whether no condition and no order is chosen."""
    get = arguments.get
    return not arguments or (get(AFTER) is None and get(FILTER) is None and get(ORDER_BY) is None)


@lru_cache(maxsize=4_096)
def _plain_request(section: BoundSection, first: int | None, period: Period | None) -> SectionRequest:
    """Return a request without conditions. Fields ask for it again for each part of a large list."""
    return section_request(section, first=first, period=period)


def list_identity(request: SectionRequest) -> str:
    """Return a text that tells lists and their orders apart, for their cursors."""
    order = ", ".join(f"{term.expression.shown()}{term.suffix}" for term in request.order)
    picked = request.section.picked_order
    picks = "" if picked is None else str(dict(request.arguments).get(picked.argument.name))
    return f"{request.section.name}\n{request.section.digest}\n{order}\n{picks}"


def period_of(value: Mapping[str, Any] | None) -> Period | None:
    """Return a period as the planner has it."""
    return None if value is None else Period(value.get("from"), value.get("to"))


def _order(
    section: BoundSection, value: Mapping[str, Any] | None, scopes: frozenset[str] | None
) -> tuple[OrderTerm, ...] | None:
    """Return the terms of a chosen order; None where it is the section's own."""
    if value is None:
        return None
    members = {order_member(name): member for name, member in section.orders.items()}
    chosen = str(value.get("field"))
    if chosen not in members:
        raise CallerError(f"{ORDER_BY}: {chosen[:40]!r} is no field of this order: it has {', '.join(members)}.")
    member = members[chosen]
    _check(f"{ORDER_BY} {chosen}", member.scopes, scopes)
    direction = value.get("direction")
    is_descending = member.is_descending if direction is None else str(direction) == "DESC"
    # An order that runs the other way runs backwards along the same index, so that nulls change sides too.
    nulls_first = member.nulls_first != (is_descending != member.is_descending)
    terms = section.with_tie_break((member.term(is_descending=is_descending, nulls_first=nulls_first),))
    return None if terms == section.default_order else terms


def _filters(
    section: BoundSection, value: Mapping[str, Any] | None, scopes: frozenset[str] | None
) -> dict[str, Any] | None:
    """Return the conditions that are given, by the names of their fields; null is as good as absent."""
    if value is None:
        return None
    conditions = {camel(name): condition for name, condition in section.filters.items()}
    filters: dict[str, Any] = {}
    for name, each in value.items():
        if each is None:
            continue
        _check(f"{FILTER}.{name}", conditions[name].scopes, scopes)
        filters[conditions[name].name] = _condition_value(conditions[name], each, f"{FILTER}.{name}")
    return filters


def _condition_value(condition: FilterCondition, value: Any, name: str) -> Any:
    if condition.operator is FilterOperator.BETWEEN:
        return tuple(canonical(value.get(end), f"{name}.{end}") for end in ("from", "to"))
    return canonical(value, name)


def canonical(value: Any, name: str) -> Any:
    """Return a coerced value in its canonical form, hashable; a list comes as a tuple."""
    if isinstance(value, list):
        return tuple(canonical(each, name) for each in value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise CallerError(f"{name}: {value.isoformat()} has no time zone: write an offset behind it, such as Z.")
        return value.astimezone(dt.UTC)
    if isinstance(value, dict):
        raise CallerError(f"{name}: an object cannot be compared.")
    if isinstance(value, str) and not is_storable(value):
        raise CallerError(f"{name}: no database holds a text with NUL or half of a surrogate pair. Leave it out.")
    return str(value) if isinstance(value, Enum) else value


def _check(what: str, needed: Collection[str], scopes: frozenset[str] | None) -> None:
    missing = () if scopes is None else unmet_scopes(needed, scopes)
    if missing:
        raise ForbiddenError(what, *missing)


def _sql_arguments(section: BoundSection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the arguments that the SQL names; a default that is the tenant's own is left out."""
    values = ((each, _sql_argument(each, arguments.get(each.name))) for each in section.arguments)
    return {each.name: value for each, value in values if value is not None}


def _sql_argument(declared: Argument[Any], value: Any) -> Any:
    if value is None and isinstance(declared.default, Value):
        return None
    if value is None:
        return default_value(declared)
    if declared.type is None:
        return _time_zone(declared.name, value)
    least, most = declared.bounds
    if (least is not None and value < least) or (most is not None and value > most):
        ends = [f"{end:,}" if isinstance(end, int | float) else str(end) for end in (least, most) if end is not None]
        bounds = " to ".join(ends) if len(ends) == 2 else f"{'at most' if least is None else 'at least'} {ends[0]}"
        raise CallerError(f"{declared.name}: must be {'from ' if len(ends) == 2 else ''}{bounds}, and is {value}.")
    return canonical(value, declared.name)


def _time_zone(name: str, value: str) -> str:
    if value not in _time_zones():
        raise CallerError(f"{name}: {value[:40]!r} is no time zone: write a name such as Europe/Vienna.")
    return value


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
