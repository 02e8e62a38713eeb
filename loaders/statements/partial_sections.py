"""Sections without some of their columns, and the parts of a request that its SQL can be reduced to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from loaders.model.arguments import Pick
from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.databases import Kind
from loaders.model.digests import section_digest
from loaders.model.references import Fragment, OwnField, Reference
from loaders.model.scalars import TEXT
from loaders.model.shapes import Cardinality, Shape, ValueKind
from loaders.statements.request_shape import shape_of
from loaders.statements.section_request import SectionRequest

_MAX_SECTIONS = 1_024
"""Sections without some columns that are kept: each that is read at the time, and those that a check tries."""
_NULLABLE_TEXT = Shape(Cardinality.ONE, ValueKind.SCALAR, str, nullable=True, scalar=TEXT)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a request that can be left out of its SQL: a column, a filter, a term of its order, or its period.

    `name` is that of the column or filter. Everything else (rows, keys, the tenant, groups) is the whole.
    """

    kind: str
    name: str | Fragment = ""


WHOLE, PERIOD = Part("whole"), Part("period")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PartialSection(BoundSection):
    """A section whose `missing` columns are null in its SQL; `origin` is the section that has them."""

    origin: BoundSection
    missing: frozenset[str]


def origin_of(section: BoundSection) -> tuple[BoundSection, frozenset[str]]:
    """Return the section that has all columns, and the columns that this one lacks."""
    return (section.origin, section.missing) if isinstance(section, PartialSection) else (section, frozenset())


@lru_cache(maxsize=_MAX_SECTIONS)
def without_columns(section: BoundSection, names: frozenset[str]) -> BoundSection:
    """Return a section whose columns of these names are null. It has a digest of its own, and the same name."""
    if not names:
        return section
    nothing = _nothing(section)
    columns = tuple(
        BoundColumn(each.name, nothing, _NULLABLE_TEXT, (TEXT,)) if each.name in names else each
        for each in section.columns
    )
    own: dict[str, Any] = {each.name: getattr(section, each.name) for each in fields(BoundSection)}
    own["columns"] = columns
    partial = PartialSection(**own, origin=section, missing=names)
    return replace(partial, digest=section_digest(partial))


def _nothing(section: BoundSection) -> Fragment:
    """Return the SQL of a null; among aggregates it is one, so that the rows are still grouped."""
    if not section.is_row:
        return Fragment(("nullif(count(*), count(*))",))
    is_postgres = section.database.kind is Kind.POSTGRES
    return Fragment(("null" if is_postgres else "cast(null as Nullable(String))",))


def with_dependents(section: BoundSection, names: Collection[str]) -> frozenset[str]:
    """Return columns and those whose SQL names one of them, however far away."""
    result = frozenset(names)
    while True:
        further = {each.name for each in section.columns if result & set(_named([each.sql]))} | result
        if further == result:
            return result
        result = frozenset(further)


def parts_of(request: SectionRequest) -> list[Part]:
    """Return the parts of a request, its wanted columns first. Groups and the tie-break belong to the whole."""
    section, order = request.section, _structural_order(request.section)
    columns = (each for each in section.columns if request.wants(each) and not each.is_grouped)
    parts = [Part("column", each.name) for each in columns]
    parts += [Part("filter", name) for name, _ in request.filters]
    parts += [Part("order", term) for term in order_of(request) if term not in order]
    return parts + ([PERIOD] if request.period is not None else [])


def order_of(request: SectionRequest) -> list[Fragment]:
    """Return the expressions that a list is ordered by."""
    return [term.expression for term in shape_of(request, 0).order]


def columns_needed(request: SectionRequest, parts: Collection[Part]) -> frozenset[str]:
    """Return the columns that must be read for some parts of a request, and for its whole."""
    section = request.section
    names = {part.name for part in parts if part.kind == "column"} | {
        each.name for each in section.columns if each.is_grouped
    }
    fragments = [section.where, *_structural_order(section)]
    fragments += [part.name for part in parts if part.kind == "order" and isinstance(part.name, Fragment)]
    fragments += [section.filters[part.name].sql for part in parts if part.kind == "filter"]  # type: ignore[index]
    return _with_needed(section, names | set(_named(fragments)))


def _with_needed(section: BoundSection, names: set[Any]) -> frozenset[str]:
    """Return columns and those that their SQL names."""
    waiting, result = list(names), set[str]()
    columns = {each.name: each for each in section.columns}
    while waiting:
        name = waiting.pop()
        if name not in result and name in columns:
            result.add(name)
            waiting += _named([columns[name].sql])
    return frozenset(result)


def reduced(request: SectionRequest, parts: Collection[Part]) -> SectionRequest:
    """Return a request of some of its parts alone: other columns are null, and no further filter or order holds.

    It says whether the database can read these parts, and is not to be answered from.
    """
    section = request.section
    missing = frozenset(each.name for each in section.columns) - columns_needed(request, parts)
    kept = {part.name for part in parts if part.kind == "order"}
    shape = shape_of(request, 0)
    structural = section.tie_break or section.default_order
    order = tuple(term for term in shape.order if term.expression in kept) or structural if request.is_list else ()
    return replace(
        request,
        section=without_columns(section, missing),
        period=request.period if PERIOD in parts else None,
        after=(),
        order=order,
        filters=tuple((name, value) for name, value in request.filters if Part("filter", name) in parts),
        columns=None,
    )


def _structural_order(section: BoundSection) -> list[Fragment]:
    if section.cardinality is Cardinality.ONE:
        return []
    return [term.expression for term in section.tie_break or section.default_order]


def _named(fragments: Iterable[Fragment]) -> Iterator[str]:
    """Yield the names of the section's own columns that SQL names, in what arguments pick too."""
    for fragment in fragments:
        for reference in fragment.references():
            yield from _names_in(reference)


def _names_in(reference: Reference) -> Iterator[str]:
    if isinstance(reference, OwnField):
        yield reference.name
    elif isinstance(reference, Pick):
        yield from _named(reference.fragments.values())
