"""The dataloaders of one request, over the stores of the process."""

from dataclasses import dataclass

from loaders.airlines import AirlineByCodeLoader
from loaders.airports import AirportByCodeLoader
from loaders.cache.cache import Cache
from loaders.cached_sections import CachedSections
from loaders.fleet import FleetLoader
from loaders.section_statements import SectionStatements
from loaders.sections import SectionLoader
from loaders.stores.protocols import AnalyticalStore, RelationalStore


@dataclass(frozen=True, slots=True)
class RequestLoaders:
    """The dataloaders of one request, created inside the running loop, so that requests never share loaded values."""

    sections: SectionLoader
    airports: AirportByCodeLoader
    airlines: AirlineByCodeLoader
    fleet: FleetLoader
    cached: CachedSections | None = None
    """The cached source of the sections; None without a cache."""

    async def release(self) -> None:
        """Free what was loaded."""
        self.airports.clear_all()
        self.airlines.clear_all()
        await self.sections.release()

    @classmethod
    def over(
        cls, postgres: RelationalStore, clickhouse: AnalyticalStore, cache: Cache | None = None
    ) -> "RequestLoaders":
        """Create loaders that have loaded nothing yet. Without a cache, they load everything from the stores."""
        statements = SectionStatements(postgres, clickhouse)
        cached = CachedSections(cache, statements) if cache is not None else None
        return cls(
            SectionLoader(cached or statements),
            AirportByCodeLoader(postgres, cache),
            AirlineByCodeLoader(postgres, cache),
            FleetLoader(postgres),
            cached,
        )
