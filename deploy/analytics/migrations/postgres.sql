-- Members' and projects' keys are unique within their workspace alone: two workspaces may have the same ones.
create schema app;
create schema billing;

create type app.role as enum ('guest', 'editor-in-chief', 'owner');

create table app.workspaces (
    id uuid primary key,
    name text not null,
    time_zone text not null
);

create table app.members (
    workspace_id uuid not null references app.workspaces,
    id uuid not null,
    email text,
    role app.role not null,
    joined_on date not null,
    tags text[] not null default '{}',
    settings jsonb not null default '{}',
    avatar bytea,
    nick text,
    primary key (workspace_id, id),
    unique (workspace_id, email)
);

create table app."Projects" (
    workspace_id uuid not null references app.workspaces,
    id uuid not null,
    "Name" text not null,
    "Budget" numeric(20, 6),
    primary key (workspace_id, id)
);

create table app.project_members (
    workspace_id uuid not null,
    project_id uuid not null,
    member_id uuid not null,
    primary key (workspace_id, member_id, project_id),
    foreign key (workspace_id, project_id) references app."Projects",
    foreign key (workspace_id, member_id) references app.members
);

create table billing.plans (
    id integer primary key,
    name text not null,
    price numeric(12, 2) not null
);

create table billing.invoices (
    workspace_id uuid not null references app.workspaces,
    id bigint primary key,
    member_id uuid not null,
    plan_id integer not null references billing.plans,
    total numeric(20, 6) not null,
    issued_at timestamptz not null,
    note text,
    foreign key (workspace_id, member_id) references app.members
);

create index invoices_by_member on billing.invoices (workspace_id, member_id, issued_at desc, id desc);

create table billing.invoice_lines (
    invoice_id bigint not null references billing.invoices,
    line_no integer not null,
    text text not null,
    amount numeric(20, 6) not null,
    primary key (invoice_id, line_no)
);
