"""Airports by their code, from PostgreSQL."""

from dataclasses import dataclass

from aiodataloader import DataLoader

from loaders.aligning import align
from loaders.keys import storable
from loaders.stores.protocols import RelationalStore

_AIRPORTS_BY_CODE = """
select code, name, latitude, longitude, altitude_feet, utc_offset_hours::float8, dst, time_zone
from airport
where code = any($1::text[])
"""


@dataclass(frozen=True, slots=True)
class Airport:
    """An airport as the register of airports has it. Coordinates in degrees, altitude in feet."""

    code: str
    name: str
    latitude: float
    longitude: float
    altitude_feet: int
    utc_offset_hours: float
    dst: str
    time_zone: str | None


class AirportByCodeLoader(DataLoader[str, Airport | None]):
    """Codes to airports, in the order of the keys; None where the register lacks it. One statement a batch."""

    def __init__(self, postgres: RelationalStore) -> None:
        super().__init__()
        self._postgres = postgres

    async def batch_load_fn(self, keys: list[str]) -> list[Airport | None]:
        """Fetch, index, align."""
        rows = await self._postgres.rows(_AIRPORTS_BY_CODE, storable(keys))
        return align(keys, (Airport(*row) for row in rows), lambda airport: airport.code)
