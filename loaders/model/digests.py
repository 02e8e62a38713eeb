"""Digests: what a section or a model answers by, as a short text. What is only said about it is left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from loaders.model.arguments import Argument, Pick
from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.bound_tables import BoundTable, OwnTenant, ParentTenant, with_parents
from loaders.model.class_reader import DeclaredField
from loaders.model.databases import Relation, Rows, Table, Value
from loaders.model.filter_conditions import FilterCondition
from loaders.model.model import Model
from loaders.model.order_terms import OrderTerm
from loaders.model.references import Fragment, OwnField, Reference
from loaders.model.scalars import Scalar

_CHARACTERS = 16


def digest_of(parts: Iterable[object]) -> str:
    """Return a digest of parts in order, of which none runs into the next."""
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:_CHARACTERS]


def model_digest(model: Model) -> str:
    """Return the digest of a model: its sections, and the names and types of its fields."""
    fields = [*(each for of_type in _fields(model) for each in of_type), *model.roots]
    shapes = (f"{field.subject} {field.shape} {field.word_name}" for field in fields)
    sections = (f"{section.name} {section.digest}" for section in model.bound_sections.values())
    return digest_of([model.name, *sections, *shapes])


def _fields(model: Model) -> Iterator[Iterable[DeclaredField]]:
    for types in (model.objects, model.sections, model.groups, model.filters, model.orders):
        yield from (each.fields for each in types.values())


def section_digest(section: BoundSection) -> str:
    """Return the digest of a section: its SQL, its tables with their tenants, its key, columns, orders and filters."""
    return digest_of(_section(section))


def _section(section: BoundSection) -> Iterator[object]:
    yield from (section.cardinality.name, section.is_row, section.is_periodic, section.is_nullable, section.target)
    yield from (section.key_columns, *map(_scalar, section.key.scalars))
    yield _source(section.over)
    yield _text(section.where)
    yield from map(_column, section.columns)
    yield from map(_term, section.with_tie_break(section.default_order))
    yield from map(_term, section.tie_break)
    picked = section.picked_order.terms if section.picked_order is not None else {}
    yield from (f"{name} {list(map(_term, terms))}" for name, terms in picked.items())
    for member in section.orders.values():
        yield f"{member.name} {_term(member.term())}"
    yield from map(_filter, section.filters.values())
    for table in with_parents(section.tables, section.bound_tables):
        yield _table(section.bound_tables[table])


def _column(column: BoundColumn) -> str:
    kind = f"{column.shape.cardinality.name} {column.is_grouped} {column.target} {column.shape.nullable}"
    return f"{column.name} {kind} {list(map(_scalar, column.scalars))} {_text(column.sql)}"


def _term(term: OrderTerm) -> str:
    scalar = _scalar(term.scalar) if term.scalar is not None else ""
    return f"{_text(term.expression)}{term.suffix} {scalar}"


def _filter(condition: FilterCondition) -> str:
    kind = f"{condition.operator.value} {condition.is_list} {_scalar(condition.scalar)}"
    return f"{condition.name} {kind} {_text(condition.sql)}"


def _scalar(scalar: Scalar) -> str:
    """Return a scalar's name and types; of an enum also its members, since values are kept by their names."""
    members: Mapping[str, Any] = getattr(scalar.python, "__members__", {})
    labels = {name: member.value for name, member in members.items()}
    return f"{scalar.name} {scalar.postgres} {scalar.clickhouse} {labels}"


def _table(bound: BoundTable) -> str:
    table, options = bound.table, bound.table.options
    zone = f"{options.zone.table.name}.{options.zone.column}" if isinstance(options.zone, Value) else options.zone
    tenant = bound.tenant
    if isinstance(tenant, OwnTenant):
        own = f"own {tenant.column!r}"
    elif isinstance(tenant, ParentTenant):
        own = f"parent {tenant.columns} {tenant.parent.name} {tenant.parent_columns}"
    else:
        own = "everyones"
    read_in = f" {table.database.zone}" if table.database.zone else ""
    return f"{table.database.variable} {table.name} {own} {bound.latest} {options.time} {zone}{read_in}"


def _source(source: Table | Relation) -> str:
    if isinstance(source, Table):
        return f"{source.database.variable} {source.name}"
    return f"{source.database.variable} ({_text(source.fragment)})"


def _text(fragment: Fragment) -> str:
    return "".join(part if isinstance(part, str) else f"{{{_reference(part)}}}" for part in fragment.parts)


def _reference(reference: Reference) -> str:
    if isinstance(reference, Rows):
        return f"{_source(reference.table)} {reference.column!r}"
    if isinstance(reference, Relation):
        return _source(reference)
    if isinstance(reference, OwnField):
        return f"field {reference.name}"
    if isinstance(reference, Pick):
        return (
            f"{_argument(reference.argument)} {[f'{name} {_text(sql)}' for name, sql in reference.fragments.items()]}"
        )
    return _argument(reference) if isinstance(reference, Argument) else type(reference).__name__


def _argument(argument: Argument[Any]) -> str:
    return f"argument {argument.name} {getattr(argument.type, '__name__', '')}"
