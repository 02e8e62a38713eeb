"""Costs of an operation's own fields: of their loads, and of completing their places in the answer."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLNonNull

from loaders.errors import CallerError
from loaders.model.shapes import Cardinality
from resolvers.function_calls import function_call
from resolvers.function_fields import function_shape
from resolvers.introspection import INTROSPECTION, introspection_places
from resolvers.load_estimate import Wave
from resolvers.object_types import parse_node_id
from resolvers.operations import OperationCache
from resolvers.places import Places
from resolvers.root_loading import NO_KEY, entry_node, page_requests, remembered, selection_key, unique_keys
from resolvers.roots import Root, RootKind
from resolvers.scopes import missing_scope, unmet_scopes
from resolvers.selection_reader import SelectionReader
from resolvers.selection_tree import USUAL_REFERENCES, Selection, rows_followed

if TYPE_CHECKING:
    from graphql import GraphQLObjectType, GraphQLSchema
    from graphql.execution.collect_fields import FieldDetailsList

    from resolvers.query_types import ModelTypes

_ROOT_FIELD_POINTS = 15
"""Points of a field of the operation itself, which is resolved by graphql-core, in a task of its own."""
_FIELD_POINTS = 0.5
"""Points of a field of the selection, whatever the number of objects: it is planned, and looked at by graphql-core."""
_NODE_POINTS = 1.5
"""Points of an object that `node` or `nodes` answers: which type it is of is looked at one by one."""
_PLACES_POINTS = Places(leaves=0.007, objects=0.05, edges=0.5, alone=1.5, denied=5, introspected=0.35, bytes=0.0003)
"""Points of a place of the answer, by how it is completed, and of a byte, which is encoded, compressed and sent.
`alone` is by graphql-core, over a hundred times as slow."""
_PART_POINTS = 3.5
"""Points of a part that comes later: it is put together by itself, and holds up everything for a moment."""
_EXPLAINED_POINTS, _LOOKED_UP_POINTS = 5, 0.03
"""Points of an explained section, and of looking up one object of it in the cache."""
_PART_BYTES = 100
"""Bytes of a part that comes later, beside its data: its id, its path, that it is complete."""


@dataclass(frozen=True, slots=True)
class RootFieldCost:
    """The cost of one of the operation's own fields: its loads, its objects, and its places in the answer."""

    name: str
    """Its name in the answer."""
    objects: int = 0
    asked: int = 0
    """The number of ids that it lists."""
    waves: tuple[Wave, ...] = ()
    """Its first loads: one for each type of objects that it names, or that of its page."""
    is_page: bool = False
    bytes: int = 0
    """About the bytes of its part of the answer."""
    rows: float = 0
    is_refused: bool = False
    """Whether the operation is refused, for a non-null field that may not be read."""
    completing: float = 0
    """Points of completing its places."""
    introspected: int = 0
    """The number of these places that describe the schema itself: they are completed in one go."""

    def explaining(self) -> float:
        """Return the points of explaining its sections, which a cache may be asked for of each object."""
        return sum(
            len(node.requests) * (_EXPLAINED_POINTS + _LOOKED_UP_POINTS * len(wave.keys))
            for wave in self.waves
            for node in (wave.node, wave.node.deferred)
            if node is not None
        )


def _completed(cost: RootFieldCost, objects: float, places: Places, parts: float = 0) -> RootFieldCost:
    """Return the field with so many objects more that have these places, and so many parts that come later, each."""
    size = places.bytes + _PART_BYTES * parts
    each = sum(map(operator.mul, places._replace(bytes=size, fields=0), _PLACES_POINTS)) + _PART_POINTS * parts
    return replace(
        cost,
        bytes=cost.bytes + round(objects * size),
        completing=cost.completing + objects * each + _FIELD_POINTS * places.fields,
    )


