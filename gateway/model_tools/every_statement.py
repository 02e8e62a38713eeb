"""Every statement that a model can produce, up to the combinations of what is independent.

Each section is tried alone, then with each thing that a request may add to it, one at a time: a period, each condition
of its filter, each member of its order in both directions, the page behind a row, each choice of an argument. All
sections of a key space are fused, as where a query asks for all of them. Their number grows with the lines of the
model, and not with the combinations of these.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Database, Value
from loaders.model.example_values import example_filter, example_value
from loaders.model.model import Model
from loaders.model.order_terms import OrderMember, OrderTerm
from loaders.model.shapes import Cardinality
from loaders.objects.tenant_values import section_of
from loaders.statements.argument_values import argument_scalar
from loaders.statements.planning import plan
from loaders.statements.request_shape import never_null, shape_of
from loaders.statements.section_request import Period, SectionRequest, section_request
from loaders.statements.statement_plan import RelationPlan, StatementPlan

PERIOD = Period(dt.date(2026, 1, 1), dt.date(2026, 1, 31))
"""The period of examples, with both ends: a period with one has a condition less."""


class Addition(Enum):
    """The kinds of additions that a request makes to a section."""

    NOTHING = "alone"
    PERIOD = "with a period"
    FILTER = "with the filter"
    ORDER = "in the order"
    AFTER = "behind a row"
    CHOICE = "with the argument"
    OTHERS = "with others"
    SENT = "rows that are sent to another database"


@dataclass(frozen=True, slots=True)
class PossibleStatement:
    """A statement of a model: what it answers, and what its request adds to the section; `name` says which of those."""

    plan: StatementPlan | RelationPlan
    section: BoundSection
    addition: Addition = Addition.NOTHING
    name: str = ""

    @property
    def database(self) -> Database:
        """The database that answers."""
        return self.plan.database

    @property
    def sql(self) -> str:
        """The SQL, with a name in the place of rows that are sent along."""
        return self.plan.sql


def every_statement(model: Model) -> list[PossibleStatement]:
    """Return the statements of a model, each text once, those of sections alone first."""
    sections = [*model.bound_sections.values(), *_tenant_sections(model)]
    every = [each for section in sections for each in statements_of(section)]
    every += _fused(sections)
    every += [sent for each in list(every) for sent in _sent(each, each.plan)]
    unique: dict[tuple[Database, str], PossibleStatement] = {}
    for each in every:
        unique.setdefault((each.database, each.sql), each)
    return list(unique.values())


def statements_of(section: BoundSection) -> Iterator[PossibleStatement]:
    """Yield the statements of one section: alone, and with each thing that a request may add."""
    alone = section_request(section)
    yield _statement(alone, Addition.NOTHING)
    if section.is_periodic:
        yield _statement(replace(alone, period=PERIOD), Addition.PERIOD)
    if section.cardinality is Cardinality.PAGE:
        yield from _pages_behind(alone, Addition.AFTER)
    for name, condition in section.filters.items():
        request = section_request(section, filters={name: example_filter(condition)})
        yield _statement(request, Addition.FILTER, name)
    for name, member in section.orders.items():
        for request in _ordered(section, member):
            yield _statement(request, Addition.ORDER, name)
            yield from _pages_behind(request, Addition.ORDER, name)
    yield from _choices(section)


def _statement(request: SectionRequest, addition: Addition, name: str = "") -> PossibleStatement:
    (only,) = plan([request])
    return PossibleStatement(only, request.section, addition, name)


def _ordered(section: BoundSection, member: OrderMember) -> Iterator[SectionRequest]:
    for is_descending in (False, True):
        nulls_first = member.nulls_first != (is_descending != member.is_descending)
        terms = (member.term(is_descending=is_descending, nulls_first=nulls_first),)
        yield section_request(section, order=section.with_tie_break(terms))


def _pages_behind(request: SectionRequest, addition: Addition, name: str = "") -> Iterator[PossibleStatement]:
    """Yield the page behind a row without nulls, and where there may be one, behind a row whose first value is null."""
    terms = shape_of(request, 0).order
    if request.section.cardinality is not Cardinality.PAGE or any(term.scalar is None for term in terms):
        return
    values = tuple(map(_term_value, terms))
    yield _statement(replace(request, after=values), addition, name)
    if not never_null(request.section, terms[0]):
        yield _statement(replace(request, after=(None, *values[1:])), addition, name)


def _term_value(term: OrderTerm) -> Any:
    return None if term.scalar is None else example_value(term.scalar)


def _choices(section: BoundSection) -> Iterator[PossibleStatement]:
    """Yield the section with each member of each argument that chooses SQL."""
    for argument in section.arguments:
        if isinstance(argument.default, Value) or argument.type is None or not issubclass(argument.type, Enum):
            continue
        for member in argument.type:
            (value,) = argument_scalar(argument).from_python([member])
            request = section_request(section, arguments={argument.name: value})
            yield _statement(request, Addition.CHOICE, argument.name)
            yield from _pages_behind(request, Addition.CHOICE, argument.name)


def _fused(sections: Iterable[BoundSection]) -> Iterator[PossibleStatement]:
    """Yield the statements that a query of all sections of a key space has, without a period and with one."""
    spaces: defaultdict[str, list[SectionRequest]] = defaultdict(list)
    for section in sections:
        if section.key_columns:
            spaces[section.key_space.name].append(section_request(section))
    for requests in spaces.values():
        yield from _together(requests)
        if any(request.section.is_periodic for request in requests):
            yield from _together(
                [replace(each, period=PERIOD if each.section.is_periodic else None) for each in requests]
            )


def _together(requests: Sequence[SectionRequest]) -> Iterator[PossibleStatement]:
    for each in plan(requests):
        if len(each.requests) > 1:
            names = ", ".join(request.section.name for request in each.requests)
            yield PossibleStatement(each, each.requests[0].section, Addition.OTHERS, names)


def _sent(statement: PossibleStatement, plan: StatementPlan | RelationPlan) -> Iterator[PossibleStatement]:
    """Yield the statements of relations whose rows are sent along, and of those that they need themselves."""
    for need in plan.needs:
        yield PossibleStatement(need, statement.section, Addition.SENT)
        yield from _sent(statement, need)


def _tenant_sections(model: Model) -> list[BoundSection]:
    """Return the sections that answer columns of the tenant's own row: defaults of arguments, and zones of periods."""
    values: dict[tuple[Any, str], BoundSection] = {}
    defaults = (each.default for section in model.bound_sections.values() for each in section.arguments)
    for value in (*defaults, *(table.options.zone for table in model.tables)):
        if isinstance(value, Value):
            key = (value.table, value.column)
            values.setdefault(key, section_of(value.table, value.column, model.bound_tables[value.table]))
    return list(values.values())
