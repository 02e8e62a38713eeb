-- What was read from these tables is cached elsewhere: every statement announces the keys that it changed, on the
-- channel gateway_changes. PostgreSQL delivers that once the transaction has committed, so that whoever hears of a
-- change can read it, and never where it is rolled back.

-- The argument is the name of the key's column; `removed` and `added` are the rows before and after the statement.
-- A message is {"table": …, "keys": […]}, several of them where the keys do not fit into one: NOTIFY takes less than
-- 8,000 bytes. Without keys it stands for all of the table: after truncate, for so many keys that it is cheaper to read
-- everything anew, and for a key that nobody asks for by name, which might not fit. 100 bytes of key are at most 604
-- bytes of JSON, so that a message is at most 7,000 and those and some 40 around them.
create function announce_changes() returns trigger language plpgsql as $$
declare
    rows_changed constant text := case tg_op
        when 'INSERT' then 'select %1$I from added'
        when 'UPDATE' then 'select %1$I from removed union all select %1$I from added'
        when 'DELETE' then 'select %1$I from removed'
    end;
    keys_changed text[];
begin
    if tg_op <> 'TRUNCATE' then
        execute format(
            'select array_agg(key) from (select distinct key from (' || rows_changed || ') as one (key) limit 1001) as few',
            tg_argv[0]
        ) into keys_changed;
    end if;

    if tg_op = 'TRUNCATE'
        or cardinality(keys_changed) > 1000
        or exists (select from unnest(keys_changed) as key where octet_length(key) > 100)
    then
        perform pg_notify('gateway_changes', json_build_object('table', tg_table_name)::text);
        return null;
    end if;

    perform pg_notify('gateway_changes', json_build_object('table', tg_table_name, 'keys', json_agg(key))::text)
    from (
        select key, sum(octet_length(to_json(key)::text) + 2) over (order by place) / 7000 as message
        from unnest(keys_changed) with ordinality as changed (key, place)
    ) as placed
    group by message;
    return null;
end
$$;

-- For each statement, not each row: one that changes nothing announces nothing, one that loads a table does so once. The
-- register refuses update, delete and truncate; where that was switched off to mend something, they are announced too.
do $$
declare
    of record;
begin
    for of in
        select * from (values
            ('aircraft', 'tail_number'), ('register', 'tail_number'), ('airline', 'code'), ('airport', 'code')
        ) as announced (name, key)
    loop
        execute format(
            'create trigger %1$s_announces_insert after insert on %1$I referencing new table as added
            for each statement execute function announce_changes(%2$L)',
            of.name, of.key
        );
        execute format(
            'create trigger %1$s_announces_update after update on %1$I
            referencing old table as removed new table as added
            for each statement execute function announce_changes(%2$L)',
            of.name, of.key
        );
        execute format(
            'create trigger %1$s_announces_delete after delete on %1$I referencing old table as removed
            for each statement execute function announce_changes(%2$L)',
            of.name, of.key
        );
        execute format(
            'create trigger %1$s_announces_truncate after truncate on %1$I
            for each statement execute function announce_changes(%2$L)',
            of.name, of.key
        );
    end loop;
end
$$;
