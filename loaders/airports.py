"""Airports by their code, from PostgreSQL."""

from dataclasses import dataclass

from loaders.records import RecordKind, RecordLoader

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


class AirportByCodeLoader(RecordLoader[Airport]):
    """Codes to airports, in the order of the keys; None where the register lacks it. One statement a batch."""

    kind = RecordKind("airport", _AIRPORTS_BY_CODE, Airport)
