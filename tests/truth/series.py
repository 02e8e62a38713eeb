"""Series: what has no flight is left out."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate

from tests.truth.case import Case, Json, Row, cancelled, grouped, iso_day, mean_delay, miles, on_time_share
from tests.truth.records import FlightRow


def _counts(flights: Sequence[FlightRow]) -> Row:
    return {
        "flights": len(flights),
        "cancelled": cancelled(flights),
        "meanArrivalDelay": mean_delay(flights),
    }


def monthly(case: Case) -> Json:
    """By the first day of the month."""
    months = grouped(case.flights, lambda flight: flight.date.replace(day=1))
    return [{"month": iso_day(month), **_counts(flights)} for month, flights in sorted(months.items())]


def weekly(case: Case) -> Json:
    """By the week's Monday."""
    weeks = grouped(case.flights, lambda flight: flight.date - timedelta(days=flight.date.weekday()))
    return [{"week": iso_day(week), **_counts(flights)} for week, flights in sorted(weeks.items())]


def daily(case: Case) -> Json:
    """By date."""
    days = grouped(case.flights, lambda flight: flight.date)
    return [
        {"date": iso_day(day), **_counts(flights), "distanceMiles": miles(flights)}
        for day, flights in sorted(days.items())
    ]


def by_weekday(case: Case) -> Json:
    """1 is Monday."""
    weekdays = grouped(case.flights, lambda flight: flight.date.isoweekday())
    return [
        {"weekday": weekday, **_counts(flights), "onTimeShare": on_time_share(flights)}
        for weekday, flights in sorted(weekdays.items())
    ]


def by_hour(case: Case) -> Json:
    """By the scheduled hour in New York."""
    hours = grouped(case.flights, lambda flight: flight.hour)
    return [
        {"hour": hour, **_counts(flights), "onTimeShare": on_time_share(flights)}
        for hour, flights in sorted(hours.items())
    ]


def cumulative_distance(case: Case) -> Json:
    """Over days with a departure."""
    days = sorted(grouped(case.departed, lambda flight: flight.date).items())
    flown = [miles(flights) for _, flights in days]
    return [
        {"date": iso_day(day), "distanceMiles": distance, "cumulativeMiles": total}
        for (day, _), distance, total in zip(days, flown, accumulate(flown), strict=True)
    ]
