"""Databases, tables and relations of the fleet, and SQL that several sections share."""

import fuseway as m

records, events = m.Postgres(), m.ClickHouse()  # DATABASE_URL and CLICKHOUSE_URL

FLOWN = m.Freshness(fresh_s=300, stale_while_revalidate_s=3_600, stale_if_error_s=86_400)
"""Freshness of figures over flights, which arrive in batches, some minutes late anyway."""
REGISTERED = m.Freshness(fresh_s=60, stale_while_revalidate_s=600, stale_if_error_s=86_400)
"""Freshness of the register: it announces its changes, and a lost announcement is made up for within a minute."""
LISTED = m.Freshness(fresh_s=3_600, stale_while_revalidate_s=86_400, stale_if_error_s=604_800)
"""Freshness of airlines and airports, which change a few times a year."""

ANNOUNCED = m.notifies("gateway_changes", key="tail_number")
"""Announcements of aircraft, by the triggers of the fleet's migrations."""

aircraft = records.table("public.aircraft", scope="register:read", freshness=REGISTERED, changes=ANNOUNCED)
register = records.table("public.register", scope="register:read", freshness=REGISTERED, changes=ANNOUNCED)
airlines = records.table(
    "public.airline", scope="register:read", freshness=LISTED, changes=m.notifies("gateway_changes"), rows=16
)
airports = records.table(
    "public.airport", scope="register:read", freshness=LISTED, changes=m.notifies("gateway_changes"), rows=1_458
)
flights = events.table("flights", time="date", scope="analysis:read", freshness=FLOWN)
weather_hours = events.table("weather", scope="analysis:read", freshness=FLOWN)


def mode_of(code: str) -> str:
    """Return SQL of the value of `code` that most rows hold, the lowest of equals; null over nothing."""
    counts = f"sumMap([toString({code})], [toUInt32(1)])"
    ranked = f"arraySort(pair -> (-toInt64(pair.2), pair.1), arrayZip({counts}.1, {counts}.2))"
    return f"nullIf({ranked}[1].1, '')"


