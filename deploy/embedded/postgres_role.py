"""The gateway's role in PostgreSQL: it owns its database and is no superuser, for whom any file can be read."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.embedded.errors import EngineError
from deploy.embedded.process import Spawner, tail

USER: Final = "gateway"
DATABASE: Final = "gateway"
SUPERUSER: Final = "postgres"

# The superuser has no password and is let in nowhere: this module is it, while no server runs.
_HBA: Final = f"""\
# Written by the gateway: its role logs in by TCP with a password, and nobody else does.
host all {SUPERUSER} all reject
host all all 127.0.0.1/32 scram-sha-256
"""

# Written last: a start that was interrupted in between begins again. Each step may have been done already.
_MARKER: Final = "gateway.role"

# Until 0.1.0, `gateway` was the superuser that initdb makes. That one stays superuser and cannot be removed, so it gets
# another name, which its own session may not give it.
_CREATE_ROLE: Final = """
do $do$
begin
    if exists (select from pg_roles where rolname = '{user}' and rolsuper) then
        execute 'create role renaming superuser';
        execute 'set local session authorization renaming';
        execute 'alter role {user} rename to {superuser}';
        execute 'set local session authorization {superuser}';
        execute 'drop role renaming';
    end if;
    if not exists (select from pg_roles where rolname = '{user}') then
        execute 'create role {user} login createdb';
    end if;
    execute 'alter role {superuser} password null';
    execute 'alter role {user} nosuperuser nocreaterole noreplication nobypassrls password ''{secret}''';
    execute 'grant set on parameter session_replication_role to {user}';
end
$do$;
"""
_CREATE_DATABASE: Final = "create database {user} owner {user};\n"
_GIVE_AWAY: Final = """
do $do$
declare
    owned record;
begin
    execute 'alter database ' || quote_ident(current_database()) || ' owner to {user}';
    for owned in
        select case
                   when relkind = 'v' then 'view'
                   when relkind = 'm' then 'materialized view'
                   when relkind = 'S' then 'sequence'
                   when relkind = 'f' then 'foreign table'
                   else 'table'
               end as kind, oid::regclass::text as name
        from pg_class c
        where relowner = 10 and relkind in ('r', 'p', 'v', 'm', 'S', 'f') and oid >= 16384
            and relnamespace <> 'pg_toast'::regnamespace
            and not exists (
                select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                    and (d.deptype = 'e' or relkind = 'S' and d.deptype in ('a', 'i'))
            )
        union all
        select 'routine', oid::regprocedure::text from pg_proc p where proowner = 10 and oid >= 16384
            and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
                and d.deptype in ('i', 'e'))
        union all
        select 'type', oid::regtype::text from pg_type t where typowner = 10 and oid >= 16384
            and typtype in ('d', 'e', 'c', 'r') and (typrelid = 0
                or exists (select from pg_class where pg_class.oid = typrelid and relkind = 'c'))
            and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid
                and d.deptype in ('i', 'e'))
        union all
        select 'schema', nspname::regnamespace::text from pg_namespace n where nspowner = 10 and oid >= 16384
            and not exists (select from pg_depend d where d.classid = 'pg_namespace'::regclass and d.objid = n.oid
                and d.deptype in ('i', 'e'))
            and nspname !~ '^pg_'
    loop
        execute 'alter ' || owned.kind || ' ' || owned.name || ' owner to {user}';
    end loop;
end
$do$;
"""


def make_role(binary: Path, directory: Path, secret: str, log: Path, spawner: Spawner, user: Sequence[str]) -> None:
    """Give the role its password, and the database and all that is in it to the role, where that is not done yet.

    No server may run on the cluster. Raises EngineError.
    """
    marker = directory / _MARKER
    if marker.exists():
        return
    (directory / "pg_hba.conf").write_text(_HBA)
    names = {"user": USER, "superuser": SUPERUSER, "secret": secret}
    steps = ((SUPERUSER, _CREATE_ROLE, True), (SUPERUSER, _CREATE_DATABASE, False), (DATABASE, _GIVE_AWAY, True))
    for database, sql, must_succeed in steps:
        command = [str(binary), "--single", "-j", "-D", str(directory), "-c", "log_min_error_statement=panic"]
        command += ["-c", "exit_on_error=on"] if must_succeed else []
        process = spawner.start(
            [*command, database], log=log, end_signal="INT", user=user, cwd=directory, stdin=subprocess.PIPE
        )
        process.communicate(f"{sql.strip().format(**names)}\n\n".encode())
        if process.returncode:
            raise EngineError(f"PostgreSQL's role {USER} cannot be made; the log is {log}. It says:\n{tail(log)}")
    marker.touch()
