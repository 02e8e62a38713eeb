"""Conditions on the rows of a list: the client's filters, and what comes behind the row that a page follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.model.databases import Kind
from loaders.model.filter_conditions import FilterCondition, FilterOperator
from loaders.model.order_terms import OrderTerm
from loaders.model.references import FilterValue, Fragment, Reference
from loaders.model.scalars import BOOLEAN, Scalar
from loaders.statements.parameters import Source, StatementScope
from loaders.statements.request_shape import RequestShape, is_enum, never_null, shape_of
from loaders.statements.row_sources import RequestScope, RowsWriter
from loaders.statements.section_request import SectionRequest

_SIGNS = {
    FilterOperator.EQUALS: "=",
    FilterOperator.AT_LEAST: ">=",
    FilterOperator.AT_MOST: "<=",
    FilterOperator.LESS_THAN: "<",
}


@dataclass(frozen=True, slots=True)
class _Filter:
    """A condition of one request, written into a statement."""

    writer: RowsWriter
    condition: FilterCondition
    request: RequestScope

    def sql(self, shape: tuple[bool, ...]) -> str:
        """Return the condition's SQL; `shape` says which of the values are given."""
        operator, column = self.condition.operator, self._column()
        if operator in _SIGNS:
            return f"{column} {_SIGNS[operator]} {self._value(self._given)}"
        if operator is FilterOperator.ONE_OF:
            return self._one_of(column)
        if operator is FilterOperator.BETWEEN:
            signs = ((">=", "from"), ("<=", "to"))
            ends = [
                f"{column} {sign} {self._value(self._end(place), end)}"
                for place, (sign, end) in enumerate(signs)
                if shape[place]
            ]
            return " and ".join(ends) or "true"
        if operator is FilterOperator.PREFIX:
            function = "starts_with" if self.writer.kind is Kind.POSTGRES else "startsWith"
            return f"{function}({column}, {self._value(self._given)})"
        if operator is FilterOperator.PRESENT:
            value = self.writer.parameters.single(self._name(), BOOLEAN, self._given)
            return f"({column} is not null) = {value}"
        if operator is FilterOperator.CONTAINS:
            return self._contains(column)
        return self._where()

    def _contains(self, column: str) -> str:
        if self.writer.kind is Kind.CLICKHOUSE:
            return f"has({column}, {self._value(self._given)})"
        if self.condition.is_array_search:
            array = self.writer.parameters.untyped_array(self._name(), self.condition.scalar, self._only)
            return f"{column} @> {array}"
        return f"{self._value(self._given)} = any({column})"

    def _column(self) -> str:
        """Labels are compared as text, which is what they are bound as."""
        if self.condition.operator is FilterOperator.WHERE:
            return ""
        column = self.writer.fragment(self.condition.sql, self.request)
        if self.writer.kind is not Kind.POSTGRES or not is_enum(self.condition.scalar):
            return column
        return f"{column}::text[]" if self.condition.operator is FilterOperator.CONTAINS else f"{column}::text"

    def _one_of(self, column: str) -> str:
        array = self.writer.parameters.array(self._name(), self.condition.scalar, self._list)
        return f"{column} = any({array})" if self.writer.kind is Kind.POSTGRES else f"{column} in {array}"

    def _where(self) -> str:
        """The author's own condition, in which the client's value stands."""
        parts: list[str] = []
        for part in self.condition.sql.parts:
            if isinstance(part, FilterValue):
                is_list = self.condition.is_list
                array = self.writer.parameters.array
                parts.append(
                    array(self._name(), self.condition.scalar, self._list) if is_list else self._value(self._given)
                )
            else:
                fragment_parts: tuple[str | Reference, ...] = (part,)
                parts.append(self.writer.fragment(Fragment(fragment_parts), self.request))
        return "".join(parts)

    def _value(self, source: Source, suffix: str = "") -> str:
        return self.writer.parameters.single(self._name(suffix), self.condition.scalar, source)

    def _name(self, suffix: str = "") -> str:
        return "__".join(filter(None, (self.request.alias, "filter", self.condition.name, suffix)))

    def _given(self, _scope: StatementScope, requests: Sequence[SectionRequest]) -> Any:
        return dict(requests[self.request.place].filters)[self.condition.name]

    def _list(self, scope: StatementScope, requests: Sequence[SectionRequest]) -> list[Any]:
        return list(self._given(scope, requests))

    def _only(self, scope: StatementScope, requests: Sequence[SectionRequest]) -> list[Any]:
        return [self._given(scope, requests)]

    def _end(self, place: int) -> Source:
        return lambda scope, requests: self._given(scope, requests)[place]


