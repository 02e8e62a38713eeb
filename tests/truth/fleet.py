"""What the comparisons are with, added up once for each period."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache, cached_property

from tests.truth.case import Row, share
from tests.truth.data import Sample
from tests.truth.records import FlightRow, Period


@dataclass(slots=True)
class Tally:
    """Flights of one kind."""

    flights: int = 0
    cancelled: int = 0
    completed: int = 0
    on_time: int = 0
    delay: int = 0
    tail_numbers: set[str] = field(default_factory=set)

    def add(self, flight: FlightRow) -> None:
        """Counts one."""
        self.flights += 1
        self.cancelled += flight.cancelled
        if flight.tail_number is not None:
            self.tail_numbers.add(flight.tail_number)
        if flight.completed:
            self.completed += 1
            self.on_time += flight.on_time
            self.delay += flight.delay

    @property
    def mean_delay(self) -> float | None:
        """Over completed flights."""
        return share(self.delay, self.completed)

    @property
    def on_time_share(self) -> float | None:
        """On time over completed."""
        return share(self.on_time, self.completed)

    def as_row(self) -> Row:
        """What the benchmarks say."""
        return {
            "aircraft": len(self.tail_numbers),
            "flights": self.flights,
            "meanArrivalDelay": self.mean_delay,
            "onTimeShare": self.on_time_share,
            "cancelledShare": share(self.cancelled, self.flights),
        }


@dataclass(frozen=True, eq=False)
class Fleet:
    """All flights of a period, those of unnamed aircraft too."""

    sample: Sample
    period: Period

    @cached_property
    def _flights(self) -> list[FlightRow]:
        return [flight for flight in self.sample.flights if self.period.includes(flight.date)]

    @cached_property
    def of_airline(self) -> dict[str, Tally]:
        """By code."""
        tallies: dict[str, Tally] = defaultdict(Tally)
        for flight in self._flights:
            tallies[flight.carrier].add(flight)
        return dict(tallies)

    @cached_property
    def of_route(self) -> dict[tuple[str, str], Tally]:
        """By the codes of both ends."""
        tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
        for flight in self._flights:
            tallies[flight.origin, flight.destination].add(flight)
        return dict(tallies)

    @cached_property
    def of_model(self) -> dict[str, Tally]:
        """By the model that the register has now."""
        models = {tail: revision.model for tail in self.sample.register if (revision := self.sample.latest(tail))}
        tallies: dict[str, Tally] = defaultdict(Tally)
        for flight in self._flights:
            model = models.get(flight.tail_number) if flight.tail_number else None
            if model is not None:
                tallies[model].add(flight)
        return dict(tallies)

    @cached_property
    def on_time_shares(self) -> dict[str, float]:
        """Of the named aircraft with a completed flight."""
        tallies: dict[str, Tally] = defaultdict(Tally)
        for flight in self._flights:
            if flight.tail_number is not None and flight.completed:
                tallies[flight.tail_number].add(flight)
        return {tail: tally.on_time / tally.completed for tail, tally in tallies.items()}


@cache
def fleet(sample: Sample, period: Period) -> Fleet:
    """Built on the first call for a period."""
    return Fleet(sample, period)


def rank(value: float, among: list[float]) -> tuple[int, float | None]:
    """Place from the top, where equals share the best; and the lower part of the others."""
    place = 1 + sum(other > value for other in among)
    return place, share(sum(other < value for other in among), len(among) - 1)
