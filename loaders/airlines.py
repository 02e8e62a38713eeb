"""Airlines by their code, from PostgreSQL."""

from dataclasses import dataclass

from loaders.records import RecordKind, RecordLoader

_AIRLINES_BY_CODE = """
select code, name
from airline
where code = any($1::text[])
"""


@dataclass(frozen=True, slots=True)
class Airline:
    """An airline: its two-character IATA code and its name."""

    code: str
    name: str


class AirlineByCodeLoader(RecordLoader[Airline]):
    """Codes to airlines, in the order of the keys; None where the register lacks it. One statement a batch."""

    kind = RecordKind("airline", _AIRLINES_BY_CODE, Airline)
