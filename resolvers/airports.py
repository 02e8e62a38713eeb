"""Airports."""

from typing import Any

import strawberry

from loaders.airports import Airport as AirportRecord
from resolvers.batching import BATCH, by_class, codes
from resolvers.nodes import Node, node_id_field


@strawberry.type(description="An airport, as the register of airports has it.")
class Airport(Node):
    """Resolved from the loader's record."""

    code: str = strawberry.field(description="FAA code, such as JFK.")
    name: str = strawberry.field(description="Name.")
    latitude: float = strawberry.field(description="Unit: degrees north.")
    longitude: float = strawberry.field(description="Unit: degrees east.")
    altitude_feet: int = strawberry.field(description="Altitude. Unit: feet.")
    utc_offset_hours: float = strawberry.field(description="Offset of standard time. Unit: hours from UTC.")
    time_zone: str | None = strawberry.field(description="IANA time zone, such as America/New_York; null if unknown.")

    @strawberry.field(description="The code.", metadata={BATCH: codes})
    def id(self) -> strawberry.ID:
        """The key."""
        return strawberry.ID(self.code)

    node_id: strawberry.ID = node_id_field("Airport", codes)

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: object) -> bool:
        """The loader's record is the type's value."""
        return isinstance(obj, AirportRecord)
