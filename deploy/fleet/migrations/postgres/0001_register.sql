-- The register: append-only revisions, and beside them one row an aircraft with its latest one, which is what most
-- readers want. Reading the latest from the revisions (distinct on, order by time) scans all of them.

create table aircraft (
    tail_number text collate "C" primary key,
    revision integer,
    revised_at timestamptz,
    manufacturer text,
    model text,
    year smallint,
    type text,
    engine_type text,
    engines smallint,
    seats smallint,
    constraint revision_is_positive check (revision > 0),
    constraint revision_has_a_time check ((revision is null) = (revised_at is null))
);

comment on table aircraft is 'Every tracked aircraft, with its latest register entry; null where the register lacks it';
comment on column aircraft.tail_number is 'The mark on the tail, such as N725MQ';
comment on column aircraft.revision is 'Number of the latest revision, from 1';
comment on column aircraft.revised_at is 'When the latest revision was recorded';
comment on column aircraft.year is 'Year of manufacture';

create table register (
    tail_number text collate "C" not null references aircraft,
    revision integer not null,
    recorded_at timestamptz not null,
    recorded_by text not null,
    reason text not null,
    manufacturer text,
    model text,
    year smallint,
    type text,
    engine_type text,
    engines smallint,
    seats smallint,
    primary key (tail_number, revision),
    constraint revision_is_positive check (revision > 0)
);

comment on table register is 'Every revision of every register entry, never changed and never removed';
comment on column register.revision is 'Number within the aircraft, from 1; the greatest is the latest';

create function refuse_register_change() returns trigger language plpgsql as $$
begin
    raise exception 'the register is append-only: a revision is never changed or removed, add the next one'
        using errcode = 'restrict_violation';
end
$$;

create trigger register_is_append_only before update or delete or truncate on register
for each statement execute function refuse_register_change();

-- Once for each insert statement, however many rows it adds and in whatever order. The rows of aircraft are locked in
-- the order of the key, so that two inserts over the same aircraft wait for each other and never deadlock; the update
-- sees what the other one committed, so the greater revision stays.
create function keep_latest_revision() returns trigger language plpgsql as $$
begin
    perform 1
    from aircraft
    where aircraft.tail_number in (select added.tail_number from added)
    order by aircraft.tail_number
    for no key update;

    update aircraft
    set revision = newest.revision,
        revised_at = newest.recorded_at,
        manufacturer = newest.manufacturer,
        model = newest.model,
        year = newest.year,
        type = newest.type,
        engine_type = newest.engine_type,
        engines = newest.engines,
        seats = newest.seats
    from (
        select distinct on (added.tail_number)
            added.tail_number,
            added.revision,
            added.recorded_at,
            added.manufacturer,
            added.model,
            added.year,
            added.type,
            added.engine_type,
            added.engines,
            added.seats
        from added
        order by added.tail_number, added.revision desc
    ) as newest
    where aircraft.tail_number = newest.tail_number
        and coalesce(aircraft.revision, 0) < newest.revision;

    return null;
end
$$;

create trigger register_has_latest after insert on register referencing new table as added
for each statement execute function keep_latest_revision();

-- The fleet's pages: each order ends in the key, so that a page goes on exactly where the last one ended, forwards and
-- backwards. A null takes the lowest place, since a row comparison with a null in it is never true.
create index aircraft_by_revised_at on aircraft (coalesce(revised_at, '-infinity'::timestamptz), tail_number);
create index aircraft_by_seats on aircraft (coalesce(seats, -1), tail_number);
create index aircraft_by_year on aircraft (coalesce(year, -1), tail_number);
create index aircraft_by_manufacturer on aircraft (manufacturer, tail_number);
create index aircraft_by_model on aircraft (model, tail_number);
