"""What a query asks of aircraft, read from its selection set before anything is loaded.

Fragments, merged fields, aliases, @skip and @include are graphql-core's work: this module only asks it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from graphql import (
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues, get_argument_values

from loaders.catalogue import SECTIONS
from loaders.catalogue.declaration import ListSection, Section
from loaders.catalogue.network import MainCarrier, MainOrigin
from loaders.catalogue.register import Known, Registration, Revisions
from loaders.planning import Period, SectionRequest
from loaders.planning.cost import rows_of
from loaders.planning.section_request import merged, section_request
from resolvers.arguments import after_of, period_of
from resolvers.counting import Sums, parts
from resolvers.links import Link
from resolvers.operations import OperationCache, operation_cache
from resolvers.places import NO_PLACES, PlaceCounter, Places, is_deferred
from resolvers.scopes import FIELD_SCOPES, missing_scope

_SECTION_OF_FIELD: dict[str, type[Section]] = {
    "registration": Registration,
    "revisions": Revisions,
    "operator": MainCarrier,
    "homeBase": MainOrigin,
}
_SECTION_BY_NAME = {section.graphql_name(): section for section in SECTIONS.values() if not section.hidden}
KNOWN = section_request(Known)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked of each aircraft, and which of its columns lead on to records of their own."""

    requests: frozenset[SectionRequest]
    links: frozenset[Link]
    deferred: "Selection | None" = None
    """What only deferred parts ask, so that it may come later; None where there is nothing of that kind."""
    parts: float = 0
    """Of the answer for each aircraft that come later, each for itself: one for each place of @defer or @stream."""
    is_refused: bool = False
    """Whether a field that cannot be null may not be read: then nothing of the operation is executed."""
    places: Places = NO_PLACES
    """Places of the answer for each aircraft, deferred parts too."""


def selected_of_aircraft(info: GraphQLResolveInfo[Any], paths: tuple[tuple[str, ...], ...] = ((),)) -> Selection:
    """The selection on type Aircraft at these paths below the field that is being resolved, without what the request
    may not read.

    Raises CallerError for arguments that cannot be.
    """
    if info.path.prev is not None:
        return _read(info, paths)
    # Strawberry hands resolvers the coerced values alone, and not in graphql-core's container.
    variables: Any = info.variable_values
    known = operation_cache(info.operation, info.fragments, variables, info.context.scopes)
    return remembered(known, info.path.key, paths, lambda: _read(info, paths))


def remembered(
    known: OperationCache | None,
    root_field: object,
    paths: tuple[tuple[str, ...], ...],
    read: Callable[[], Selection],
) -> Selection:
    """The selection below a root field (by its name in the answer), read once an operation."""
    if known is None:
        return read()
    key = (Selection, root_field, paths)
    if key not in known:
        known[key] = read()
    selection: Selection = known[key]
    return selection


def _read(info: GraphQLResolveInfo[Any], paths: Iterable[tuple[str, ...]]) -> Selection:
    # Strawberry hands resolvers the coerced values alone, graphql-core's functions want them in their container.
    values = VariableValues({}, info.variable_values)  # type: ignore[arg-type]
    reader = Reader(info.schema, info.operation, info.fragments, values, info.context.scopes)
    return reader.selection([FieldDetails(node, None) for node in info.field_nodes], info.return_type, paths)


