"""Estimate the cost of an operation from its selection, before any store is asked.

A point is about ten microseconds of CPU, of the gateway and its stores together, with nothing cached. The points of
statements are in `loaders/statements/cost.py`; here are those of the gateway: it reads the operation, and completes
each place of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from resolvers.load_estimate import load_estimate, tenant_estimate
from resolvers.operations import operation_cache
from resolvers.root_field_costs import RootFieldCost, RootFieldCosts
from resolvers.selection_reader import SelectionReader

if TYPE_CHECKING:
    from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode
    from graphql.execution.values import VariableValues

    from resolvers.query_types import ModelTypes

REQUEST_POINTS = 60
"""Points of a request, whatever it asks: headers, JSON, the budget in Redis, the answer."""
OPERATION_POINTS = 20
"""Points of an operation, several of which may be in a batch."""
_READ_FIELD_POINTS = 1.2
"""Points of reading a field for the price alone, unless it is cached: its arguments are coerced."""


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
    """The points of making the estimate: what was cached of the operations was not read again."""
    operations: int = 0
    fields_read: int = 0
    root_fields: Sequence[RootFieldCost] = field(default=(), compare=False)
    errors: Sequence[GraphQLError] = field(default=(), compare=False)
    """Errors of fields that execution will refuse, each by itself, before it asks for anything: they cost nothing."""

    def objects(self) -> int:
        """Return the number of different objects that are named, and of those of pages and references."""
        waves = [wave for each in self.root_fields if not each.is_page for wave in each.waves]
        named: dict[str, set[Any]] = {}
        for wave in waves:
            named.setdefault(wave.node.target.key_space.name, set()).update(wave.keys)
        pages = sum(each.objects for each in self.root_fields if each.is_page)
        return sum(map(len, named.values())) + sum(wave.unknown for wave in waves) + pages

    def explaining(self) -> int:
        """Return the points of an explanation, which looks up each section of each object."""
        return round(sum(each.explaining() for each in self.root_fields))

    def report(self) -> dict[str, int]:
        """Return what the client is told."""
        return {"statements": self.statements, "rows": self.rows, "bytes": self.bytes, "points": self.points}


def estimate_cost(
    types: ModelTypes,
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
    scopes: frozenset[str],
    tenant: str = "",
) -> CostEstimate:
    """Return the cost of a valid operation with coerced variables, for a viewer of a tenant with these scopes.

    Fields with invalid arguments cost nothing. Raises GraphQLError for invalid directives of the operation's own
    fields.
    """
    reader = SelectionReader(types.parts, schema, operation, fragments, variables, scopes, tenant)
    known = operation_cache(operation, fragments, variables.coerced, scopes)  # what resolvers will look for
    costs = RootFieldCosts(types, schema, reader, known)
    fields = list(costs.root_fields())
    if any(each.is_refused for each in fields):  # nothing of it is executed
        fields = []
    return replace(_estimated(fields, 1, reader.fields_read), errors=costs.errors)


def combine_costs(estimates: Sequence[CostEstimate]) -> CostEstimate:
    """Return the cost of operations that are executed together, and so share their statements."""
    if len(estimates) == 1:
        return estimates[0]
    fields = [each for estimate in estimates for each in estimate.root_fields]
    operations = sum(estimate.operations for estimate in estimates)
    return _estimated(fields, operations, sum(estimate.fields_read for estimate in estimates))


def _estimated(fields: Sequence[RootFieldCost], operations: int, fields_read: int) -> CostEstimate:
    named = [wave for each in fields if not each.is_page for wave in each.waves]
    pages = [each.waves for each in fields if each.is_page]  # the objects of a page are known once it has come
    load = sum(map(load_estimate, [named, *pages]), tenant_estimate(wave for each in fields for wave in each.waves))
    request = REQUEST_POINTS + OPERATION_POINTS * operations
    return CostEstimate(
        statements=load.statements,
        rows=round(sum(each.rows for each in fields)),
        bytes=sum(each.bytes for each in fields),
        points=math.ceil(request + load.points + sum(each.completing for each in fields)),
        reading=math.ceil(request + _READ_FIELD_POINTS * fields_read),
        operations=operations,
        fields_read=fields_read,
        root_fields=fields,
    )