days = events.relation(
    f"""
    select tail_number, date, count() as flights, countIf(departed) as legs,
        sumIf(distance, departed) as distance, avg(arrival_delay) as mean_arrival_delay
    from {flights.asked("tail_number")}
    group by tail_number, date
    """
)
months = events.relation(
    f"""
    select tail_number, toStartOfMonth(date) as month, avg(arrival_delay) as mean_arrival_delay
    from {flights.asked("tail_number")}
    group by tail_number, month
    having mean_arrival_delay is not null
    """
)
destinations = events.relation(
    f"""
    select tail_number, toString(destination) as destination, max(distance) as distance, count() as flights
    from {flights.asked("tail_number")}
    group by tail_number, destination
    """
)
# Both ends of every scheduled flight, so that an airport's departures and arrivals are one row.
calls = events.relation(
    f"""
    select tail_number, call.1 as code, call.2 as departing
    from {flights.asked("tail_number")}
    array join [(toString(origin), true), (toString(destination), false)] as call
    """
)
# One row a departure that follows another: the gap between the two. Flights whose instants are unknown are left out.
rotations = events.relation(
    f"""
    select tail_number, date, departed_at, previous_departure, previous_arrival, previous_date
    from (
        select tail_number, date, departed_at,
            lagInFrame(departed_at) over sequence as previous_departure,
            lagInFrame(arrived_at) over sequence as previous_arrival,
            lagInFrame(toNullable(date)) over sequence as previous_date
        from {flights.asked("tail_number")} where departed
        window sequence as (
            partition by tail_number order by departed_at, flight_number
            rows between unbounded preceding and current row
        )
    )
    where previous_departure is not null
    """
)
# One row a run of completed flights that were all on time, or all late: the two numberings differ by the same amount
# for as long as a run lasts.
streaks = events.relation(
    f"""
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
        from {flights.asked("tail_number")} where completed
    )
    group by tail_number, punctual, run
    """
)
day_deviations = events.relation(
    f"""
    select tail_number, date, flights, mean_arrival_delay, (mean_arrival_delay - centre) / spread as deviations
    from (
        select tail_number, date, flights, mean_arrival_delay,
            avg(mean_arrival_delay) over (partition by tail_number) as centre,
            stddevPop(mean_arrival_delay) over (partition by tail_number) as spread
        from (
            select tail_number, date, countIf(completed) as flights, avg(arrival_delay) as mean_arrival_delay
            from {flights.asked("tail_number")} where completed
            group by tail_number, date
        )
    )
    where abs(mean_arrival_delay - centre) > 3 * spread and spread > 0
    """
)
day_distances = events.relation(
    f"""
    select tail_number, date, distance,
        sum(distance) over (
            partition by tail_number order by date rows between unbounded preceding and current row
        ) as cumulative_distance
    from (
        select tail_number, date, sum(distance) as distance
        from {flights.asked("tail_number")} where departed
        group by tail_number, date
    )
    """
)
# Weather is that of the origin in the hour of the scheduled departure.
weather = events.relation(
    f"""
    select f.tail_number as tail_number, f.departed as departed, f.cancelled as cancelled,
        f.departure_delay as departure_delay, f.arrival_delay as arrival_delay,
        w.temperature_f as temperature_f, w.wind_speed_mph as wind_speed_mph, w.wind_gust_mph as wind_gust_mph,
        w.visibility_miles as visibility_miles, w.precipitation_inches as precipitation_inches,
        w.origin != '' as observed
    from (
        select tail_number, departed, cancelled, departure_delay, arrival_delay, toString(origin) as origin,
            weather_hour
        from {flights.asked("tail_number")}
    ) as f
    any left join (
        select toString(origin) as origin, observed_at, temperature_f, wind_speed_mph, wind_gust_mph,
            visibility_miles, precipitation_inches
        from {weather_hours.all}
    ) as w on w.origin = f.origin and w.observed_at = f.weather_hour
    """
)
# The aircraft's main carrier beside that carrier's figures over all its flights.
carrier_benchmarks = events.relation(
    f"""
    select own.tail_number as tail_number, carriers.*
    from (
        select tail_number, {mode_of("carrier")} as main_carrier
        from {flights.asked("tail_number")}
        group by tail_number
    ) as own
    inner join (
        select toString(carrier) as carrier, count() as flights,
            uniqExactIf(tail_number, tail_number != '') as aircraft, avg(arrival_delay) as mean_arrival_delay,
            countIf(on_time) / nullIf(countIf(completed), 0) as on_time_share,
            countIf(cancelled) / count() as cancelled_share
        from {flights.all}
        group by carrier
    ) as carriers on carriers.carrier = own.main_carrier
    """
)
fleet_ranks = events.relation(
    f"""
    select tail_number, on_time_share, worse, ranked, 1 + better as rank
    from (
        select tail_number, on_time_share, count() over () as ranked,
            rank() over (order by on_time_share) - 1 as worse,
            rank() over (order by on_time_share desc) - 1 as better
        from (
            select tail_number, countIf(on_time) / countIf(completed) as on_time_share
            from {flights.all} where tail_number != ''
            group by tail_number
            having countIf(completed) > 0
        )
    )
    """
)
route_benchmarks = events.relation(
    f"""
    select own.*, routes.flights as route_flights, routes.mean_arrival_delay as route_mean_arrival_delay
    from (
        select tail_number, toString(origin) as origin, toString(destination) as destination, count() as flights,
            avg(arrival_delay) as mean_arrival_delay
        from {flights.asked("tail_number")}
        group by tail_number, origin, destination
    ) as own
    inner join (
        select toString(origin) as origin, toString(destination) as destination, count() as flights,
            avg(arrival_delay) as mean_arrival_delay
        from {flights.all}
        group by origin, destination
    ) as routes on routes.origin = own.origin and routes.destination = own.destination
    """
)
fleet_register = records.relation(
    f"""
    select tail_number, manufacturer, model, seats,
        count(*) over () as registered,
        count(*) over (partition by manufacturer) as manufacturer_aircraft,
        count(*) over (partition by model) as model_aircraft,
        (avg(seats) over (partition by model))::float8 as model_mean_seats,
        count(seats) over () as seats_known,
        rank() over (order by seats desc nulls last) as seat_rank,
        rank() over (order by seats nulls first) - 1 - (count(*) over () - count(seats) over ()) as fewer_seats
    from {aircraft.all}
    where revision is not null
    """
)
members = records.relation(
    f"""
    select tail_number, model
    from {aircraft.all}
    where model in (select model from {aircraft.asked("tail_number")})
    """
)
# Each model's figures once, whichever of its aircraft are asked for: a join of all flights takes twice as long.
model_benchmarks = events.relation(
    f"""
    select asked.tail_number as tail_number, asked.model as model, fleet.*
    from {members} as asked
    inner join (
        with (select (groupArray(tail_number), groupArray(model)) from {members}) as registered
        select transform(tail_number, registered.1, registered.2, '') as fleet_model,
            uniqExact(tail_number) as aircraft, count() as flights, avg(arrival_delay) as mean_arrival_delay,
            countIf(on_time) / nullIf(countIf(completed), 0) as on_time_share,
            countIf(cancelled) / count() as cancelled_share
        from {flights.all}
        where fleet_model != ''
        group by fleet_model
    ) as fleet on fleet.fleet_model = asked.model
    """
)
