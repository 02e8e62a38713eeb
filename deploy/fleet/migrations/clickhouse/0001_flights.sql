-- Every statement here can be repeated: ClickHouse has no transactions, so a migration that failed half way runs again
-- from its first statement.

create table if not exists flights (
    tail_number String comment 'Aircraft; empty where the flight names none',
    date Date comment 'Calendar date of the scheduled departure, in New York',
    hour UInt8 comment 'Hour of the scheduled departure, in New York',
    scheduled_departure DateTime('UTC') comment 'Scheduled departure',
    carrier LowCardinality(String) comment 'Airline code',
    flight_number UInt16 comment 'Flight number of the carrier',
    origin LowCardinality(String) comment 'Airport code of the departure',
    destination LowCardinality(String) comment 'Airport code of the scheduled arrival',
    departure_delay Nullable(Int16) comment 'Minutes after the scheduled departure, negative where early; null where cancelled',
    arrival_delay Nullable(Int16) comment 'Minutes after the scheduled arrival, negative where early; null where not completed',
    air_time Nullable(UInt16) comment 'Minutes in the air; null where not completed',
    distance UInt16 comment 'Miles between origin and destination',
    departed Bool comment 'The departure time is known',
    scheduled_arrival Nullable(DateTime('UTC')) comment 'Scheduled arrival; null where the time zone of the destination is unknown',
    departed_at Nullable(DateTime('UTC')) comment 'Departure: the scheduled one and its delay; null where cancelled',
    arrived_at Nullable(DateTime('UTC')) comment 'Arrival: the scheduled one and its delay; null where either is unknown',
    weather_hour DateTime('UTC') comment 'Start of the hour of the scheduled departure, joins weather.observed_at',
    cancelled Bool alias not departed comment 'Never departed',
    completed Bool alias departed and arrival_delay is not null comment 'Departed and arrived at the destination',
    diverted Bool alias departed and arrival_delay is null comment 'Departed and did not arrive at the destination as planned',
    on_time Bool alias departed and ifNull(arrival_delay < 15, false) comment 'Completed with an arrival delay under 15 minutes',
    late Bool alias departed and ifNull(arrival_delay >= 15, false) comment 'Completed with an arrival delay of 15 minutes or more'
)
engine = MergeTree
order by (tail_number, date, scheduled_departure, flight_number)
comment 'One row a scheduled flight';

create table if not exists weather (
    origin LowCardinality(String) comment 'Airport code',
    observed_at DateTime('UTC') comment 'Start of the hour',
    temperature_f Nullable(Float64) comment 'Degrees Fahrenheit',
    dew_point_f Nullable(Float64) comment 'Degrees Fahrenheit',
    humidity_percent Nullable(Float64) comment 'Relative humidity, 0 to 100',
    wind_direction_degrees Nullable(Float64) comment 'Where the wind comes from, degrees clockwise from north',
    wind_speed_mph Nullable(Float64) comment 'Miles an hour',
    wind_gust_mph Nullable(Float64) comment 'Miles an hour; null where there was no gust',
    precipitation_inches Nullable(Float64) comment 'Inches in the hour',
    pressure_millibars Nullable(Float64) comment 'At sea level',
    visibility_miles Nullable(Float64) comment 'Miles, at most 10'
)
engine = MergeTree
order by (origin, observed_at)
comment 'One row an airport and hour';