def filter_conditions(writer: RowsWriter, shape: RequestShape, request: RequestScope) -> list[str]:
    """Return the SQL of a request's filters, each in brackets where it needs them."""
    filters = shape.section.filters
    return [f"({_Filter(writer, filters[name], request).sql(received)})" for name, received in shape.filters]


Name = Callable[[int], str]
"""The SQL of a term of the order, by its place."""


def after_condition(
    writer: RowsWriter, shape: RequestShape, request: RequestScope, terms: Sequence[OrderTerm], name: Name
) -> str:
    """Return the condition that a row comes behind the one that the page follows; empty for a first page.

    A row comes behind it where its first terms are equal and the next one comes later, nulls in their place. The first
    term is also bounded alone, so that an index that begins with it is read from there.
    """
    if not shape.after:
        return ""
    cursor = _Cursor(writer, request, terms, name, [never_null(shape.section, term) for term in terms])
    if cursor.is_plain():
        return cursor.behind_all()
    ways = [cursor.behind(place, shape.after) for place in range(len(terms))]
    condition = " or ".join(f"({way})" for way in ways if way) or "false"
    first = cursor.bound(shape.after[0])
    return f"{first} and ({condition})" if first and len(terms) > 1 else f"({condition})"


@dataclass(frozen=True, slots=True)
class _Cursor:
    writer: RowsWriter
    request: RequestScope
    terms: Sequence[OrderTerm]
    name: Name
    never_null: Sequence[bool]

    def is_plain(self) -> bool:
        """Return whether all terms have one direction and no nulls or labels, so rows can be compared at once."""
        directions = {term.is_descending for term in self.terms}
        return (
            len(directions) == 1 and all(self.never_null) and not any(is_enum(term_scalar(each)) for each in self.terms)
        )

    def behind_all(self) -> str:
        """Return the condition by which an index of all terms is read from the row on."""
        names, values = map(self.name, range(len(self.terms))), map(self._value, range(len(self.terms)))
        sign = "<" if self.terms[0].is_descending else ">"
        return f"({', '.join(names)}) {sign} ({', '.join(values)})"

    def behind(self, place: int, nulls: Sequence[bool]) -> str:
        """Return the condition that this term is the first that differs, and comes later; empty where none can."""
        later = self._later(place, is_null=nulls[place])
        equal = [self._equal(before, is_null=nulls[before]) for before in range(place)]
        return " and ".join([*equal, later]) if later else ""

    def bound(self, is_null: bool) -> str:
        """Return a condition on the first term alone that holds for all that comes behind; empty where it is none."""
        if is_null or not (self.terms[0].nulls_first or self.never_null[0]):
            return ""
        sign = "<=" if self.terms[0].is_descending else ">="
        return f"{self.name(0)} {sign} {self._value(0)}"

    def _later(self, place: int, *, is_null: bool) -> str:
        term, name = self.terms[place], self.name(place)
        if is_null:
            return f"{name} is not null" if term.nulls_first else ""
        later = f"{name} {'<' if term.is_descending else '>'} {self._value(place)}"
        return later if term.nulls_first or self.never_null[place] else f"({later} or {name} is null)"

    def _equal(self, place: int, *, is_null: bool) -> str:
        return f"{self.name(place)} is null" if is_null else f"{self.name(place)} = {self._value(place)}"

    def _value(self, place: int) -> str:
        scalar, name = term_scalar(self.terms[place]), f"{self.request.alias}__after_{place}"
        if is_enum(scalar):  # labels are compared in the order of the enum, whose type the database knows
            return self.writer.parameters.untyped(name, scalar, self._after(place))
        return self.writer.parameters.single(name, scalar, self._after(place))

    def _after(self, place: int) -> Source:
        return lambda _scope, requests: requests[self.request.place].after[place]


def term_scalar(term: OrderTerm) -> Scalar:
    """Return the scalar of a term's values. Raises TypeError for a term that no cursor can hold."""
    if term.scalar is None:
        raise TypeError(f"The order by {term.expression.shown()} has no type, so that no page can follow a row.")
    return term.scalar


def order_scalars(request: SectionRequest) -> list[Scalar]:
    """Return the scalars of the values that the rows of a list are ordered by."""
    return [term_scalar(term) for term in shape_of(request, 0).order]
