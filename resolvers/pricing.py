"""What an operation will take, told from its selection before any store is asked.

A point is about ten microseconds of CPU, of the gateway and its stores together, with nothing cached. What statements
cost is in `loaders/planning/cost.py`; here is what the gateway does besides: it reads the operation, and completes each
place of the answer.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import GraphQLError, GraphQLNonNull

from loaders.catalogue.declaration import Kind
from loaders.errors import CallerError
from loaders.planning import plan
from loaders.planning.cost import RECORDS_POINTS, rows_of, statement_points
from resolvers.fleet import AIRCRAFT_PATHS, DEFAULT_PAGE
from resolvers.introspection import INTROSPECTION, introspection_places
from resolvers.nodes import parse_node_id
from resolvers.operations import OperationCache, operation_cache
from resolvers.places import Places
from resolvers.scopes import Scope, missing_scope
from resolvers.selection import Reader, Selection, remembered

if TYPE_CHECKING:
    from graphql import FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode
    from graphql.execution.collect_fields import FieldDetailsList
    from graphql.execution.values import VariableValues

REQUEST_POINTS = 60
"""Of a request, whatever it asks: headers, JSON, the budget in Redis, the answer."""
_OPERATION_POINTS = 20
"""Of an operation, several of which may be in a batch."""
_ROOT_FIELD_POINTS = 15
"""Of a field of the operation itself, which is resolved by graphql-core, in a task of its own."""
_FIELD_POINTS = 0.5
"""Of a field of the selection, whatever the number of objects: it is planned, and looked at by graphql-core."""
_READ_FIELD_POINTS = 1.2
"""Of a field where the price alone is told, if it is not remembered: its arguments are coerced, statements written."""
_NODE_POINTS = 1.5
"""Of an object that `node` or `nodes` answers: which type it is of is looked at one by one."""
_PLACES_POINTS = Places(leaves=0.007, objects=0.05, edges=0.5, alone=1.5, denied=5, introspected=0.35, bytes=0.0003)
"""Of a place of the answer, by how it is completed, and of a byte, which is encoded, compressed and sent. Alone is by
graphql-core, over a hundred times as slow."""
_PART_POINTS = 3.5
"""Of a part that comes later: it is put together by itself, and holds up everything for some hundred microseconds."""
_EXPLAINED_POINTS, _LOOKED_UP_POINTS = 5, 0.03
"""Of a section that is explained, and of each object that the cache is asked for it."""
_RECORDS = {"airport": Kind.AIRPORT, "airline": Kind.AIRLINE}
_NODES = {"Airport": Kind.AIRPORT, "Airline": Kind.AIRLINE}
_PART_BYTES = 100
"""Of a part that comes later, beside its data: its id, its path, that it is complete."""


@dataclass(frozen=True, slots=True)
class RootField:
    """One of the operation's own fields: how many objects it is for, and what it asks of each."""

    name: str
    """Its name in the answer."""
    objects: int
    ids: Sequence[str] = ()
    """The aircraft that it names; none where a store has to be asked which they are."""
    asked: int = 0
    """Ids that it lists."""
    selection: Selection | None = None
    records: frozenset[Kind] = frozenset()
    """Records that it asks for itself."""
    pages: int = 0
    """Statements that find out which aircraft it is for."""
    bytes: int = 0
    """Of its part of the answer, about."""
    is_refused: bool = False
    """Whether the operation is refused, for a field that cannot be null and may not be read."""
    completing: float = 0
    """Points of completing its places."""
    introspected: int = 0
    """Of these places, those of the schema's own description: they are completed in one go."""

    @property
    def deferred(self) -> Selection | None:
        """What is asked of each object later."""
        return self.selection.deferred if self.selection is not None else None

    def explaining(self) -> float:
        """Return the points of explaining its sections, which a cache may be asked for of each object."""
        sections = sum(len(one.requests) for one in (self.selection, self.deferred) if one is not None)
        return sections * (_EXPLAINED_POINTS + _LOOKED_UP_POINTS * len(self.ids))

    def kinds(self) -> frozenset[Kind]:
        """Of the records that it asks for, or that its sections lead to: a statement each."""
        selections = [one for one in (self.selection, self.deferred) if one is not None]
        return self.records | {kind for one in selections for _, _, kind in one.links}


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """An estimate: what is sent to the stores with nothing cached, and the points that it costs.

    `rows` and `bytes` are those of a full answer: each list as long as was asked for, in JSON.
    """

    statements: int = 0
    rows: int = 0
    bytes: int = 0
    points: int = 0
    reading: int = 0
    """The points of telling all this: what was remembered of the operations was not read again."""
    operations: int = 0
    fields_read: int = 0
    root_fields: Sequence[RootField] = field(default=(), compare=False)
    errors: Sequence[GraphQLError] = field(default=(), compare=False)
    """Of fields that execution will refuse, each for itself, before it asks for anything: they cost nothing."""

    def objects(self) -> int:
        """Different aircraft, and those of pages."""
        named = _different(each for each in self.root_fields if not each.pages)
        return named + sum(each.objects for each in self.root_fields if each.pages)

    def explaining(self) -> int:
        """Return the points of an explanation, which looks up each section of each object."""
        return round(sum(each.explaining() for each in self.root_fields))

    def report(self) -> dict[str, int]:
        """As whoever asks is told."""
        return {"statements": self.statements, "rows": self.rows, "bytes": self.bytes, "points": self.points}


