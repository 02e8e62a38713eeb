-- Keys that programs ask with. Of a key's secret only its SHA-256 is here: it is 256 random bits, which nobody finds by
-- trying, so that a slow hash would cost time and protect nothing more.

-- Until 0.1.1 the table was among those of the sample fleet. It is known by its comment: another table of its name stays.
do $$
declare
    reader name;
begin
    if obj_description(to_regclass('api_keys'), 'pg_class')
        is distinct from 'Keys that programs ask with; a revoked one stays, so that its id is never given again'
    then
        return;
    end if;
    alter table api_keys set schema gateway_internal;
    for reader in
        select distinct rolname
        from pg_class, aclexplode(relacl) as granted
        join pg_roles on pg_roles.oid = granted.grantee
        where pg_class.oid = 'gateway_internal.api_keys'::regclass
    loop
        execute format('grant usage on schema gateway_internal to %I', reader);
    end loop;
end
$$;

create table if not exists gateway_internal.api_keys (
    id text collate "C" primary key,
    name text not null,
    hash bytea not null,
    scopes text[] not null,
    ids_per_field integer,
    cost_per_minute integer,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint id_is_twelve_characters_of_base32 check (id ~ '^[a-z2-7]{12}$'),
    constraint hash_is_sha256 check (octet_length(hash) = 32),
    constraint limits_are_positive check (ids_per_field > 0 and cost_per_minute > 0)
);

alter table gateway_internal.api_keys
    add column model text not null default 'fleet',
    add column tenant text;
alter table gateway_internal.api_keys alter column model drop default;

comment on table gateway_internal.api_keys is
    'Keys that programs ask with; a revoked one stays, so that its id is never given again';
comment on column gateway_internal.api_keys.id is
    'The part of the key that is no secret: 12 characters of base32, in lower case';
comment on column gateway_internal.api_keys.name is 'Who or what asks with it, for people';
comment on column gateway_internal.api_keys.hash is 'SHA-256 of the secret part of the key';
comment on column gateway_internal.api_keys.scopes is 'What it may read';
comment on column gateway_internal.api_keys.ids_per_field is
    'Ids that one field may ask for, null for the gateway''s own limit';
comment on column gateway_internal.api_keys.cost_per_minute is
    'Cost that it may spend a minute, null for the gateway''s own limit';
comment on column gateway_internal.api_keys.expires_at is 'From when it is refused, null for never';
comment on column gateway_internal.api_keys.revoked_at is 'Since when it is refused, null while it is not revoked';
comment on column gateway_internal.api_keys.model is 'Name of the model that it is for; it is unknown to others';
comment on column gateway_internal.api_keys.tenant is
    'Key of the tenant that it is for, null where the model has no tenants';
