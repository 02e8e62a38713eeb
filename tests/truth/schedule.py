"""Arrivals and departures against the timetable."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from itertools import groupby

from tests.truth.case import Case, Json, grouped, iso_day, mean, mean_delay, on_time_share, percentile, share
from tests.truth.records import ON_TIME_BELOW_MINUTES, FlightRow

DELAY_EDGES = (-60, -30, -15, 0, 15, 30, 60, 120, 240, 480)


def punctuality(case: Case) -> Json:
    """Over completed flights, but for the count."""
    delays = [flight.delay for flight in case.completed]
    return {
        "flights": len(case.flights),
        "meanArrivalDelay": mean(delays),
        "p50ArrivalDelay": percentile(delays, 0.5),
        "p95ArrivalDelay": percentile(delays, 0.95),
        "maxArrivalDelay": max(delays, default=None),
        "onTimeShare": on_time_share(case.flights),
    }


def departure_punctuality(case: Case) -> Json:
    """Over flights that departed."""
    delays = [flight.late_departure for flight in case.departed]
    return {
        "departures": len(delays),
        "meanDepartureDelay": mean(delays),
        "p50DepartureDelay": percentile(delays, 0.5),
        "p95DepartureDelay": percentile(delays, 0.95),
        "maxDepartureDelay": max(delays, default=None),
        "onTimeShare": share(sum(delay < ON_TIME_BELOW_MINUTES for delay in delays), len(delays)),
    }


def cancellations(case: Case) -> Json:
    """Over scheduled flights."""
    dates = [flight.date for flight in case.flights if flight.cancelled]
    return {
        "cancelled": len(dates),
        "share": share(len(dates), len(case.flights)),
        "lastCancelledOn": iso_day(max(dates, default=None)),
    }


def diversions(case: Case) -> Json:
    """Over flights that departed."""
    dates = [flight.date for flight in case.flights if flight.diverted]
    return {
        "diverted": len(dates),
        "share": share(len(dates), len(case.departed)),
        "lastDivertedOn": iso_day(max(dates, default=None)),
    }


def delay_distribution(case: Case) -> Json:
    """The bins that are not empty, from early to late."""
    bins = grouped(case.completed, lambda flight: bisect_right(DELAY_EDGES, flight.delay))
    return [
        {
            "fromMinutes": DELAY_EDGES[place - 1] if place > 0 else None,
            "toMinutes": DELAY_EDGES[place] if place < len(DELAY_EDGES) else None,
            "flights": len(flights),
            "share": share(len(flights), len(case.completed)),
        }
        for place, flights in sorted(bins.items())
    ]


def delay_percentiles(case: Case) -> Json:
    """Over completed flights."""
    delays = [flight.delay for flight in case.completed]
    return {f"p{level}": percentile(delays, level / 100) for level in (5, 10, 25, 50, 75, 90, 95, 99)}


def recovery(case: Case) -> Json:
    """Over completed flights."""
    recovered = [flight.recovered for flight in case.completed]
    return {
        "flights": len(recovered),
        "meanRecovered": mean(recovered),
        "p50Recovered": percentile(recovered, 0.5),
        "maxRecovered": max(recovered, default=None),
        "recoveredShare": share(sum(minutes > 0 for minutes in recovered), len(recovered)),
    }


def trend(case: Case) -> Json:
    """A line through the monthly means, one step a calendar month whether it had flights or not."""
    months = grouped(case.completed, lambda flight: flight.date.replace(day=1))
    delays = {month: mean_delay(flights) or 0.0 for month, flights in sorted(months.items())}
    return {
        "months": len(delays),
        "slope": _slope([(month.year * 12 + month.month, delay) for month, delay in delays.items()]),
        "bestMonth": iso_day(min(delays, key=lambda month: delays[month], default=None)),
        "worstMonth": iso_day(max(delays, key=lambda month: delays[month], default=None)),
    }


def _slope(points: Sequence[tuple[int, float]]) -> float | None:
    if len(points) < 2:
        return None
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    covariance = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return covariance / sum((x - middle_x) ** 2 for x, _ in points)


def streaks(case: Case) -> Json:
    """Runs of completed flights in the order of the schedule."""
    runs = [(on_time, list(run)) for on_time, run in groupby(case.completed, key=lambda flight: flight.on_time)]
    on_time_from, longest_on_time = _longest([run for on_time, run in runs if on_time])
    late_from, longest_late = _longest([run for on_time, run in runs if not on_time])
    return {
        "longestOnTime": longest_on_time,
        "longestOnTimeFrom": iso_day(on_time_from),
        "longestLate": longest_late,
        "longestLateFrom": iso_day(late_from),
        "currentOnTime": len(runs[-1][1]) if runs and runs[-1][0] else 0,
    }


def _longest(runs: Sequence[Sequence[FlightRow]]) -> tuple[date | None, int]:
    if not runs:
        return None, 0
    longest = max(runs, key=len)
    return longest[0].date, len(longest)
