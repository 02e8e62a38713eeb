"""Price the operations of a schema: those of the sample fleet by its own code, those of a model by the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from resolvers import cost_estimate, pricing

if TYPE_CHECKING:
    from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode
    from graphql.execution.values import VariableValues

    from resolvers.query_types import ModelTypes

CostEstimate = pricing.CostEstimate | cost_estimate.CostEstimate

Estimate = Callable[
    ["OperationDefinitionNode", "Mapping[str, FragmentDefinitionNode]", "VariableValues", "frozenset[str]", str],
    CostEstimate,
]
"""Returns the cost of a valid operation with its fragments, coerced variables, the viewer's scopes and tenant (empty
for a model without tenants). Raises GraphQLError for invalid directives of the operation's own fields."""


@dataclass(frozen=True, slots=True)
class Pricing:
    """Prices the operations of one schema. `nothing` is the cost of an operation that is not executed."""

    estimate: Estimate
    combine: Callable[[Sequence[Any]], CostEstimate]
    nothing: CostEstimate

    @classmethod
    def of_fleet(cls, schema: GraphQLSchema) -> Pricing:
        """Return the pricing of the sample fleet, whose engine does not read models yet."""

        def estimate(
            operation: OperationDefinitionNode,
            fragments: Mapping[str, FragmentDefinitionNode],
            variables: VariableValues,
            scopes: frozenset[str],
            _tenant: str,
        ) -> CostEstimate:
            return pricing.estimate_cost(schema, operation, fragments, variables, scopes)

        return cls(estimate, pricing.combine_costs, pricing.CostEstimate())

    @classmethod
    def of_model(cls, schema: GraphQLSchema, types: ModelTypes) -> Pricing:
        """Return the pricing of a schema that was made from a model."""
        estimate = partial(cost_estimate.estimate_cost, types, schema)
        return cls(estimate, cost_estimate.combine_costs, cost_estimate.CostEstimate())
