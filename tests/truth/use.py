"""How much the aircraft was flown, and with what rhythm."""

from datetime import timedelta
from itertools import pairwise

from tests.truth.case import (
    Case,
    Json,
    cancelled,
    completed,
    grouped,
    iso_day,
    mean,
    mean_delay,
    miles,
    percentile,
    share,
)
from tests.truth.records import FlightRow

NIGHT_HOURS = (22, 23, 0, 1, 2, 3, 4, 5)
_DAY = timedelta(days=1)


def utilization(case: Case) -> Json:
    """Air time and distance of what flew; flights and destinations of what was scheduled."""
    return {
        "flights": len(case.flights),
        "hoursFlown": sum(flight.air_time or 0 for flight in case.flights) / 60,
        "distanceMiles": miles(case.flights),
        "destinations": len({flight.destination for flight in case.flights}),
    }


def activity(case: Case) -> Json:
    """Days with a scheduled flight, and those between them without one."""
    days = {flight.date for flight in case.flights}
    first, last = min(days, default=None), max(days, default=None)
    span = (last - first).days + 1 if first and last else 0
    return {
        "firstDate": iso_day(first),
        "lastDate": iso_day(last),
        "daysActive": len(days),
        "idleDays": span - len(days),
    }


def legs_per_day(case: Case) -> Json:
    """Over days with a departure."""
    legs = [len(flights) for flights in grouped(case.departed, lambda flight: flight.date).values()]
    return {
        "days": len(legs),
        "meanLegs": mean(legs),
        "maxLegs": max(legs, default=0),
        "multiLegShare": share(sum(count > 1 for count in legs), len(legs)),
    }


def _in_order_of_departure(case: Case) -> list[FlightRow]:
    return sorted(case.departed, key=lambda flight: (flight.departed_at, flight.number))


def _within_two_dates(flight: FlightRow, following: FlightRow) -> bool:
    return following.date - flight.date <= _DAY


def turnarounds(case: Case) -> Json:
    """From each known arrival to the departure that follows, on the same or the next date.

    Some departures precede the arrival of the flight before them: those records can't both be of one aircraft.
    """
    gaps = [
        (following.departed_at - flight.arrived_at) / timedelta(minutes=1)
        for flight, following in pairwise(_in_order_of_departure(case))
        if flight.completed and flight.arrived_at is not None and _within_two_dates(flight, following)
    ]
    minutes = [gap for gap in gaps if gap > 0]
    return {
        "turnarounds": len(minutes),
        "meanMinutes": mean(minutes),
        "p50Minutes": percentile(minutes, 0.5),
        "minMinutes": min(map(int, minutes), default=None),
    }


def rotations(case: Case) -> Json:
    """From each departure to the one that follows."""
    pairs = list(pairwise(_in_order_of_departure(case)))
    gaps = [following.departed_at - flight.departed_at for flight, following in pairs]
    close = [gap for gap, pair in zip(gaps, pairs, strict=True) if _within_two_dates(*pair)]
    return {
        "rotations": len(pairs),
        "sameDay": sum(flight.date == following.date for flight, following in pairs),
        "meanHours": mean(gap / timedelta(hours=1) for gap in close),
        "longestGapDays": max((gap / _DAY for gap in gaps), default=None),
    }


def busiest_days(case: Case) -> Json:
    """Days with a departure."""
    days = sorted(grouped(case.departed, lambda flight: flight.date).items())
    return [
        {"date": iso_day(day), "legs": len(flights), "distanceMiles": miles(flights)}
        for day, flights in sorted(days, key=lambda item: -len(item[1]))
    ]


def night_flights(case: Case) -> Json:
    """By the scheduled hour in New York."""
    night = [flight for flight in case.flights if flight.hour in NIGHT_HOURS]
    return {
        "flights": len(night),
        "share": share(len(night), len(case.flights)),
        "meanArrivalDelay": mean_delay(night),
    }


def seasonality(case: Case) -> Json:
    """Quarters with a scheduled flight."""
    quarters = grouped(case.flights, lambda flight: (flight.date.month + 2) // 3)
    return [
        {
            "quarter": quarter,
            "flights": len(flights),
            "share": share(len(flights), len(case.flights)),
            "cancelledShare": share(cancelled(flights), len(flights)),
            "meanArrivalDelay": mean_delay(flights),
            "p95ArrivalDelay": percentile([flight.delay for flight in completed(flights)], 0.95),
        }
        for quarter, flights in sorted(quarters.items())
    ]
