"""The sources and relations that sections are declared over, and SQL that several of them share."""

from loaders.catalogue.declaration import REGISTERED, Cohort, Relation, Source, Store

FLIGHT_TABLE = Source("flights", Store.CLICKHOUSE)
WEATHER_JOIN = Source("flights_with_weather", Store.CLICKHOUSE)
WHOLE_FLEET = Source("whole_fleet", Store.CLICKHOUSE, shared=True)
MODEL_FLEET = Source(
    "model_fleet",
    Store.CLICKHOUSE,
    Cohort("""
        select model as cohort, array_agg(tail_number order by tail_number) as members
        from aircraft
        where model in (select model from aircraft where tail_number = any($1::text[]))
        group by model
        """),
    shared=True,
)
AIRCRAFT_TABLE = Source("aircraft", Store.POSTGRES, periodic=False, freshness=REGISTERED)
REGISTER_TABLE = Source("register", Store.POSTGRES, periodic=False, freshness=REGISTERED)
REGISTERED_FLEET = Source("registered_fleet", Store.POSTGRES, periodic=False, shared=True, freshness=REGISTERED)

FLIGHTS = Relation(FLIGHT_TABLE, "flights", "$asked")
COMPLETED = Relation(FLIGHT_TABLE, "flights", "$asked and completed")
DEPARTED = Relation(FLIGHT_TABLE, "flights", "$asked and departed")

