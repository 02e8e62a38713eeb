-- The order by the time of the latest revision, for which an aircraft without one counts as revised in 1900, which
-- every driver can hold, unlike -infinity.
drop index aircraft_by_revised_at;
create index aircraft_by_revised_at
on aircraft (coalesce(revised_at, '1900-01-01 00:00:00+00'::timestamptz), tail_number);
