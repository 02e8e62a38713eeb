"""The lists of a model that answer pages: how each is asked, and which of its conditions can be followed in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from loaders.model.filter_conditions import FilterCondition, FilterOperator
from loaders.model.names import camel
from loaders.model.scalars import TEXT
from loaders.model.shapes import Cardinality, ValueKind
from resolvers.roots import RootKind, roots_of

if TYPE_CHECKING:
    from fuseway.testing.cases import CheckedModel
    from fuseway.testing.routes import Route
    from loaders.model.bound_sections import BoundSection

_COMPARED = frozenset(
    {FilterOperator.BETWEEN, FilterOperator.AT_LEAST, FilterOperator.AT_MOST, FilterOperator.LESS_THAN}
)
"""Conditions that compare: those of text do so by the database's collation."""

_MAX_ROWS = 300
"""Rows of a list that are looked at."""


@dataclass(frozen=True, slots=True)
class PagedList:
    """A field that answers pages: of the query, or of the objects that a way leads to."""

    label: str
    name: str
    section: BoundSection
    route: Route | None
    node: GraphQLObjectType
    has_total: bool
    group: str = ""
    """The field of a group that it lies in."""

    @property
    def max(self) -> int:
        """How many rows of it are looked at."""
        return min(self.section.max, _MAX_ROWS)

    def query(self, arguments: str, parent: str) -> str:
        """Return the query of a page, of one parent."""
        leaves = " ".join(name for name, field in self.node.fields.items() if is_leaf_type(get_named_type(field.type)))
        total = "totalCount " if self.has_total else ""
        below = f"{total}pageInfo {{ hasNextPage endCursor }} edges {{ node {{ {leaves} }} }}"
        text = f"{self.name}({arguments}) {{ {below} }}"
        text = f"{self.group} {{ {text} }}" if self.group else text
        return f"{{ {text} }}" if self.route is None else self.route.query(text, [parent] if parent else [])

    def page(self, data: Mapping[str, Any]) -> Any:
        """Return the page in an answer: the first one where the way leads through lists."""
        return next(_pages(data, self.name), {"edges": [], "pageInfo": {"hasNextPage": False}})

    def shown_conditions(self) -> Iterator[tuple[FilterCondition, str]]:
        """Yield the conditions over columns that the rows show, with their fields in the API."""
        fields = {column.sql.parts: column for column in self.section.columns}
        for condition in self.section.filters.values():
            column = fields.get(condition.sql.parts)
            is_followed = condition.operator is not FilterOperator.WHERE and (
                condition.scalar is not TEXT or condition.operator not in _COMPARED
            )
            field = self.node.fields.get(camel(column.name)) if column is not None else None
            if column is not None and is_followed and field is not None and is_leaf_type(get_named_type(field.type)):
                yield condition, camel(column.name)

    def filter_name(self, condition: FilterCondition) -> str:
        """Return the name of a condition in the API."""
        return camel(condition.name)

    def __str__(self) -> str:
        return self.label


def paged_lists(checked: CheckedModel) -> Iterator[PagedList]:
    """Yield the lists that answer pages, of the query, of all objects that can be reached, and of their groups."""
    model = checked.model
    for root in roots_of(model).values():
        if root.kind is RootKind.PAGE and root.section is not None:
            page = _page_type(checked, "Query", root.name)
            yield _of(f"Query.{root.name}", root.name, root.section, None, page)
    for route in checked.routes:
        for field in model.objects[route.target].fields:
            path, name = f"{route.target}.{field.name}", camel(field.name)
            section = model.bound_sections.get(path)
            if section is not None and section.cardinality is Cardinality.PAGE:
                page = _page_type(checked, route.target, name)
                yield _of(f"{route.target}.{name}", name, section, route, page)
            elif field.shape is not None and field.shape.kind is ValueKind.GROUP:
                yield from _of_group(checked, route, path, name, field.shape.type.__name__)


def _of_group(checked: CheckedModel, route: Route, path: str, group: str, type_name: str) -> Iterator[PagedList]:
    for field in checked.model.groups[type_name].fields:
        section, name = checked.model.bound_sections[f"{path}.{field.name}"], camel(field.name)
        if section.cardinality is Cardinality.PAGE:
            page = _page_type(checked, type_name, name)
            yield replace(_of(f"{route.target}.{group}.{name}", name, section, route, page), group=group)


def _of(label: str, name: str, section: BoundSection, route: Route | None, page: GraphQLObjectType) -> PagedList:
    edge = get_named_type(page.fields["edges"].type)
    node = get_named_type(edge.fields["node"].type) if isinstance(edge, GraphQLObjectType) else None
    if not isinstance(node, GraphQLObjectType):
        raise TypeError(label)
    return PagedList(label, name, section, route, node, "totalCount" in page.fields)


def _page_type(checked: CheckedModel, owner: str, name: str) -> GraphQLObjectType:
    kind = checked.schema.type_map[owner]
    page = get_named_type(kind.fields[name].type) if isinstance(kind, GraphQLObjectType) else None
    if not isinstance(page, GraphQLObjectType):
        raise TypeError(f"{owner}.{name}")
    return page


def _pages(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _pages(item, name)
    elif isinstance(value, dict):
        for member, inner in value.items():
            if member == name and isinstance(inner, dict) and "edges" in inner:
                yield inner
            else:
                yield from _pages(inner, name)
