create table airline (
    code text collate "C" primary key,
    name text not null
);

comment on table airline is 'Airlines by their two-letter code';

create table airport (
    code text collate "C" primary key,
    name text not null,
    latitude double precision not null,
    longitude double precision not null,
    altitude_feet integer not null,
    utc_offset_hours smallint not null,
    dst text not null,
    time_zone text
);

comment on table airport is 'Airports by their three-letter FAA code';
comment on column airport.latitude is 'Degrees north';
comment on column airport.longitude is 'Degrees east';
comment on column airport.altitude_feet is 'Feet above sea level';
comment on column airport.utc_offset_hours is 'Hours ahead of UTC in winter';
comment on column airport.dst is 'Daylight saving: A as in the United States, N none, U unknown';
comment on column airport.time_zone is 'IANA time zone, null where unknown';
