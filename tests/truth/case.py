"""One aircraft in one period, and the arithmetic that the sections share."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from math import floor
from typing import TypeAlias, TypeVar

from tests.truth.data import Sample
from tests.truth.records import FlightRow, Period

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Row: TypeAlias = dict[str, Json]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Case:
    """An aircraft's flights of a period, in the order of the schedule."""

    sample: Sample
    tail_number: str
    period: Period

    @cached_property
    def flights(self) -> list[FlightRow]:
        """Every scheduled flight."""
        return [f for f in self.sample.flights_of.get(self.tail_number, []) if self.period.includes(f.date)]

    @cached_property
    def departed(self) -> list[FlightRow]:
        """Those that left the gate."""
        return [flight for flight in self.flights if flight.departed]

    @cached_property
    def completed(self) -> list[FlightRow]:
        """Those that arrived as planned."""
        return completed(self.flights)

    def airport(self, code: str) -> Row | None:
        """The link to an airport; None where the file of airports lacks it."""
        airport = self.sample.airports.get(code)
        return {"code": code, "name": airport.name} if airport else None

    def airline(self, code: str) -> Row | None:
        """The link to an airline; None where the file of airlines lacks it."""
        name = self.sample.airlines.get(code)
        return {"code": code, "name": name} if name else None


def completed(flights: Iterable[FlightRow]) -> list[FlightRow]:
    """Those that arrived as planned."""
    return [flight for flight in flights if flight.completed]


def cancelled(flights: Iterable[FlightRow]) -> int:
    """How many never departed."""
    return sum(flight.cancelled for flight in flights)


def mean(values: Iterable[float]) -> float | None:
    """None over nothing."""
    known = list(values)
    return sum(known) / len(known) if known else None


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def percentile(values: Iterable[float], level: float) -> float | None:
    """The value at place floor(level * n) of n sorted values; None over nothing."""
    ordered = sorted(values)
    return float(ordered[min(floor(level * len(ordered)), len(ordered) - 1)]) if ordered else None


def mean_delay(flights: Iterable[FlightRow]) -> float | None:
    """Mean arrival delay of those that were completed."""
    return mean(flight.delay for flight in flights if flight.completed)


def mean_departure_delay(flights: Iterable[FlightRow]) -> float | None:
    """Mean departure delay of those that departed."""
    return mean(flight.late_departure for flight in flights if flight.departed)


def on_time_share(flights: Iterable[FlightRow]) -> float | None:
    """Those on time over those completed."""
    done = completed(flights)
    return share(sum(flight.on_time for flight in done), len(done))


def miles(flights: Iterable[FlightRow]) -> int:
    """Distance of the flights that were not cancelled."""
    return sum(flight.distance for flight in flights if flight.departed)


def grouped(flights: Iterable[FlightRow], key: Callable[[FlightRow], Key]) -> dict[Key, list[FlightRow]]:
    """The flights by a property of theirs; in each group the order stays."""
    groups = defaultdict(list)
    for flight in flights:
        groups[key(flight)].append(flight)
    return dict(groups)


def by_flights(groups: Mapping[Key, list[FlightRow]]) -> list[tuple[Key, list[FlightRow]]]:
    """The groups, the largest first, then by key."""
    return sorted(sorted(groups.items(), key=lambda group: str(group[0])), key=lambda group: -len(group[1]))


def iso_day(value: date | None) -> str | None:
    """A date as GraphQL writes it."""
    return None if value is None else value.isoformat()


def iso_instant(value: datetime) -> str:
    """An instant as GraphQL writes it."""
    return value.isoformat()
