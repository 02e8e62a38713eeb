"""Needs of each field of an object by the declarations of a model: scopes of tables, columns, links and sections."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLObjectType

from fuseway.testing.literals import sample
from loaders.model.bound_sections import RECORD
from loaders.model.filter_conditions import FilterCondition, FilterOperator
from loaders.model.names import camel
from loaders.model.shapes import ValueKind
from resolvers.roots import RootKind, roots_of
from resolvers.scopes import unmet_scopes

if TYPE_CHECKING:
    from fuseway.testing.cases import CheckedModel
    from loaders.model.bound_sections import BoundSection
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import Model

QUERY = "Query"


@dataclass(frozen=True, slots=True)
class ScopedField:
    """A field of an object type or of the query, or one with a condition or an order.

    `text` selects it and nothing in it, `whole` all that can be read of it. Each of `needed` must be met, one of
    several words by any of them. `name` is the member that an answer has it in.
    """

    label: str
    type_name: str
    name: str
    text: str
    whole: str
    needed: frozenset[str]
    parents: frozenset[str] = frozenset()
    """The scopes of all that leads to it."""
    unscoped: tuple[str, ...] = ()
    """The tables that it reads which say no scope."""

    def is_open(self, scopes: Collection[str]) -> bool:
        """Return whether a viewer with these scopes may read it, and all that leads to it."""
        return not unmet_scopes(self.needed, frozenset(scopes))

    @property
    def requirements(self) -> str:
        """The needs, as words."""
        return " and ".join(each.replace(" ", " or ") for each in sorted(self.needed)) or "no scope"

    def __str__(self) -> str:
        return self.label


def scoped_fields(checked: CheckedModel) -> Iterator[ScopedField]:
    """Yield all fields that can be reached, but for those that functions of the model answer."""
    model = checked.model
    for root in roots_of(model).values():
        if root.kind is RootKind.PAGE and root.section is not None:
            yield from _Owner(checked, QUERY, frozenset(), {}).list(
                root.name, root.section, _record(model, root.object_type)
            )
    for route in checked.routes:
        on_the_way = frozenset[str]().union(*(_of_way(checked, *each) for each in route.fields))
        defaults = checked.maker.defaults(route.target)
        owner = _Owner(checked, route.target, on_the_way | _record(model, route.target), defaults)
        for field in model.objects[route.target].fields:
            yield from owner.field(field)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Makes the fields of one type. `parents` is what the way to its objects needs, and the objects themselves.

    `defaults` are the selections of its fields by name.
    """

    checked: CheckedModel
    name: str
    parents: frozenset[str]
    defaults: Mapping[str, str]

    def field(self, field: DeclaredField) -> Iterator[ScopedField]:
        """Yield a field of an object, with what it needs; of a group its sections."""
        model, name, shape = self.checked.model, camel(field.name), field.shape
        declared = _object(self.checked, self.name).fields.get(name)
        if shape is None or declared is None or name == "id" or field.word_name == "resolver":
            return
        kind = model.objects[self.name]
        needed = kind.field_scopes.get(field.name, frozenset())
        bound = model.bound_sections.get(f"{self.name}.{field.name}")
        if shape.kind is ValueKind.GROUP:
            for inner in model.groups[shape.type.__name__].fields:
                section, last = model.bound_sections[f"{self.name}.{field.name}.{inner.name}"], camel(inner.name)
                text = f"{name} {{ {last} {{ __typename }} }}"
                yield self._make(f"{name}.{last}", last, text, needed | _section(section), _unscoped(section))
        elif shape.kind is ValueKind.OBJECT and bound is None:
            target = shape.type.__name__
            record = model.bound_sections[f"{target}.{RECORD}"]
            text = f"{name} {{ __typename }}"
            yield self._make(name, name, text, needed | _record(model, target), _unscoped(record))
        elif bound is None:
            record = model.bound_sections[f"{self.name}.{RECORD}"]
            yield self._make(name, name, name, needed, () if needed else _unscoped(record))
        else:
            target = shape.type.__name__ if shape.kind is ValueKind.OBJECT else ""
            yield from self.list(name, bound, needed | _record(model, target))

    def list(self, name: str, section: BoundSection, needed: frozenset[str]) -> Iterator[ScopedField]:
        """Yield a section, and where it is a list, the list with each condition and each order that needs more."""
        needed |= _section(section)
        known, unscoped = needed | self.parents, _unscoped(section)
        yield self._make(name, name, f"{name} {{ __typename }}", needed, unscoped)
        for condition in section.filters.values():
            if condition.scopes - known:
                text = f"{name}(filter: {{ {camel(condition.name)}: {_value(condition)} }}) {{ __typename }}"
                yield self._make(f"{name}(filter: {condition.name})", name, text, needed | condition.scopes)
        for order in section.orders.values():
            if order.scopes - known:
                text = f"{name}(orderBy: {{ field: {order.name.upper()} }}) {{ __typename }}"
                yield self._make(f"{name}(orderBy: {order.name})", name, text, needed | order.scopes)

    def _make(
        self, path: str, name: str, text: str, needed: frozenset[str], unscoped: tuple[str, ...] = ()
    ) -> ScopedField:
        whole = text if "(" in text else self.defaults.get(f"{self.name}.{path}", text)
        return ScopedField(
            f"{self.name}.{path}", self.name, name, text, whole, needed | self.parents, self.parents, unscoped
        )


def _value(condition: FilterCondition) -> str:
    value = "true" if condition.operator is FilterOperator.PRESENT else sample(condition.scalar)
    if condition.operator is FilterOperator.BETWEEN:
        return f"{{ from: {value} }}"
    return f"[{value}]" if condition.is_list else value


def _section(section: BoundSection) -> frozenset[str]:
    """Return what a section needs: the scopes of all tables that its SQL reads, among others."""
    tables = frozenset(table.options.scope for table in section.tables if table.options.scope)
    return section.scopes if section.has_own_scopes else section.scopes | tables


def _unscoped(section: BoundSection) -> tuple[str, ...]:
    """Return the tables that a section reads and that say no scope, unless its author says who may read it."""
    if section.has_own_scopes:
        return ()
    return tuple(table.name for table in section.tables if not table.options.scope)


def _of_way(checked: CheckedModel, owner: str, name: str) -> frozenset[str]:
    """Return what a field on the way to a type needs."""
    model = checked.model
    if owner == QUERY:
        root = roots_of(model)[name]
        return root.section.scopes if root.section is not None else frozenset()
    field = next(field for field in model.objects[owner].fields if camel(field.name) == name)
    bound = model.bound_sections.get(f"{owner}.{field.name}")
    own = _record(model, owner) | model.objects[owner].field_scopes.get(field.name, frozenset())
    return own | (frozenset() if bound is None else _section(bound))


def _record(model: Model, object_type: str) -> frozenset[str]:
    record = model.bound_sections.get(f"{object_type}.{RECORD}")
    return record.scopes if record is not None else frozenset()


def _object(checked: CheckedModel, name: str) -> GraphQLObjectType:
    kind = checked.schema.type_map[name]
    if not isinstance(kind, GraphQLObjectType):
        raise TypeError(f"{name} is no object type.")
    return kind
