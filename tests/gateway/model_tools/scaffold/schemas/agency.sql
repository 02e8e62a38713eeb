-- Traits: a tenant column in most tables, the tenants' own table, keys and foreign keys with the tenant in front, tables
-- that only their parents tell the tenant of, everyone's tables, and names of the greatest length.
create schema agency;
create table agency.accounts (id uuid primary key, name text not null);
create table agency.currencies (code text primary key, title text not null);
create table agency.campaigns (
    account_id uuid not null references agency.accounts,
    id bigint not null,
    name text not null,
    currency_code text not null references agency.currencies,
    primary key (account_id, id),
    unique (account_id, name)
);
create table agency.advertisements (
    id bigint primary key,
    account_id uuid not null references agency.accounts,
    campaign_id bigint not null,
    budget bigint not null,
    foreign key (account_id, campaign_id) references agency.campaigns (account_id, id)
);
create index on agency.advertisements (account_id, campaign_id);
create table agency.settings (
    account_id uuid primary key references agency.accounts, daily_limit integer, colors text[]
);
create table agency.people (
    id bigint primary key, account_id uuid not null references agency.accounts, email text not null,
    unique (account_id, email)
);
create table agency.bookings (
    id bigint primary key,
    advertisement_id bigint not null references agency.advertisements,
    the_person_who_has_asked_for_this_booking_in_the_first_place_id bigint references agency.people,
    the_person_who_has_asked_for_this_booking_in_the_first_place_no bigint references agency.people,
    price numeric(10,2) not null
);
create index on agency.bookings (advertisement_id);
create table agency.booking_lines (
    booking_id bigint not null references agency.bookings, line_no integer not null, text text,
    primary key (booking_id, line_no)
);
