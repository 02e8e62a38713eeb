"""The Node interface, and which loader a node's id belongs to."""

import strawberry


@strawberry.interface(description="Anything that `node` can look up.")
class Node:
    """What all nodes have."""

    @strawberry.field(description="The key within the type: a tail number or a code.")
    def id(self) -> strawberry.ID:
        """Each type has its own."""
        raise NotImplementedError
