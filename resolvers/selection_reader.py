"""Reads what an operation asks from its selection sets, before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, get_named_type

from loaders.model.bound_sections import COUNT
from loaders.model.shapes import Cardinality
from loaders.statements.section_request import Period, SectionRequest, rows_of
from resolvers.connections import EDGES, NODE, NODES, TOTAL_COUNT, count_request
from resolvers.counting import Sums, parts
from resolvers.field_collector import FieldCollector
from resolvers.fields import (
    ASKED,
    FieldColumns,
    FieldFunction,
    FieldGroup,
    FieldLink,
    FieldSection,
)
from resolvers.function_calls import function_call
from resolvers.input_types import PERIOD
from resolvers.places import PlaceCounter, Places, is_deferred
from resolvers.schema_parts import SchemaParts, place_of
from resolvers.section_arguments import period_of
from resolvers.selection_tree import NodeBuilder, Selection, rows_followed

if TYPE_CHECKING:
    from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode
    from graphql.execution.collect_fields import FieldDetailsList
    from graphql.execution.values import VariableValues

PAGE_PATHS = ((EDGES, NODE), (NODES,))
"""The names of fields that lead from a page to its objects."""
_HERE: tuple[tuple[str, ...], ...] = ((),)


class SelectionReader(FieldCollector):
    """Walks selection sets and notes what they ask. It serves one operation, one set of scopes and one tenant."""

    def __init__(
        self,
        schema_parts: SchemaParts,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        scopes: frozenset[str],
        tenant: str,
    ) -> None:
        may_read_all = scopes >= schema_parts.field_scopes
        super().__init__(schema, operation, fragments, variables, scopes, may_read_all=may_read_all)
        self._parts = schema_parts
        self.tenant = tenant
        self._incremental_parts = 0.0
        self._rows: dict[int, float] = {}
        self._marks = Sums(fragments, parts)
        self._has_cursor = False

    def selection(self, top: FieldDetailsList, declared: Any, type_name: str) -> Selection:
        """Return what is asked of objects of a type below a field, which answers them, pages of them, or nodes."""
        self._incremental_parts, self._is_refused, self._has_cursor = self.incremental(top), False, False
        named = get_named_type(declared)
        is_page = isinstance(named, GraphQLObjectType) and named.name != type_name
        node, is_counted = NodeBuilder(self._parts.target(type_name)), False
        for path in PAGE_PATHS if is_page else _HERE:
            for group in self.descend(top, named, path):
                self._read_object(node, type_name, group, top, 1)
        if is_page:
            is_counted = TOTAL_COUNT in self.names(declared, top)
        places = self.places(named.name if isinstance(named, GraphQLObjectType) else type_name, top)
        return Selection(
            node.node(),
            is_counted=is_counted,
            parts=self._incremental_parts,
            is_refused=self._is_refused,
            places=places,
            tenant=self.tenant if self._has_cursor else None,
        )

    def incremental(self, group: FieldDetailsList) -> int:
        """Return the number of places of @defer and @stream of a field and below it."""
        return sum(parts(details.node) + self._marks.of(details.node.selection_set) for details in group)

    def places(self, type_name: str, group: FieldDetailsList) -> Places:
        """Return the places of an object of this type with the field's selection set."""
        return PlaceCounter(self.subfields, self._rows).of(self._type(type_name), group)

    def _read_object(
        self, node: NodeBuilder, type_name: str, group: FieldDetailsList, top: FieldDetailsList, times: float
    ) -> None:
        """Note what a group asks of objects of a type, of which there are so many for each object of the root field."""
        declared = self._type(type_name)
        for below in self._fields(declared, group).values():
            asked = self._asked(declared, below)
            if isinstance(asked, FieldColumns):
                self._note_columns(node, asked.names, is_later=is_deferred(below, top))
            elif isinstance(asked, FieldLink):
                request = self._note_columns(node, (asked.column,), is_later=is_deferred(below, top))
                self._follow(node, request, place_of(request.section, asked.column), below, times)
            elif isinstance(asked, FieldSection):
                self._note_section(node, type_name, asked, declared, below, None, top, times)
            elif isinstance(asked, FieldFunction):
                self._note_function(node, asked, declared, below, times)
            elif isinstance(asked, FieldGroup):
                self._read_group(node, f"{type_name}.{asked.name}", declared, below, top, times)

    def _read_group(
        self,
        node: NodeBuilder,
        path: str,
        parent: GraphQLObjectType,
        group: FieldDetailsList,
        top: FieldDetailsList,
        times: float,
    ) -> None:
        period = period_of(self.arguments(parent, group).get(PERIOD))
        declared = get_named_type(parent.fields[group[0].node.name.value].type)
        for below in self._fields(declared, group).values():
            asked = self._asked(declared, below)
            if isinstance(asked, FieldSection):
                self._note_section(node, path, asked, declared, below, period, top, times)

    def _note_function(
        self, node: NodeBuilder, asked: FieldFunction, parent: GraphQLObjectType, group: FieldDetailsList, times: float
    ) -> None:
        call = function_call(self._parts.model, asked.name, asked.shape, self.arguments(parent, group))
        node.call(call)
        if call.target:
            rows = rows_followed(call)
            if call.shape.cardinality is Cardinality.LIST:
                self._rows[id(group)] = rows
            child = node.way(call, None, self._parts.target(call.target))
            self._read_object(child, call.target, group, group, times * rows)

    def _note_columns(self, node: NodeBuilder, names: Iterable[str], *, is_later: bool) -> SectionRequest:
        """Note columns of the objects' own record, which is always asked."""
        if node.target.record is None:
            raise TypeError(f"{node.target.key_space.name} has no columns of its own.")
        request = replace(node.target.record, columns=frozenset(names))
        node.note(request, is_deferred=is_later)
        return request

    def _note_section(
        self,
        node: NodeBuilder,
        path: str,
        asked: FieldSection,
        parent: GraphQLObjectType,
        group: FieldDetailsList,
        period: Period | None,
        top: FieldDetailsList,
        times: float,
    ) -> None:
        section = self._parts.model.bound_sections[f"{path}.{asked.name}"]
        arguments = self.arguments(parent, group)
        if PERIOD in arguments:
            period = period_of(arguments[PERIOD])
        request = self._parts.arguments.request(section, arguments, period, self.scopes, self.tenant)
        declared = get_named_type(parent.fields[group[0].node.name.value].type)
        self._has_cursor |= bool(request.after)
        is_later = is_deferred(group, top)
        rows = rows_of(request) if request.is_list else 1
        self._incremental_parts += times * rows * self.incremental(group)
        if request.is_list and section.max > 1:
            self._rows[id(group)] = rows
        if section.target or asked.is_link:
            node.note(request, is_deferred=is_later)
            self._read_target(node, request, declared, group, times * rows, is_later=is_later)
        else:
            self._read_rows(node, request, declared, group, times * rows, is_later=is_later)

    def _read_target(
        self,
        node: NodeBuilder,
        request: SectionRequest,
        declared: Any,
        group: FieldDetailsList,
        times: float,
        *,
        is_later: bool,
    ) -> None:
        """Note what is asked of the objects that a list has, or that a computed link leads to."""
        section = request.section
        if section.cardinality is not Cardinality.PAGE:
            self._follow(node, request, None if section.target else 0, group, times)
            return
        if TOTAL_COUNT in self.names(declared, group):
            count = self._parts.model.bound_sections[f"{section.name}.{COUNT}"]
            node.note(count_request(count, request), is_deferred=is_later)
        child = self._child(node, request, None)
        for path in PAGE_PATHS:
            for below in self.descend(group, declared, path):
                self._read_object(child, section.target, below, group, times)

    def _read_rows(
        self,
        node: NodeBuilder,
        request: SectionRequest,
        declared: Any,
        group: FieldDetailsList,
        times: float,
        *,
        is_later: bool,
    ) -> None:
        """Note which columns are asked of a section's rows, and where they lead to."""
        wanted: set[str] = set()
        is_page = request.section.cardinality is Cardinality.PAGE
        paths = ((EDGES, NODE),) if is_page else _HERE
        row = get_named_type(get_named_type(declared.fields[EDGES].type).fields[NODE].type) if is_page else declared
        for path in paths:
            for rows in self.descend(group, declared, path):
                for below in self._fields(row, rows).values():
                    asked = self._asked(row, below)
                    if isinstance(asked, FieldColumns):
                        wanted.update(asked.names)
                    elif isinstance(asked, FieldLink):
                        wanted.add(asked.column)
                        self._follow(node, request, place_of(request.section, asked.column), below, times)
        if not request.is_list:
            request = replace(request, columns=frozenset(wanted))
        node.note(request, is_deferred=is_later)

    def _follow(
        self, node: NodeBuilder, request: SectionRequest, position: int | None, group: FieldDetailsList, times: float
    ) -> None:
        child = self._child(node, request, position)
        self._read_object(child, child.target.key_space.name, group, group, times)

    def _child(self, node: NodeBuilder, request: SectionRequest, position: int | None) -> NodeBuilder:
        section = request.section
        target = section.target if position is None else section.columns[position].target
        return node.way(request, position, self._parts.target(target))

    def _asked(self, parent: GraphQLObjectType, group: FieldDetailsList) -> Any:
        field = parent.fields.get(group[0].node.name.value)
        definition = field.extensions.get("strawberry-definition") if field is not None else None
        return definition.metadata.get(ASKED) if definition is not None else None
