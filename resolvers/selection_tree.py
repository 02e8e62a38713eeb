"""The selection tree of an operation, with a node for each object type on each path from the root."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from loaders.model.databases import Table
from loaders.model.key_spaces import KeySpace
from loaders.model.resolver_functions import ResolverFunction
from loaders.model.shapes import Cardinality, Shape, ValueKind
from loaders.objects.tenant_values import needed_by
from loaders.statements.cost import LoadCost, load_cost
from loaders.statements.planning import unified
from loaders.statements.section_request import SectionRequest, merged, rows_of
from resolvers.places import NO_PLACES, Places

USUAL_REFERENCES = 20
"""References that a list of them is priced for at least, where the function takes no `first`."""


@dataclass(frozen=True, slots=True)
class Target:
    """Objects of one type: their keys, the request of their own columns, and where the key lies in these."""

    key_space: KeySpace
    record: SectionRequest | None
    """It tells whether an object exists; None for what is no object, such as the empty key of a page."""
    key_places: tuple[int, ...] = ()

    def key_of(self, row: Sequence[Any]) -> Any:
        """Return the key of the object whose own row this is."""
        if len(self.key_places) == 1:
            return row[self.key_places[0]]
        return tuple(row[place] for place in self.key_places)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function of the model, called once for all objects of a node, with arguments by name in their canonical form.

    Its answers lie with the objects' other values, where it is the key.
    """

    name: str
    function: ResolverFunction = field(compare=False)
    shape: Shape = field(compare=False)
    arguments: tuple[tuple[str, Any], ...] = ()

    @property
    def target(self) -> str:
        """The object type that its references are of; empty where it answers values."""
        return self.shape.type.__name__ if self.shape.kind is ValueKind.OBJECT else ""


@dataclass(frozen=True, slots=True)
class Follow:
    """A way from the rows of a request, or from the answers of a function, on to other objects.

    `position` is that of the column that holds their key; None where the rows are the objects' own records.
    """

    request: SectionRequest | FunctionCall
    position: int | None
    node: SelectionNode


@dataclass(frozen=True)
class SelectionNode:
    """The requests of objects of one type that are loaded together, and the ways on from their columns.

    It is remembered with its operation, and so is what is computed of it.
    """

    target: Target
    requests: frozenset[SectionRequest]
    follows: tuple[Follow, ...] = ()
    calls: tuple[FunctionCall, ...] = ()
    """Functions, which are called as soon as the objects' own columns are there, whatever is deferred."""
    deferred: SelectionNode | None = None
    """The requests of deferred parts alone, which may come later; None where there are none."""

    @cached_property
    def without_record(self) -> SelectionNode:
        """The node without the request of the record, which a list's rows answer."""
        return replace(self, requests=self.requests - {self.target.record})

    @cached_property
    def load_cost(self) -> LoadCost:
        """The cost of loading the requests of some objects, without what these lead to."""
        return load_cost(self.requests)

    @cached_property
    def tenant_tables(self) -> frozenset[Table]:
        """The tables of the tenant's own row whose values the requests need, and those of what they lead to."""
        below = [*(each.node for each in self.follows), *([self.deferred] if self.deferred is not None else [])]
        own = {value.table for value in needed_by(self.requests)}
        return frozenset(own).union(*(node.tenant_tables for node in below))

    @cached_property
    def rows(self) -> float:
        """About how many rows each object has, those of what it leads to among them but for their own records."""
        requests = {*self.requests, *(self.deferred.requests if self.deferred is not None else ())}
        follows = (*self.follows, *(self.deferred.follows if self.deferred is not None else ()))
        # The row of an own record is small, or that of the list.
        below = sum(rows_followed(each.request) * (each.node.rows - 1) for each in follows)
        return sum(map(rows_of, set(unified(requests).values()))) + below


def rows_followed(request: SectionRequest | FunctionCall) -> float:
    """Return about how many objects a way leads to from one: the rows of a request, or the references of a function."""
    if not isinstance(request, FunctionCall):
        return rows_of(request)
    return _references(request) if request.shape.cardinality is Cardinality.LIST else 1


def _references(call: FunctionCall) -> int:
    """Return about how many references a list has: its `first`, or as many as an argument that is a list has items."""
    arguments = dict(call.arguments)
    first = arguments.get("first")
    if isinstance(first, int):
        return max(first, 0)
    return max([USUAL_REFERENCES, *(len(value) for value in arguments.values() if isinstance(value, tuple))])


@dataclass(frozen=True, slots=True)
class Selection:
    """The selection below a root field, read: the tree of what it loads, and the places that it fills in the answer."""

    node: SelectionNode
    is_counted: bool = False
    """Whether a page's `totalCount` is asked for."""
    parts: float = 0
    """Parts of the answer for each object that come later: one for each place of @defer or @stream."""
    is_refused: bool = False
    """Whether a non-null field may not be read: then nothing of the operation is executed."""
    places: Places = NO_PLACES
    """Places of the answer for each object, deferred parts too."""
    tenant: str | None = None
    """The tenant whose cursors it holds, which no other tenant may use; None where no list in it follows a cursor."""


_Way = tuple[SectionRequest | FunctionCall, int | None]


@dataclass(slots=True)
class NodeBuilder:
    """A node while the selection is read. What is deferred is noted apart until it is known what is not."""

    target: Target
    now: list[SectionRequest] = field(default_factory=list)
    later: list[SectionRequest] = field(default_factory=list)
    calls: dict[FunctionCall, None] = field(default_factory=dict)
    follows: dict[_Way, NodeBuilder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.target.record is not None:
            self.now.append(replace(self.target.record, columns=frozenset()))

    def note(self, request: SectionRequest, *, is_deferred: bool) -> None:
        """Note a request."""
        (self.later if is_deferred else self.now).append(request)

    def call(self, call: FunctionCall) -> None:
        """Note a function, and the columns that it takes."""
        if self.target.record is not None:
            self.now.append(replace(self.target.record, columns=frozenset(call.function.columns)))
        self.calls[call] = None

    def way(self, request: SectionRequest | FunctionCall, position: int | None, target: Target) -> NodeBuilder:
        """Return the builder of the node that a way from a request leads to, the same one each time."""
        key = (request, position)
        if key not in self.follows:
            self.follows[key] = NodeBuilder(target)
        return self.follows[key]

    def node(self) -> SelectionNode:
        """Return the node. What is asked at once too does not come later."""
        known = set(self.now)
        requests = [*self.now, *(request for request in self.later if request in known)]
        rest = [request for request in self.later if request not in known]
        deferred = self._node(rest, self._ways(set(rest))) if rest else None
        node = self._node(requests, self._ways(known | self.calls.keys()), deferred)
        return replace(node, calls=tuple(self.calls))

    def _ways(self, requests: Set[SectionRequest | FunctionCall]) -> tuple[Follow, ...]:
        return tuple(
            Follow(request, position, builder.node())
            for (request, position), builder in self.follows.items()
            if request in requests
        )

    def _node(
        self, requests: list[SectionRequest], ways: tuple[Follow, ...], deferred: SelectionNode | None = None
    ) -> SelectionNode:
        whole = frozenset(map(_with_a_column, merged(requests)))
        return SelectionNode(self.target, whole, ways, deferred=deferred)


def _with_a_column(request: SectionRequest) -> SectionRequest:
    """Return the request; one that wants no column still tells whether there is a row."""
    if request.columns is None or request.columns:
        return request
    return replace(request, columns=frozenset([request.section.columns[0].name]))
