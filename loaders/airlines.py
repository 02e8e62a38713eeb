"""Airlines by their code, from PostgreSQL."""

from dataclasses import dataclass

from aiodataloader import DataLoader

from loaders.aligning import align
from loaders.keys import storable
from loaders.stores.protocols import RelationalStore

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


class AirlineByCodeLoader(DataLoader[str, Airline | None]):
    """Codes to airlines, in the order of the keys; None where the register lacks it. One statement a batch."""

    def __init__(self, postgres: RelationalStore) -> None:
        super().__init__()
        self._postgres = postgres

    async def batch_load_fn(self, keys: list[str]) -> list[Airline | None]:
        """Fetch, index, align."""
        rows = await self._postgres.rows(_AIRLINES_BY_CODE, storable(keys))
        return align(keys, (Airline(*row) for row in rows), lambda airline: airline.code)
