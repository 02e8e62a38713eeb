"""What an operation will take, told from its selection before any store is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from loaders.catalogue.declaration import Kind
from loaders.planning import plan
from loaders.planning.cost import STATEMENT_POINTS, Weight, weight_of
from loaders.sections import MOST_IDS
from loaders.stores.errors import CallerError
from resolvers.fleet import AIRCRAFT_PATHS, DEFAULT_PAGE
from resolvers.nodes import parse_node_id
from resolvers.operations import Memory, memory
from resolvers.scopes import Scope, lacking
from resolvers.selection import Reader, Selection, remembered

if TYPE_CHECKING:
    from graphql import FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode
    from graphql.execution.collect_fields import FieldDetailsList
    from graphql.execution.values import VariableValues

_PART_POINTS = 10
"""Of a part that comes later: it is put together by itself, and takes this process some thirty microseconds, in which
it may do nothing else."""
_DENIED_POINTS = 20
"""Of a place that the request may not read: making the error takes this process up to eighty microseconds, in which it
may do nothing else."""
_INTROSPECTION = frozenset({"__schema", "__type"})
_INTROSPECTION_POINTS = 10_000
"""Of the schema as a whole: it takes this process some forty milliseconds, in which it does nothing else."""
_RECORDS = {"airport": Kind.AIRPORT, "airline": Kind.AIRLINE}
_NODES = {"Airport": Kind.AIRPORT, "Airline": Kind.AIRLINE}


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
    points: int = 0
    """What it costs beside its objects."""
    aliased: int = 0
    """Bytes that its aliases add to the answer for each object."""

    @property
    def deferred(self) -> Selection | None:
        """What is asked of each object later."""
        return self.selection.deferred if self.selection is not None else None

    def looked_up(self) -> int:
        """Sections of its objects that a cache can be asked for before anything is loaded."""
        selections = [one for one in (self.selection, self.deferred) if one is not None]
        return len(self.ids) * sum(len(one.requests) for one in selections)

    def kinds(self) -> frozenset[Kind]:
        """Of the records that it asks for, or that its sections lead to: a statement each."""
        selections = [one for one in (self.selection, self.deferred) if one is not None]
        return self.records | {kind for one in selections for _, _, kind in one.links}


@dataclass(frozen=True, slots=True)
class Price:
    """An estimate: what is sent to the stores with nothing cached, and the points that it costs.

    `rows` and `bytes` are those of a full answer: each list as long as was asked for, in JSON.
    """

    statements: int = 0
    rows: int = 0
    bytes: int = 0
    points: int = 0
    root_fields: Sequence[RootField] = field(default=(), compare=False)
    faults: Sequence[GraphQLError] = field(default=(), compare=False)
    """Of fields that execution will refuse, each for itself, before it asks for anything: they cost nothing."""

    def objects(self) -> int:
        """Different aircraft, and those of pages."""
        named = sum(len(each.ids) for each in self.root_fields)
        paged = sum(each.objects for each in self.root_fields if each.pages)
        if named + paged > MOST_IDS:  # else it matters to nobody how many of them are the same
            named = len({key for each in self.root_fields for key in each.ids})
        return named + paged

    def report(self) -> dict[str, int]:
        """As whoever asks is told."""
        return {"statements": self.statements, "rows": self.rows, "bytes": self.bytes, "points": self.points}


def price(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
    scopes: frozenset[str],
) -> Price:
    """The price of a valid operation with coerced variables.

    Fields with arguments that cannot be cost nothing. Raises GraphQLError for directives of the operation's own fields
    that cannot be.
    """
    faults: list[GraphQLError] = []
    fields = list(_root_fields(schema, operation, fragments, variables, scopes, faults))
    return replace(_priced(fields), faults=faults)


def together(prices: Sequence[Price]) -> Price:
    """The price of operations that are executed together, and so share their statements."""
    return prices[0] if len(prices) == 1 else _priced([each for one in prices for each in one.root_fields])


def _priced(fields: Sequence[RootField]) -> Price:
    named = [each for each in fields if not each.pages]
    waves = [named, *([each] for each in fields if each.pages)]  # of a page, aircraft are known once it has come
    statements = sum(map(_statements, waves)) + sum(each.pages for each in fields)
    rows = size = 0
    points = float(STATEMENT_POINTS * statements)
    for each in fields:
        weight = _weight(each)
        rows += round(each.objects * weight.rows)
        size += round(each.objects * weight.bytes)
        points += each.objects * weight.points + each.points
    return Price(statements, rows, size, 1 + round(points), fields)


def _statements(fields: Sequence[RootField]) -> int:
    """Of fields that are loaded together: what comes at once, what comes later, and records that they ask themselves.

    Those that name aircraft beside records ask for these later than others do.
    """
    now = [each.selection for each in fields if each.selection]
    later = [one.deferred for one in now if one.deferred]
    records = {(kind, each.name if each.selection else "") for each in fields for kind in each.records}
    return _of_selections(now) + _of_selections(later) + len(records)


def _of_selections(selections: Sequence[Selection]) -> int:
    """Sections, then what they link to."""
    requests = [request for one in selections for request in one.requests]
    sections = sum(1 + (one.source.cohort is not None) for one in plan(requests)) if requests else 0
    return sections + len({kind for one in selections for _, _, kind in one.links})


def _weight(each: RootField) -> Weight:
    """Of one of its objects."""
    if each.selection is None:
        return Weight(rows=1, bytes=200 + each.aliased, points=1)
    deferred = each.selection.deferred
    weight = weight_of([*each.selection.requests, *(deferred.requests if deferred else ())])
    points = weight.points + _PART_POINTS * each.selection.parts + _DENIED_POINTS * each.selection.denied
    return weight._replace(bytes=each.selection.bytes + each.aliased, points=points)


def _root_fields(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
    scopes: frozenset[str],
    faults: list[GraphQLError],
) -> Iterator[RootField]:
    """All but those with arguments that cannot be, which are noted in `faults`."""
    reader = Reader(schema, operation, fragments, variables, scopes)
    known = memory(operation, fragments, variables.coerced)  # what resolvers will look for
    query = schema.query_type
    for name, group in reader.root_fields().items() if query is not None else ():
        if group[0].node.name.value in _INTROSPECTION:
            yield RootField(name, 0, points=_INTROSPECTION_POINTS)
        elif query is not None and group[0].node.name.value in query.fields:
            try:
                yield _root_field(reader, known, query, name, group)
            except GraphQLError as error:
                faults.append(error)
            except CallerError as error:
                faults.append(GraphQLError(str(error), nodes=group[0].node, original_error=error))


def _root_field(
    reader: Reader, known: Memory | None, query: GraphQLObjectType, name: str, group: FieldDetailsList
) -> RootField:
    field_name = group[0].node.name.value
    declared: Any = query.fields[field_name].type
    arguments, aliased = reader.arguments(query, group), reader.aliased(group)
    if lacking(query.fields[field_name], reader.scopes):
        return RootField(name, 0, points=_DENIED_POINTS)  # an error of its own, and nothing is asked for it
    if field_name in _RECORDS:
        parts = _PART_POINTS * reader.incremental(group)
        return RootField(name, 1, records=frozenset([_RECORDS[field_name]]), aliased=aliased, points=parts)
    paths: tuple[tuple[str, ...], ...] = AIRCRAFT_PATHS if field_name == "fleet" else ((),)

    def read() -> Selection:
        return remembered(known, name, paths, reader.scopes, lambda: reader.selection(group, declared, paths))

    if field_name != "fleet":
        found = replace(_of_ids(name, field_name, arguments, read, reader.scopes), aliased=aliased)
        if found.selection is not None:
            return found
        return replace(found, points=found.points + _PART_POINTS * found.objects * reader.incremental(group))
    first = arguments.get("first")
    objects = max(0, DEFAULT_PAGE if first is None else first)
    pages = 1 + reader.names(declared, group).count("totalCount")
    return RootField(name, objects, selection=read(), pages=pages, aliased=aliased)


def _of_ids(
    name: str, field_name: str, arguments: Mapping[str, Any], read: Callable[[], Selection], scopes: frozenset[str]
) -> RootField:
    """A field that names its objects; of nodes, those that are aircraft are asked for their sections.

    Without any, what is asked of aircraft is not read: execution would not refuse it either.
    """
    if field_name in ("aircraft", "aircraftByIds"):
        ids = [arguments["tailNumber"]] if field_name == "aircraft" else arguments["ids"]
        return RootField(name, len(ids), ids, len(ids), read())
    nodes = [arguments["id"]] if field_name == "node" else arguments["ids"]
    asked = [one for one in map(parse_node_id, nodes) if one is not None]
    ids = [key for kind, key in asked if kind == "Aircraft"]
    records = {_NODES[kind] for kind, _ in asked if kind in _NODES}
    denied = 0
    if Scope.REGISTER not in scopes:
        denied, records = sum(kind in _NODES for kind, _ in asked), set()
    selection = read() if ids else None
    return RootField(name, len(nodes), ids, len(nodes), selection, frozenset(records), points=_DENIED_POINTS * denied)
