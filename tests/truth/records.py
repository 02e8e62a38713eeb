"""The records of the sample, as its files mean them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

ON_TIME_BELOW_MINUTES = 15
_DAY = timedelta(days=1)


class Period(NamedTuple):
    """New York's calendar dates, both inclusive; None is open."""

    first: date | None = None
    last: date | None = None

    def includes(self, day: date) -> bool:
        """Whether the date is in it."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


class Airport(NamedTuple):
    """A row of airports.csv."""

    code: str
    name: str
    zone: ZoneInfo | None


class Weather(NamedTuple):
    """What an airport reported for an hour; None where it did not."""

    temperature: float | None
    wind_speed: float | None
    wind_gust: float | None
    precipitation: float | None
    visibility: float | None


class Revision(NamedTuple):
    """A revision of an aircraft's entry in the register."""

    revision: int
    recorded_at: datetime
    recorded_by: str
    reason: str
    manufacturer: str | None
    model: str | None
    year: int | None
    seats: int | None
    engines: int | None
    engine_type: str | None
    type: str | None


@dataclass(frozen=True, slots=True)
class FlightRow:
    """A scheduled flight."""

    date: date
    hour: int
    scheduled_hour: datetime
    scheduled_departure: datetime
    arrival_clock: int
    carrier: str
    number: int
    tail_number: str | None
    origin: str
    destination: str
    destination_zone: ZoneInfo | None
    distance: int
    air_time: int | None
    departure_delay: int | None
    arrival_delay: int | None
    cancelled: bool

    @property
    def departed(self) -> bool:
        """Whether it left the gate."""
        return not self.cancelled

    @property
    def completed(self) -> bool:
        """Whether it arrived where it was to arrive."""
        return not self.cancelled and self.arrival_delay is not None

    @property
    def diverted(self) -> bool:
        """Whether it left and did not arrive as planned."""
        return not self.cancelled and self.arrival_delay is None

    @property
    def status(self) -> str:
        """CANCELLED, DIVERTED or COMPLETED."""
        if self.cancelled:
            return "CANCELLED"
        return "COMPLETED" if self.completed else "DIVERTED"

    @property
    def delay(self) -> int:
        """The arrival delay of a completed flight."""
        assert self.arrival_delay is not None
        return self.arrival_delay

    @property
    def late_departure(self) -> int:
        """The departure delay of a flight that departed."""
        assert self.departure_delay is not None
        return self.departure_delay

    @property
    def recovered(self) -> int:
        """Delay that a completed flight made up between departure and arrival."""
        return self.late_departure - self.delay

    @property
    def on_time(self) -> bool:
        """Whether it was completed under 15 minutes late."""
        return self.completed and self.delay < ON_TIME_BELOW_MINUTES

    @property
    def place(self) -> tuple[datetime, str, int, str]:
        """Its place in the order of the schedule."""
        return self.scheduled_departure, self.carrier, self.number, self.origin

    @property
    def departed_at(self) -> datetime:
        """When a flight that departed left the gate."""
        return self.scheduled_departure + timedelta(minutes=self.late_departure)

    @property
    def scheduled_arrival(self) -> datetime | None:
        """When the destination's clock first shows the scheduled arrival after the scheduled departure."""
        if self.destination_zone is None:
            return None
        return next_showing(self.destination_zone, self.arrival_clock, self.scheduled_departure)

    @property
    def arrived_at(self) -> datetime | None:
        """When a completed flight reached the gate; None where the destination's time zone is not known."""
        scheduled = self.scheduled_arrival
        return None if scheduled is None else scheduled + timedelta(minutes=self.delay)


def next_showing(zone: ZoneInfo, clock: int, after: datetime) -> datetime | None:
    """The first instant after another, within a day, at which the zone's clocks show hhmm; 2400 is 0000."""
    shown = time(clock // 100 % 24, clock % 100)
    today = after.astimezone(zone).date()
    local = [datetime.combine(today + days * _DAY, shown, zone) for days in (0, 1)]
    instants = [moment.replace(fold=fold).astimezone(UTC) for moment in local for fold in (0, 1)]
    real = [instant for instant in instants if instant.astimezone(zone).time() == shown]
    return min((instant for instant in real if after < instant <= after + _DAY), default=None)
