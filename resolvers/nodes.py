"""The Node interface, and the ids that `node` and `nodes` look up."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from resolvers.batching import BATCH, Batch

NODE_TYPES = ("Aircraft", "Airport", "Airline")
"""Names of the types that implement Node."""


@strawberry.interface(description="Anything that `node` can look up.")
class Node:
    """Fields that all node types have."""

    @strawberry.field(description="The key within the type: a tail number or a code.")
    def id(self) -> strawberry.ID:
        """Each type has its own."""
        raise NotImplementedError

    @strawberry.field(description="The id that `node` and `nodes` take: type and key, such as Aircraft:N725MQ.")
    def node_id(self) -> strawberry.ID:
        """Each type has its own."""
        raise NotImplementedError


def node_id_field(type_name: str, keys: Batch) -> Any:
    """Build the `nodeId` field of a node type, whose objects have these keys."""

    def batch(parents: Sequence[Any], arguments: Mapping[str, Any], context: Any) -> Sequence[str]:
        return [f"{type_name}:{key}" for key in keys(parents, arguments, context)]

    def resolve(root: Any) -> strawberry.ID:
        return strawberry.ID(batch([root], {}, None)[0])

    return strawberry.field(
        resolver=resolve,
        description=f"The id that `node` and `nodes` take: {type_name}: and the key.",
        metadata={BATCH: batch},
    )


def parse_node_id(node_id: str) -> tuple[str, str] | None:
    """Return the type's name and the key; None where the id names no type. The key may have colons of its own."""
    type_name, colon, key = node_id.partition(":")
    return (type_name, key) if colon and type_name in NODE_TYPES else None