def estimate_cost(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
    scopes: frozenset[str],
) -> CostEstimate:
    """The price of a valid operation with coerced variables.

    Fields with arguments that cannot be cost nothing. Raises GraphQLError for directives of the operation's own fields
    that cannot be.
    """
    errors: list[GraphQLError] = []
    reader = Reader(schema, operation, fragments, variables, scopes)
    known = operation_cache(operation, fragments, variables.coerced, scopes)  # what resolvers will look for
    fields = list(_root_fields(schema, reader, known, errors))
    if any(each.is_refused for each in fields):  # nothing of it is executed
        fields = []
    return replace(_priced(fields, 1, reader.fields_read), errors=errors)


def combine_costs(prices: Sequence[CostEstimate]) -> CostEstimate:
    """The price of operations that are executed together, and so share their statements."""
    if len(prices) == 1:
        return prices[0]
    fields = [each for one in prices for each in one.root_fields]
    return _priced(fields, sum(one.operations for one in prices), sum(one.fields_read for one in prices))


class _Load(NamedTuple):
    """Statements and their points."""

    statements: int = 0
    points: float = 0


def _sum(loads: Iterable[_Load]) -> _Load:
    return _Load(*map(sum, zip(*loads, strict=True))) if (loads := list(loads)) else _Load()


def _priced(fields: Sequence[RootField], operations: int, fields_read: int) -> CostEstimate:
    named = [each for each in fields if not each.pages]
    waves = [named, *([each] for each in fields if each.pages)]  # of a page, aircraft are known once it has come
    pages = sum(each.pages for each in fields)
    load = _sum([*map(_wave, waves), _Load(pages, RECORDS_POINTS * pages)])
    request = REQUEST_POINTS + _OPERATION_POINTS * operations
    points = request + load.points + sum(each.completing for each in fields)
    return CostEstimate(
        statements=load.statements,
        rows=round(sum(each.objects * _rows(each.selection) for each in fields)),
        bytes=sum(each.bytes for each in fields),
        points=math.ceil(points),
        reading=math.ceil(request + _READ_FIELD_POINTS * fields_read),
        operations=operations,
        fields_read=fields_read,
        root_fields=fields,
    )


def _rows(selection: Selection | None) -> float:
    """Of each object."""
    if selection is None:
        return 1
    deferred = selection.deferred.requests if selection.deferred else ()
    return sum(map(rows_of, (*selection.requests, *deferred)))


def _wave(fields: Sequence[RootField]) -> _Load:
    """Fields that are loaded together: what comes at once, what comes later, and records that they ask themselves.

    Every aircraft of a wave is asked all that the wave asks of any. Fields that name aircraft beside records ask for
    these later than others do.
    """
    now = [each for each in fields if each.selection and (each.ids or each.objects)]  # without any, nothing is loaded
    later = [each for each in now if each.deferred]
    records = {(kind, each.name if each.selection else "") for each in fields for kind in each.records}
    return _sum(
        [
            _of_selections([each.selection for each in now if each.selection], _different(now)),
            _of_selections([each.deferred for each in later if each.deferred], _different(later)),
            _Load(len(records), RECORDS_POINTS * len(records)),
        ]
    )


def _different(fields: Iterable[RootField]) -> int:
    """How many different aircraft the fields are for; of a page, as many as are asked for."""
    fields = list(fields)
    paged = sum(each.objects for each in fields if each.pages)
    return paged + len({key for each in fields for key in each.ids})


def _of_selections(selections: Sequence[Selection], objects: int) -> _Load:
    """Sections of so many objects, then what they link to."""
    requests = [request for one in selections for request in one.requests]
    planned = plan(requests) if requests else ()
    sections = sum(1 + (one.source.cohort is not None) for one in planned)
    links = len({kind for one in selections for _, _, kind in one.links})
    points = sum(statement_points(one, objects) for one in planned) + RECORDS_POINTS * links
    return _Load(sections + links, points)


