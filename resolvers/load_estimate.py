"""Estimate the statements and points of loading a selection with nothing cached, level by level of its tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from loaders.model.databases import Table
from loaders.model.key_spaces import KeySpace
from loaders.statements.cost import RECORDS_POINTS, load_cost
from resolvers.selection_tree import FunctionCall, SelectionNode, rows_followed


class LoadEstimate(NamedTuple):
    """Statements and their points."""

    statements: int = 0
    points: float = 0

    def __add__(self, other: object) -> LoadEstimate:
        if not isinstance(other, LoadEstimate):
            return NotImplemented
        return LoadEstimate(self.statements + other.statements, self.points + other.points)


class Wave(NamedTuple):
    """A node that is loaded for these keys, as they were given, or for objects that a function refers to."""

    node: SelectionNode
    keys: Sequence[Any] = ()
    unknown: int = 0
    """Objects whose keys are not known before the function has answered."""

    @property
    def objects(self) -> int:
        """The number of objects, counting duplicates."""
        return len(self.keys) + self.unknown


@dataclass(slots=True)
class _Together:
    """Nodes of one key space that are loaded together, and their keys: each object is asked the requests of all."""

    nodes: list[SelectionNode] = field(default_factory=list)
    keys: set[Any] = field(default_factory=set)
    others: float = 0
    """Objects whose keys are not known yet."""

    def load_estimate(self) -> LoadEstimate:
        nodes = self.nodes
        cost = nodes[0].load_cost if len(nodes) == 1 else load_cost(set().union(*(node.requests for node in nodes)))
        return LoadEstimate(cost.statements, cost.points.total(len(self.keys) + self.others))


_Level = list[tuple[SelectionNode, float, Sequence[Any]]]
"""Nodes with the number of their objects, and their keys where these are known."""


def load_estimate(waves: Iterable[Wave]) -> LoadEstimate:
    """Return what it takes to load some nodes together, then what they lead to, and so on.

    Objects below a list count as many times as the product of the lists' `first` above them. What is deferred is loaded
    after its level, and what it leads to after that.
    """
    return _levels([(wave.node, len(set(wave.keys)) + wave.unknown, wave.keys) for wave in waves if wave.objects])


def tenant_estimate(waves: Iterable[Wave]) -> LoadEstimate:
    """Return what it takes to load the tenant's own values, such as a time zone: once, whatever needs them."""
    tables = frozenset[Table]().union(*(wave.node.tenant_tables for wave in waves if wave.objects))
    return LoadEstimate(len(tables), RECORDS_POINTS * len(tables))


def _levels(level: _Level) -> LoadEstimate:
    load = LoadEstimate()
    while level:
        load += _level_estimate(level)
        load += _levels([(node.deferred, objects, keys) for node, objects, keys in level if node.deferred])
        level = [each for node, objects, _ in level for each in _below(node, objects)]
    return load


def _level_estimate(level: _Level) -> LoadEstimate:
    together: dict[KeySpace, _Together] = {}
    functions = 0.0
    for node, objects, keys in level:
        functions += objects * sum(call.function.points for call in node.calls)
        group = together.setdefault(node.target.key_space, _Together())
        group.nodes.append(node)
        group.keys.update(keys)
        group.others += 0 if keys else objects
    return sum(map(_Together.load_estimate, together.values()), LoadEstimate(points=functions))


def _below(node: SelectionNode, objects: float) -> _Level:
    """Return a node's child nodes. Rows of a list include the records of its objects, so these are not loaded again."""
    level: _Level = []
    for follow in node.follows:
        below = follow.node
        if follow.position is None and not isinstance(follow.request, FunctionCall):
            below = below.without_record
        level.append((below, _bounded(below, objects * rows_followed(follow.request)), ()))
    return level


def _bounded(node: SelectionNode, objects: float) -> float:
    """Return the number of objects, which is no greater than that of the rows of their table."""
    over = node.target.record.section.over if node.target.record is not None else None
    rows = over.options.rows if isinstance(over, Table) else 0
    return min(objects, rows) if rows else objects
