"""What stands out, and what is not there."""

from math import sqrt

from tests.truth.case import Case, Json, completed, grouped, iso_day, mean_delay, share

MAX_DEVIATIONS = 3


def outlier_days(case: Case) -> Json:
    """Days whose mean arrival delay is far from the mean of the days."""
    days = sorted(grouped(case.completed, lambda flight: flight.date).items())
    delays = [mean_delay(flights) or 0.0 for _, flights in days]
    if not delays:
        return []
    middle = sum(delays) / len(delays)
    deviation = sqrt(sum((delay - middle) ** 2 for delay in delays) / len(delays))
    return [
        {
            "date": iso_day(day),
            "flights": len(completed(flights)),
            "meanArrivalDelay": delay,
            "deviations": (delay - middle) / deviation,
        }
        for (day, flights), delay in zip(days, delays, strict=True)
        if abs(delay - middle) > MAX_DEVIATIONS * deviation
    ]


def missing_data(case: Case) -> Json:
    """Over scheduled flights."""
    without = [(flight.cancelled, flight.arrival_delay is None, flight.air_time is None) for flight in case.flights]
    return {
        "flights": len(without),
        "withoutDepartureTime": sum(departure for departure, _, _ in without),
        "withoutArrivalDelay": sum(arrival for _, arrival, _ in without),
        "withoutAirTime": sum(air_time for _, _, air_time in without),
        "incompleteShare": share(sum(any(lacks) for lacks in without), len(without)),
    }