class RootFieldCosts:
    """Estimates the root fields of one operation."""

    def __init__(
        self, types: ModelTypes, schema: GraphQLSchema, reader: SelectionReader, known: OperationCache | None
    ) -> None:
        self._types = types
        self._schema = schema
        self._reader = reader
        self._known = known
        self.errors: list[GraphQLError] = []
        """Errors of fields with invalid arguments."""

    def root_fields(self) -> Iterator[RootFieldCost]:
        """Yield the cost of each root field; errors are added to `errors` instead."""
        for name, group in self._reader.root_fields().items():
            try:
                cost = self._of_operation(RootFieldCost(name, completing=_ROOT_FIELD_POINTS), group)
            except GraphQLError as error:
                self.errors.append(error)
            except CallerError as error:
                self.errors.append(GraphQLError(str(error), nodes=group[0].node, original_error=error))
            else:
                if cost is not None:
                    yield cost

    def _of_operation(self, cost: RootFieldCost, group: FieldDetailsList) -> RootFieldCost | None:
        """Return the cost of one of the operation's own fields; None for `__typename`."""
        query, field_name = self._schema.query_type, group[0].node.name.value
        if field_name in INTROSPECTION:
            places = introspection_places(self._schema, self._reader, group)
            return _completed(replace(cost, introspected=round(places.introspected)), 1, places)
        if self._reader.is_mutation:
            return self._mutation(cost, group)
        if query is None or field_name not in query.fields:
            return None
        return self._root_field(query, self._types.roots[field_name], cost, group)

    def _mutation(self, cost: RootFieldCost, group: FieldDetailsList) -> RootFieldCost:
        """Return the cost of what is selected of the objects that a mutation refers to; its own work is not known."""
        field_name, mutation = group[0].node.name.value, self._schema.mutation_type
        shape = self._types.mutations.get(field_name)
        if shape is None or mutation is None or missing_scope(mutation.fields[field_name], self._reader.scopes):
            return cost
        selection = self._selection(cost, group, mutation.fields[field_name].type, shape.type.__name__)
        objects = USUAL_REFERENCES if shape.cardinality is Cardinality.LIST else 1
        wave = Wave(selection.node, unknown=objects)
        return self._objects(replace(cost, is_refused=selection.is_refused), wave, selection)

    def _root_field(
        self, query: GraphQLObjectType, root: Root, cost: RootFieldCost, group: FieldDetailsList
    ) -> RootFieldCost:
        declared = query.fields[root.name]
        arguments = self._reader.arguments(query, group)
        if missing_scope(declared, self._reader.scopes):  # an error, and nothing is asked for it
            return _completed(replace(cost, is_refused=isinstance(declared.type, GraphQLNonNull)), 1, Places(denied=1))
        if root.kind is RootKind.NODE:
            return self._nodes(root, cost, group, root.texts(arguments))
        if root.kind is RootKind.RESOLVER:
            return self._function(root, cost, declared.type, group, arguments)
        selection = self._selection(cost, group, declared.type, root.object_type)
        if root.kind is RootKind.PAGE:
            return self._page(root, cost, selection, arguments)
        cost = replace(cost, is_refused=selection.is_refused)
        if root.kind is RootKind.UNIQUE and root.section is not None:
            node = entry_node(self._types.parts.arguments.request(root.section, {}), selection)
            keys = [key for key in unique_keys(root, arguments) if key is not None]
        else:
            node = selection.node
            keys = [self._reader.tenant] if root.kind is RootKind.CURRENT else root.texts(arguments)
        return self._objects(replace(cost, asked=len(root.texts(arguments))), Wave(node, keys), selection)

    def _page(
        self, root: Root, cost: RootFieldCost, selection: Selection, arguments: Mapping[str, Any]
    ) -> RootFieldCost:
        request, count = page_requests(
            self._types.parts,
            root,
            arguments,
            self._reader.scopes,
            self._reader.tenant,
            is_counted=selection.is_counted,
        )
        node = entry_node(request, selection, count)
        objects = request.first
        rows = objects * selection.node.rows
        cost = replace(cost, objects=objects, waves=(Wave(node, [NO_KEY]),), is_page=True, rows=rows)
        cost = _completed(replace(cost, is_refused=selection.is_refused), objects, Places(edges=1))
        return _completed(cost, objects, selection.places, selection.parts)

    def _function(
        self, root: Root, cost: RootFieldCost, declared: Any, group: FieldDetailsList, arguments: Mapping[str, Any]
    ) -> RootFieldCost:
        """Return the field with about so many objects as its function refers to."""
        shape = function_shape(root.field)
        call = function_call(self._types.parts.model, root.function_name, shape, arguments)
        cost = replace(cost, completing=cost.completing + call.function.points)
        if not call.target:
            return _completed(cost, 1, Places(leaves=1, fields=1))
        selection = self._selection(cost, group, declared, call.target)
        wave = Wave(selection.node, unknown=round(rows_followed(call)))
        return self._objects(replace(cost, is_refused=selection.is_refused), wave, selection)

    def _objects(self, cost: RootFieldCost, wave: Wave, selection: Selection) -> RootFieldCost:
        rows = cost.rows + wave.objects * selection.node.rows
        waves = (*cost.waves, wave) if wave.objects else cost.waves
        cost = replace(cost, objects=cost.objects + wave.objects, waves=waves, rows=rows)
        return _completed(cost, wave.objects, selection.places, selection.parts)

    def _nodes(self, root: Root, cost: RootFieldCost, group: FieldDetailsList, texts: Sequence[str]) -> RootFieldCost:
        """Return the field with its nodes. Of a type that no id is of, nothing is read, nor refused by execution."""
        ids: dict[str, list[str]] = {}
        for each in filter(None, map(parse_node_id, texts)):
            ids.setdefault(each[0], []).append(each[1])
        cost = replace(cost, asked=len(texts), completing=cost.completing + _NODE_POINTS * len(texts))
        declared = self._schema.query_type.fields[root.name].type if self._schema.query_type is not None else None
        for type_name, keys in ids.items():
            if type_name not in self._types.parts.model.objects:
                continue
            if unmet_scopes(self._types.parts.object_scopes(type_name), self._reader.scopes):
                cost = _completed(cost, len(keys), Places(denied=1))
                continue
            selection = self._selection(cost, group, declared, type_name)
            cost = replace(cost, is_refused=cost.is_refused or selection.is_refused)
            cost = self._objects(cost, Wave(selection.node, keys), selection)
        return replace(cost, objects=len(texts))

    def _selection(self, cost: RootFieldCost, group: FieldDetailsList, declared: Any, type_name: str) -> Selection:
        key = selection_key(self._types.parts, cost.name, type_name)
        read: Callable[[], Selection] = lambda: self._reader.selection(group, declared, type_name)  # noqa: E731
        return remembered(self._known, key, self._reader.tenant, read)
