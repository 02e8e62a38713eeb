"""What the aircraft does between the gates."""

from bisect import bisect_right
from datetime import datetime, timedelta

from tests.truth.case import Case, Json, grouped, mean, miles, percentile, share

HAUL_EDGES = (0, 500, 1000, 2000)


def speed(case: Case) -> Json:
    """Over flights whose air time is known."""
    mph = [flight.distance / (flight.air_time / 60) for flight in case.flights if flight.air_time]
    return {
        "flights": len(mph),
        "meanMph": mean(mph),
        "p50Mph": percentile(mph, 0.5),
        "maxMph": max(mph, default=None),
    }


def air_time(case: Case) -> Json:
    """Over flights whose air time is known."""
    minutes = [flight.air_time for flight in case.flights if flight.air_time is not None]
    return {
        "flights": len(minutes),
        "meanMinutes": mean(minutes),
        "p50Minutes": percentile(minutes, 0.5),
        "minMinutes": min(minutes, default=None),
        "maxMinutes": max(minutes, default=None),
        "totalHours": sum(minutes) / 60,
    }


def distance_profile(case: Case) -> Json:
    """Departed flights by length of haul."""
    bands = grouped(case.departed, lambda flight: HAUL_EDGES[bisect_right(HAUL_EDGES, flight.distance) - 1])
    return [
        {
            "fromMiles": edge,
            "flights": len(flights),
            "share": share(len(flights), len(case.departed)),
            "meanMiles": mean(flight.distance for flight in flights),
            "distanceMiles": miles(flights),
        }
        for edge, flights in sorted(bands.items())
    ]


def _minutes(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(minutes=1)


def block_time(case: Case) -> Json:
    """Completed flights whose arrival's instant is known."""
    block, scheduled, ground = [], [], []
    for flight in case.completed:
        if flight.arrived_at is not None and flight.scheduled_arrival is not None:
            block.append(_minutes(flight.departed_at, flight.arrived_at))
            scheduled.append(_minutes(flight.scheduled_departure, flight.scheduled_arrival))
            assert flight.air_time is not None
            ground.append(block[-1] - flight.air_time)
    return {
        "flights": len(block),
        "meanMinutes": mean(block),
        "meanScheduledMinutes": mean(scheduled),
        "p50Minutes": percentile(block, 0.5),
        "meanGroundMinutes": mean(ground),
    }