def _completed(found: RootField, objects: int, places: Places, parts: float = 0) -> RootField:
    """The field with so many objects more that have these places, and so many parts that come later, each."""
    size = places.bytes + _PART_BYTES * parts
    each = sum(map(operator.mul, places._replace(bytes=size, fields=0), _PLACES_POINTS)) + _PART_POINTS * parts
    return replace(
        found,
        bytes=found.bytes + round(objects * size),
        completing=found.completing + objects * each + _FIELD_POINTS * places.fields,
    )


def _root_fields(
    schema: GraphQLSchema, reader: Reader, known: OperationCache | None, errors: list[GraphQLError]
) -> Iterator[RootField]:
    """All but those with arguments that cannot be, which are noted in `errors`."""
    query = schema.query_type
    for name, group in reader.root_fields().items() if query is not None else ():
        found = RootField(name, 0, completing=_ROOT_FIELD_POINTS)
        if group[0].node.name.value in INTROSPECTION:
            places = introspection_places(schema, reader, group)
            yield _completed(replace(found, introspected=round(places.introspected)), 1, places)
        elif query is not None and group[0].node.name.value in query.fields:
            try:
                yield _root_field(reader, known, query, found, group)
            except GraphQLError as error:
                errors.append(error)
            except CallerError as error:
                errors.append(GraphQLError(str(error), nodes=group[0].node, original_error=error))


def _root_field(
    reader: Reader, known: OperationCache | None, query: GraphQLObjectType, found: RootField, group: FieldDetailsList
) -> RootField:
    field_name = group[0].node.name.value
    declared: Any = query.fields[field_name].type
    arguments = reader.arguments(query, group)
    if missing_scope(query.fields[field_name], reader.scopes):  # an error, and nothing is asked for it
        is_refused = isinstance(query.fields[field_name].type, GraphQLNonNull)
        return _completed(replace(found, is_refused=is_refused), 1, Places(denied=1))
    if field_name in _RECORDS:
        kind, places = _RECORDS[field_name], reader.places(field_name.capitalize(), group)
        found = replace(found, objects=1, records=frozenset([kind]))
        return _completed(found, 1, places, reader.incremental(group))
    paths: tuple[tuple[str, ...], ...] = AIRCRAFT_PATHS if field_name == "fleet" else ((),)

    def read() -> Selection:
        return remembered(known, found.name, paths, lambda: reader.selection(group, declared, paths))

    if field_name in ("node", "nodes"):
        nodes = [arguments["id"]] if field_name == "node" else arguments["ids"]
        return _of_nodes(reader, group, found, nodes, read)
    if field_name == "fleet":
        first = arguments.get("first")
        objects = max(0, DEFAULT_PAGE if first is None else first)
        pages = 1 + reader.names(declared, group).count("totalCount")
        found = _completed(replace(found, objects=objects, pages=pages), objects, Places(edges=1))
    else:
        ids = [arguments["tailNumber"]] if field_name == "aircraft" else arguments["ids"]
        found = replace(found, objects=len(ids), ids=ids, asked=len(ids))
    return _of_aircraft(found, found.objects, read())


def _of_aircraft(found: RootField, aircraft: int, selection: Selection) -> RootField:
    """The field with so many aircraft, of which this is asked."""
    found = replace(found, selection=selection, is_refused=selection.is_refused)
    return _completed(found, aircraft, selection.places, selection.parts)


def _of_nodes(
    reader: Reader, group: FieldDetailsList, found: RootField, nodes: Sequence[str], read: Callable[[], Selection]
) -> RootField:
    """The field with its nodes; those that are aircraft are asked for their sections.

    Without any, what is asked of aircraft is not read: execution would not refuse it either.
    """
    asked = [one for one in map(parse_node_id, nodes) if one is not None]
    counts = Counter(kind for kind, _ in asked)
    ids = [key for kind, key in asked if kind == "Aircraft"]
    completing = found.completing + _NODE_POINTS * len(nodes)
    found = replace(found, objects=len(nodes), asked=len(nodes), ids=ids, completing=completing)
    for kind in _NODES:
        if counts[kind] and Scope.REGISTER not in reader.scopes:
            found = _completed(found, counts[kind], Places(denied=1))
        elif counts[kind]:
            found = replace(found, records=found.records | {_NODES[kind]})
            found = _completed(found, counts[kind], reader.places(kind, group), reader.incremental(group))
    return _of_aircraft(found, len(ids), read()) if ids else found
