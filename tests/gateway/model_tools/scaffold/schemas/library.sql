-- Traits: identifiers that need quotes, words of Python and of SQL, a self-reference, composite keys, pure join tables,
-- a unique foreign key, two foreign keys to one table, enums, a domain, arrays, JSON, a generated column, comments,
-- a table with partitions, times without a zone, types that nothing reads, a view, and a table without a primary key.
create schema library;
create schema "Archive";
create type library.binding as enum ('hard cover', 'paperback', 'e-book', '1st edition');
create domain library.year as integer check (value between 1400 and 2100);
create table library.people (
    id serial primary key,
    "Full Name" text not null,
    "class" varchar(20),
    "from" date,
    email text unique,
    password_hash text not null
);
comment on table library.people is 'Whoever writes, lends or reads';
comment on column library.people."class" is 'Which "class" they were put into, with a \ in it';
create table library.sections (
    code char(4) primary key, parent_code char(4) references library.sections, title text not null
);
create index on library.sections (parent_code);
create table library.books (
    id uuid primary key,
    title text not null,
    binding library.binding,
    printed library.year,
    keywords text[] not null,
    details jsonb,
    price numeric(8,2) not null,
    price_with_tax numeric(8,2) generated always as (price * 1.2) stored,
    search tsvector,
    added_at timestamp not null,
    section_code char(4) references library.sections,
    translator_id integer references library.people,
    editor_id integer not null references library.people
);
create index on library.books (editor_id, added_at);
create index on library.books (binding);
create index on library.books (price);
create index on library.books using gin (keywords);
create table library.authors_books (
    book_id uuid not null references library.books,
    person_id integer not null references library.people,
    created_at timestamptz not null,
    primary key (book_id, person_id)
);
create table library.covers (
    book_id uuid primary key references library.books, image bytea not null, is_color boolean not null
);
create table library.copies (
    book_id uuid not null references library.books,
    no smallint not null,
    shelf bigint not null,
    primary key (book_id, no)
);
create table library.loans (
    id bigserial primary key,
    copy_no smallint not null,
    copy_book uuid not null,
    reader_id integer not null references library.people,
    lent_on date not null,
    foreign key (copy_no, copy_book) references library.copies (no, book_id)
);
create index on library.loans (copy_book, copy_no, lent_on);
create index on library.loans (reader_id);
create table "Archive"."Old Loans" (
    "LoanID" integer not null, "Year" integer not null, "Reader" text, primary key ("Year", "LoanID")
) partition by range ("Year");
create table "Archive"."Old Loans 20" partition of "Archive"."Old Loans" for values from (2000) to (2100);
create table library.notes (text text, at timestamptz);
create view library.titles as select title from library.books;
