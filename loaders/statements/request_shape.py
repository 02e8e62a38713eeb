"""Shapes of requests: all that decides what SQL is written for them, without values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from loaders.model.arguments import Argument, Pick
from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.databases import Database, Relation, Rows, Table
from loaders.model.filter_conditions import FilterOperator
from loaders.model.order_terms import OrderTerm
from loaders.model.references import Fragment, OwnField, Reference
from loaders.model.scalars import Scalar
from loaders.model.shapes import Cardinality
from loaders.statements.argument_values import picked_values
from loaders.statements.section_request import SectionRequest


@dataclass(frozen=True, slots=True)
class RequestShape:
    """A request without its values; requests of one shape share SQL.

    `order` are the terms of a list. `after` says of each value of the cursor whether it is null, `filters` of each
    value of a condition whether it is given, and `picks` which SQL arguments choose. `source` is the number of what is
    read: requests of a statement with the same number read with the same arguments and filters.
    """

    section: BoundSection
    columns: frozenset[str] | None
    order: tuple[OrderTerm, ...]
    after: tuple[bool, ...]
    filters: tuple[tuple[str, tuple[bool, ...]], ...]
    picks: tuple[tuple[str, Any], ...]
    source: int = 0

    @property
    def is_list(self) -> bool:
        """Whether each key has a list of rows."""
        return self.section.cardinality is not Cardinality.ONE

    @property
    def is_page(self) -> bool:
        """Whether rows are followed by the values of their order."""
        return self.section.cardinality is Cardinality.PAGE

    def wanted(self) -> list[BoundColumn]:
        """Return the columns that are asked for, in order."""
        return [each for each in self.section.columns if self.columns is None or each.name in self.columns]


def shape_of(request: SectionRequest, source: int) -> RequestShape:
    """Return the shape of a request."""
    picks = picked_values(request)
    return RequestShape(
        request.section,
        request.columns,
        _order(request, picks),
        tuple(value is None for value in request.after),
        tuple((name, _given(request.section, name, value)) for name, value in request.filters),
        tuple(sorted(picks.items())),
        source,
    )


def source_values(request: SectionRequest) -> tuple[Any, ...]:
    """Return the values that decide what rows a request reads: its filters, and the arguments of what it is over."""
    named = _source_arguments(request.section)
    return (request.filters, tuple((name, value) for name, value in request.arguments if name in named))


RowsRead = frozenset[tuple[Table | Relation, bool]]
"""Tables with whether all of their rows are read, and relations of other databases."""


def rows_read(section: BoundSection) -> RowsRead:
    """Return what a section reads: of each table all rows, or those of the asked keys alone."""
    if isinstance(section.over, Table):
        return frozenset({(section.over, not section.key_columns)})
    tables: dict[Table, bool] = {}
    foreign: set[tuple[Table | Relation, bool]] = set()
    for reference in _references([section.over], section.database, foreign):
        if isinstance(reference, Rows):
            tables[reference.table] = tables.get(reference.table, False) or reference.column is None
    return frozenset({*tables.items(), *foreign})


class OtherRows(Enum):
    """Whether a relation has rows of other keys than those that are asked for."""

    NONE = auto()
    SOME = auto()
    """It reads rows of the asked keys, and others beside them: most rows are of the asked keys, as a rule."""
    ANY = auto()


def other_rows(section: BoundSection) -> OtherRows:
    """Return whether the rows that a section is over are of other keys too."""
    if not any(is_whole for _, is_whole in rows_read(section)):
        return OtherRows.NONE
    references = _references([section.over], section.database, set()) if isinstance(section.over, Relation) else ()
    has_asked = any(isinstance(each, Rows) and each.column is not None for each in references)
    return OtherRows.SOME if has_asked else OtherRows.ANY


def is_enum(scalar: Scalar) -> bool:
    """Return whether a scalar is an enum's, whose values the stores hold as labels."""
    return isinstance(scalar.python, type) and issubclass(scalar.python, Enum)


def never_null(section: BoundSection, term: OrderTerm) -> bool:
    """Return whether a term of an order is a column that is never null."""
    if term.is_never_null:
        return True
    if section.target and any(term.expression == each.expression for each in section.tie_break):
        return True  # a part of the key
    expression = _plain(term.expression)
    return expression is not None and any(
        not column.shape.nullable and expression in (OwnField(column.name), _plain(column.sql))
        for column in section.columns
    )


def _plain(fragment: Fragment) -> str | Reference | None:
    """Return SQL that is one column, without quotes, or one reference; None where it is more."""
    if len(fragment.parts) != 1:
        return None
    (part,) = fragment.parts
    return part.strip('"`') if isinstance(part, str) else part


def _order(request: SectionRequest, picks: dict[str, Any]) -> tuple[OrderTerm, ...]:
    section = request.section
    if not request.is_list:
        return ()
    if request.order:
        return section.with_tie_break(request.order)
    if section.picked_order is not None:
        return section.picked_order.terms[picks[section.picked_order.argument.name]]
    return section.default_order


def _given(section: BoundSection, name: str, value: Any) -> tuple[bool, ...]:
    if section.filters[name].operator is FilterOperator.BETWEEN:
        return tuple(end is not None for end in value)
    return (True,)


def _source_arguments(section: BoundSection) -> set[str]:
    """Return the names of the arguments that the SQL of the rows names."""
    fragments: list[Fragment | Relation] = [section.where, *(each.sql for each in section.filters.values())]
    fragments += [column.sql for column in section.columns if column.is_grouped]
    if isinstance(section.over, Relation):
        fragments.append(section.over)
    return {each.name for each in _references(fragments, None, set()) if isinstance(each, Argument)}


def _references(
    sources: Sequence[Fragment | Relation], database: Database | None, foreign: set[tuple[Table | Relation, bool]]
) -> Iterator[Reference]:
    """Yield the references of some SQL and of the relations in it; with a database, of its own relations alone."""
    waiting, seen = list(sources), set[Relation]()
    while waiting:
        source = waiting.pop()
        if isinstance(source, Relation):
            if database is not None and source.database is not database:
                foreign.add((source, True))
                continue
            if source in seen:
                continue
            seen.add(source)
        for reference in (source.fragment if isinstance(source, Relation) else source).references():
            yield reference
            if isinstance(reference, Relation):
                waiting.append(reference)
            elif isinstance(reference, Pick):
                yield reference.argument
                waiting += reference.fragments.values()