DAYS = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, date, count() as flights, countIf(departed) as legs,
            sumIf(distance, departed) as distance, avg(arrival_delay) as mean_arrival_delay
        from flights where $asked
        group by tail_number, date
    )""",
)
MONTHS = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, toStartOfMonth(date) as month, avg(arrival_delay) as mean_arrival_delay
        from flights where $asked
        group by tail_number, month
        having mean_arrival_delay is not null
    )""",
)
DESTINATIONS = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, toString(destination) as destination, max(distance) as distance, count() as flights
        from flights where $asked
        group by tail_number, destination
    )""",
)
# Both ends of every scheduled flight, so that an airport's departures and arrivals are one row.
CALLS = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, call.1 as code, call.2 as departing
        from flights
        array join [(toString(origin), true), (toString(destination), false)] as call
        where $asked
    )""",
)
# One row a departure that follows another: the gap between the two. Flights whose instants are unknown are left out.
ROTATIONS = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, date, departed_at, previous_departure, previous_arrival, previous_date
        from (
            select tail_number, date, departed_at,
                lagInFrame(departed_at) over sequence as previous_departure,
                lagInFrame(arrived_at) over sequence as previous_arrival,
                lagInFrame(toNullable(date)) over sequence as previous_date
            from flights where $asked and departed
            window sequence as (
                partition by tail_number order by departed_at, flight_number
                rows between unbounded preceding and current row
            )
        )
        where previous_departure is not null
    )""",
)
# One row a run of completed flights that were all on time, or all late: the two numberings differ by the same amount
# for as long as a run lasts.
STREAKS = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, punctual, count() as length, min(date) as first_date, max(place) as last_place
        from (
            select tail_number, date, (scheduled_departure, carrier, flight_number, origin) as place,
                on_time as punctual,
                row_number() over (
                    partition by tail_number order by scheduled_departure, carrier, flight_number, origin
                )
                - row_number() over (
                    partition by tail_number, punctual order by scheduled_departure, carrier, flight_number, origin
                ) as run
            from flights where $asked and completed
        )
        group by tail_number, punctual, run
    )""",
)
DAY_DEVIATIONS = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, date, flights, mean_arrival_delay, (mean_arrival_delay - centre) / spread as deviations
        from (
            select tail_number, date, flights, mean_arrival_delay,
                avg(mean_arrival_delay) over (partition by tail_number) as centre,
                stddevPop(mean_arrival_delay) over (partition by tail_number) as spread
            from (
                select tail_number, date, countIf(completed) as flights, avg(arrival_delay) as mean_arrival_delay
                from flights where $asked and completed
                group by tail_number, date
            )
        )
        where abs(mean_arrival_delay - centre) > 3 * spread and spread > 0
    )""",
)
DAY_DISTANCES = Relation(
    FLIGHT_TABLE,
    """(
        select tail_number, date, distance,
            sum(distance) over (
                partition by tail_number order by date rows between unbounded preceding and current row
            ) as cumulative_distance
        from (
            select tail_number, date, sum(distance) as distance
            from flights where $asked and departed
            group by tail_number, date
        )
    )""",
)

# Weather is that of the origin in the hour of the scheduled departure.
WEATHER = Relation(
    WEATHER_JOIN,
    """(
        select f.tail_number as tail_number, f.departed as departed, f.cancelled as cancelled,
            f.departure_delay as departure_delay, f.arrival_delay as arrival_delay,
            w.temperature_f as temperature_f, w.wind_speed_mph as wind_speed_mph, w.wind_gust_mph as wind_gust_mph,
            w.visibility_miles as visibility_miles, w.precipitation_inches as precipitation_inches,
            w.origin != '' as observed
        from (
            select tail_number, departed, cancelled, departure_delay, arrival_delay, toString(origin) as origin,
                weather_hour
            from flights where $asked
        ) as f
        any left join (
            select toString(origin) as origin, observed_at, temperature_f, wind_speed_mph, wind_gust_mph,
                visibility_miles, precipitation_inches
            from weather
        ) as w on w.origin = f.origin and w.observed_at = f.weather_hour
    )""",
)


def most_frequent(code: str) -> str:
    """The value of `code` that most rows hold, the lowest of equals; null over nothing."""
    counts = f"sumMap([toString({code})], [toUInt32(1)])"
    ranked = f"arraySort(pair -> (-toInt64(pair.2), pair.1), arrayZip({counts}.1, {counts}.2))"
    return f"nullIf({ranked}[1].1, '')"


# The aircraft's main carrier beside that carrier's figures over all its flights.
CARRIER_BENCHMARKS = Relation(
    WHOLE_FLEET,
    f"""(
        select own.tail_number as tail_number, carriers.*
        from (
            select tail_number, {most_frequent("carrier")} as main_carrier
            from flights where $asked
            group by tail_number
        ) as own
        inner join (
            select toString(carrier) as carrier, count() as flights,
                uniqExactIf(tail_number, tail_number != '') as aircraft, avg(arrival_delay) as mean_arrival_delay,
                countIf(on_time) / nullIf(countIf(completed), 0) as on_time_share,
                countIf(cancelled) / count() as cancelled_share
            from flights where true $period
            group by carrier
        ) as carriers on carriers.carrier = own.main_carrier
    )""",
)
FLEET_RANKS = Relation(
    WHOLE_FLEET,
    """(
        select tail_number, on_time_share, worse, ranked, 1 + better as rank
        from (
            select tail_number, on_time_share, count() over () as ranked,
                rank() over (order by on_time_share) - 1 as worse,
                rank() over (order by on_time_share desc) - 1 as better
            from (
                select tail_number, countIf(on_time) / countIf(completed) as on_time_share
                from flights where tail_number != '' $period
                group by tail_number
                having countIf(completed) > 0
            )
        )
        where tail_number in {ids:Array(String)}
    )""",
)
ROUTE_BENCHMARKS = Relation(
    WHOLE_FLEET,
    """(
        select own.*, routes.flights as route_flights, routes.mean_arrival_delay as route_mean_arrival_delay
        from (
            select tail_number, toString(origin) as origin, toString(destination) as destination, count() as flights,
                avg(arrival_delay) as mean_arrival_delay
            from flights where $asked
            group by tail_number, origin, destination
        ) as own
        inner join (
            select toString(origin) as origin, toString(destination) as destination, count() as flights,
                avg(arrival_delay) as mean_arrival_delay
            from flights where true $period
            group by origin, destination
        ) as routes on routes.origin = own.origin and routes.destination = own.destination
    )""",
)
MODEL_BENCHMARKS = Relation(
    MODEL_FLEET,
    "flights",
    "tail_number in {members:Array(String)} $period",
    key="transform(tail_number, {members:Array(String)}, {cohorts:Array(String)}, '')",
)

AIRCRAFT = Relation(AIRCRAFT_TABLE, "aircraft")
REGISTER = Relation(REGISTER_TABLE, "register")
FLEET_REGISTER = Relation(
    REGISTERED_FLEET,
    """(
        select tail_number, manufacturer, model, seats,
            count(*) over () as registered,
            count(*) over (partition by manufacturer) as manufacturer_aircraft,
            count(*) over (partition by model) as model_aircraft,
            (avg(seats) over (partition by model))::float8 as model_mean_seats,
            count(seats) over () as seats_known,
            rank() over (order by seats desc nulls last) as seat_rank,
            rank() over (order by seats nulls first) - 1 - (count(*) over () - count(seats) over ()) as fewer_seats
        from aircraft
        where revision is not null
    ) as fleet""",
)