class Reader:
    """Walks selection sets and notes requests and links."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        scopes: frozenset[str],
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        self._variables = variables
        self.scopes = scopes
        self._top: FieldDetailsList = []
        self._now, self._later = _Noted([KNOWN]), _Noted([])
        self._parts = 0.0
        self._rows: dict[int, float] = {}
        self._known: dict[tuple[str, int], tuple[FieldDetailsList, GroupedFieldSet, int]] = {}
        self._marks = Sums(fragments, parts)
        self._is_refused = False
        self.fields_read = 0
        """Fields that were collected: what is remembered of an operation need not be read again."""

    def selection(self, top: FieldDetailsList, declared: Any, paths: Iterable[tuple[str, ...]]) -> Selection:
        """What is asked of the aircraft at these paths below a field of this type."""
        self._top, self._now, self._later = top, _Noted([KNOWN]), _Noted([])
        self._parts, self._is_refused = self.incremental(top), False
        for path in paths:
            for fields in self.descend(top, declared, path):
                self.read_aircraft(fields)
        named = _named(declared)
        places = self.places(named.name if isinstance(named, GraphQLObjectType) else "Aircraft", top)
        now, later = self._now, self._later
        known = set(now.requests)
        now.requests += [one for one in later.requests if one in known]
        now.links += [link for link in later.links if link[0] in known]
        deferred = _Noted([one for one in later.requests if one not in known])
        deferred.links += [link for link in later.links if link[0] not in known]
        return replace(
            now.selection(),
            deferred=deferred.selection() if deferred.requests else None,
            parts=self._parts,
            is_refused=self._is_refused,
            places=places,
        )

    def root_fields(self) -> GroupedFieldSet:
        """The operation's own fields, by their names in the answer."""
        declared = cast("GraphQLObjectType", self._schema.get_root_type(self._operation.operation))
        fields = collect_fields(
            self._schema, self._fragments, self._variables, declared, self._operation
        ).grouped_field_set
        self.fields_read += len(fields)
        return fields

    def arguments(self, parent: GraphQLObjectType, group: FieldDetailsList) -> dict[str, Any]:
        """The coerced arguments of a field. Raises GraphQLError for one that cannot be."""
        return self.arguments_of(parent.fields[group[0].node.name.value], group)

    def arguments_of(self, field: GraphQLField, group: FieldDetailsList) -> dict[str, Any]:
        """The coerced arguments of a field that is declared so. Raises GraphQLError for one that cannot be."""
        return get_argument_values(field, group[0].node, self._variables)

    def incremental(self, group: FieldDetailsList) -> int:
        """Places of @defer and @stream of a field and below it."""
        return sum(parts(one.node) + self._marks.of(one.node.selection_set) for one in group)

    def names(self, declared: Any, group: FieldDetailsList) -> list[str]:
        """The names of the fields that are selected of an object, each as often as the answer has it."""
        return [fields[0].node.name.value for fields in self._subfields(_named(declared), group).values()]

    def places(self, type_name: str, group: FieldDetailsList) -> Places:
        """The places of an object of this type with the field's selection set."""
        return PlaceCounter(self.subfields, self._rows).of(self._type(type_name), group)

    def descend(self, fields: FieldDetailsList, declared: Any, path: tuple[str, ...]) -> Iterator[FieldDetailsList]:
        """The fields at a path of field names; aliases apart, since each has its own arguments below."""
        if not path:
            yield fields
            return
        name, *rest = path
        declared = _named(declared)
        for group in self._subfields(declared, fields).values():
            if group[0].node.name.value == name:
                yield from self.descend(group, declared.fields[name].type, tuple(rest))

    def read_aircraft(self, fields: FieldDetailsList) -> None:
        aircraft = self._type("Aircraft")
        for group in self._subfields(aircraft, fields).values():
            name = group[0].node.name.value
            if name == "analysis":
                self._read_analysis(aircraft, group)
            elif name in _SECTION_OF_FIELD:
                self._note(_SECTION_OF_FIELD[name], aircraft, group, None)

    def _read_analysis(self, aircraft: GraphQLObjectType, group: FieldDetailsList) -> None:
        period = period_of(self.arguments(aircraft, group).get("period"))
        analysis = self._type("Analysis")
        for section_group in self._subfields(analysis, group).values():
            section = _SECTION_BY_NAME.get(section_group[0].node.name.value)
            if section is not None:
                self._note(section, analysis, section_group, period)

    def _note(
        self, section: type[Section], parent: GraphQLObjectType, group: FieldDetailsList, period: Period | None
    ) -> None:
        arguments = self.arguments(parent, group)
        asked = section_request(section, period, arguments.get("first"), after_of(section, arguments.get("after")))
        noted = self._later if is_deferred(group, self._top) else self._now
        if section.hidden:
            noted.requests.append(asked)
            noted.links += [(asked, position, column.kind) for position, column in section.links()]
            return
        names = {one.node.name.value for one in self._leaves(section, group)}
        if not issubclass(section, ListSection):
            wanted = frozenset(column.name for column in section.columns if column.graphql_name in names)
            asked = replace(asked, columns=wanted or frozenset([section.columns[0].name]))
        rows = rows_of(asked)
        self._parts += rows * self.incremental(group)
        if issubclass(section, ListSection):
            self._rows[id(group)] = rows
        noted.requests.append(asked)
        noted.links += [
            (asked, position, column.kind) for position, column in section.links() if column.graphql_name in names
        ]

    def _leaves(self, section: type[Section], group: FieldDetailsList) -> FieldDetailsList:
        below = self._subfields(self._type(section.type_name), group)
        return [one for fields in below.values() for one in fields]

    def subfields(self, parent: GraphQLObjectType, group: FieldDetailsList) -> tuple[GroupedFieldSet, int]:
        """The fields of an object that the request may read, the same ones each time, and how many it may not."""
        key = (parent.name, id(group))
        if key not in self._known:
            collected = collect_subfields(
                self._schema, self._fragments, self._variables, self._operation, parent, group
            ).grouped_field_set
            allowed = collected
            if not self.scopes >= FIELD_SCOPES:
                allowed = {name: below for name, below in collected.items() if self._may_read(parent, below)}
                denied = (parent.fields[collected[name][0].node.name.value] for name in collected.keys() - allowed)
                self._is_refused |= any(isinstance(field.type, GraphQLNonNull) for field in denied)
            self.fields_read += len(collected)
            # The group is kept with what it has, so that its id stays its own.
            self._known[key] = (group, allowed, len(collected) - len(allowed))
        return self._known[key][1:]

    def _subfields(self, parent: GraphQLObjectType, group: FieldDetailsList) -> GroupedFieldSet:
        return self.subfields(parent, group)[0]

    def _may_read(self, parent: GraphQLObjectType, group: FieldDetailsList) -> bool:
        field = parent.fields.get(group[0].node.name.value)
        return field is None or not missing_scope(field, self.scopes)

    def _type(self, name: str) -> GraphQLObjectType:
        return cast("GraphQLObjectType", self._schema.type_map[name])


@dataclass(slots=True)
class _Noted:
    """What a walk has met so far."""

    requests: list[SectionRequest]
    links: list[Link] = field(default_factory=list)

    def selection(self) -> Selection:
        return Selection(frozenset(merged(self.requests)), frozenset(self.links))


def _named(declared: Any) -> Any:
    while hasattr(declared, "of_type"):
        declared = declared.of_type
    return declared
