"""Series: the same few figures along the calendar and the clock. What has no flight is left out."""

from loaders.catalogue.declaration import ListSection, count, day, grouped, minutes, ratio
from loaders.catalogue.sources import DAY_DISTANCES, FLIGHTS

_FLIGHTS = count("count()", "Scheduled flights, cancelled ones too.")
_CANCELLED = count("countIf(cancelled)", "Flights that never departed.")
_MEAN_ARRIVAL_DELAY = minutes("avg(arrival_delay)", "Mean arrival delay of completed flights.")
_ON_TIME_SHARE = ratio(
    "countIf(on_time)", "countIf(completed)", "Completed flights that arrived under 15 minutes late."
)


class Monthly(ListSection):
    """Month by month, in order."""

    type_name = "Month"
    relation = FLIGHTS
    usual = 12
    first = 120
    in_order = True
    month = grouped(day("toStartOfMonth(date)", "First day of the month."))
    flights = _FLIGHTS
    cancelled = _CANCELLED
    mean_arrival_delay = _MEAN_ARRIVAL_DELAY


class Weekly(ListSection):
    """Week by week, in order."""

    type_name = "Week"
    relation = FLIGHTS
    usual = 45
    first = 530
    in_order = True
    week = grouped(day("toMonday(date)", "Monday of the week."))
    flights = _FLIGHTS
    cancelled = _CANCELLED
    mean_arrival_delay = _MEAN_ARRIVAL_DELAY


class Daily(ListSection):
    """Day by day, in order."""

    type_name = "Day"
    relation = FLIGHTS
    usual = 200
    first = 366
    most = 4_000
    in_order = True
    date = grouped(day("date", "The day."))
    flights = _FLIGHTS
    cancelled = _CANCELLED
    mean_arrival_delay = _MEAN_ARRIVAL_DELAY
    distance_miles = count("sumIf(distance, departed)", "Distance of the flights that were not cancelled.", "miles")


class ByWeekday(ListSection):
    """By day of the week."""

    type_name = "Weekday"
    relation = FLIGHTS
    usual = 7
    first = 7
    weekday = grouped(count("toDayOfWeek(date)", "1 for Monday to 7 for Sunday (ISO 8601).", ""))
    flights = _FLIGHTS
    cancelled = _CANCELLED
    mean_arrival_delay = _MEAN_ARRIVAL_DELAY
    on_time_share = _ON_TIME_SHARE


class ByHour(ListSection):
    """By hour of the scheduled departure."""

    type_name = "Hour"
    relation = FLIGHTS
    usual = 16
    first = 24
    hour = grouped(count("toUInt8(hour)", "Hour of the scheduled departure, New York's time, 0 to 23.", ""))
    flights = _FLIGHTS
    cancelled = _CANCELLED
    mean_arrival_delay = _MEAN_ARRIVAL_DELAY
    on_time_share = _ON_TIME_SHARE


class CumulativeDistance(ListSection):
    """Distance flown up to and including each day with a departure, in order."""

    type_name = "DistanceToDate"
    relation = DAY_DISTANCES
    usual = 200
    first = 366
    most = 4_000
    order = ("date",)
    date = day("date", "The day.")
    distance_miles = count("distance", "Distance flown on the day.", "miles")
    cumulative_miles = count(
        "cumulative_distance", "Distance flown since the aircraft's first flight, or since the period began.", "miles"
    )
