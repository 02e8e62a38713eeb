"""Airlines."""

from typing import Any

import strawberry

from loaders.airlines import Airline as AirlineRecord
from resolvers.batching import BATCH, by_class, codes
from resolvers.nodes import Node, node_id_field


@strawberry.type(description="An airline.")
class Airline(Node):
    """Resolved from the loader's record."""

    code: str = strawberry.field(description="IATA code, such as UA.")
    name: str = strawberry.field(description="Name.")

    @strawberry.field(description="The code.", metadata={BATCH: codes})
    def id(self) -> strawberry.ID:
        """The key."""
        return strawberry.ID(self.code)

    node_id: strawberry.ID = node_id_field("Airline", codes)

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: object) -> bool:
        """The loader's record is the type's value."""
        return isinstance(obj, AirlineRecord)
