"""The embedded PostgreSQL's role and rights: whoever has its password reads and writes the database, and no file."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded import postgres
from deploy.embedded.directory import DataDirectory
from deploy.embedded.postgres_role import SUPERUSER
from deploy.embedded.process import Engine, Spawner, on_free_port
from deploy.fleet.set_up import MIGRATIONS
from loaders.migrations import read_migrations

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2


async def test_the_role_reads_and_writes_no_file(tmp_path: Path, spawner: Spawner) -> None:
    engine, url = await asyncio.to_thread(postgres.start, DataDirectory(tmp_path), spawner)
    try:
        connection = await asyncpg.connect(url)
        await connection.execute("create table lines (line text)")
        for statement in (
            "copy lines from '/etc/passwd'",
            "copy lines to '/tmp/written'",
            "copy lines from program 'id'",
            "select pg_read_file('/etc/passwd')",
            "select pg_read_binary_file('postgresql.conf')",
            "select pg_ls_dir('/')",
            "select lo_import('/etc/passwd')",
            "alter system set shared_preload_libraries = 'x'",
            "load '/tmp/x.so'",
            f"set role {SUPERUSER}",
            f"set session authorization {SUPERUSER}",
            "create role other superuser",
            "alter role gateway superuser",
            "grant pg_read_server_files to gateway",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFileError)):
                await connection.execute(statement)
        rights = (
            "select rolsuper, rolcreaterole, rolreplication, rolbypassrls from pg_roles where rolname = current_user"
        )
        assert tuple(await connection.fetchrow(rights) or ()) == (False, False, False, False)
        assert (
            await connection.fetchval("select count(*) from pg_auth_members where member = current_user::regrole") == 0
        )
        await connection.close()
        with pytest.raises(asyncpg.PostgresError, match=r"pg_hba\.conf rejects"):
            await asyncpg.connect(url.replace("//gateway:", f"//{SUPERUSER}:"))
    finally:
        engine.stop()


@as_root
async def test_root_gives_the_server_no_right_to_write_any_file(tmp_path: Path, spawner: Spawner) -> None:
    engine, url = await asyncio.to_thread(postgres.start, DataDirectory(tmp_path), spawner)
    try:
        connection = await asyncpg.connect(url)
        for pid in (engine.process.pid, await connection.fetchval("select pg_backend_pid()")):
            status = _status(pid)
            assert {int(status[kind], 16) & ~DAC_READ_SEARCH for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {
                0
            }
            assert status["NoNewPrivs"] == "1"
        await connection.close()
    finally:
        engine.stop()


async def test_a_folder_of_the_first_version_keeps_its_data_and_loses_its_superuser(
    tmp_path: Path, spawner: Spawner
) -> None:
    data = DataDirectory(tmp_path)
    engine, port = await asyncio.to_thread(_as_in_the_first_version, data, spawner)
    try:
        await _fill(f"postgresql://gateway:{data.secret()}@127.0.0.1:{port}/")
    finally:
        engine.stop()
    for _ in range(2):
        engine, url = await asyncio.to_thread(postgres.start, data, spawner)
        try:
            connection = await asyncpg.connect(url)
            assert await connection.fetchval("select rolsuper from pg_roles where rolname = current_user") is False
            assert await connection.fetchval("select count(*) from kept") == 1
            owners = await connection.fetch(
                "select relowner::regrole::text from pg_class"
                " where relnamespace in ('public'::regnamespace, 'mine'::regnamespace)"
                " union select proowner::regrole::text from pg_proc where pronamespace = 'public'::regnamespace"
                " union select typowner::regrole::text from pg_type where typnamespace = 'public'::regnamespace"
                " union select datdba::regrole::text from pg_database where datname = 'gateway'"
                " union select nspowner::regrole::text from pg_namespace where nspname = 'mine'"
            )
            assert [row[0] for row in owners] == ["gateway"]
            await connection.execute("alter table kept add column if not exists more int; drop table if exists airline")
            await connection.execute("insert into aircraft (tail_number) values ('N1') on conflict do nothing")
            await connection.close()
        finally:
            engine.stop()


def _status(pid: int) -> dict[str, str]:
    return dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())


def _as_in_the_first_version(data: DataDirectory, spawner: Spawner) -> tuple[Engine, int]:
    """A cluster whose superuser is `gateway`, with a password; it runs, on the port that comes with it."""
    directory, user, log = data.path / "postgres", postgres._as_nobody(), data.log_file("postgres")
    directory.mkdir()
    postgres._own(directory)
    data.secret()
    command = [str(postgres._binary("initdb")), "-D", str(directory), "--username=gateway", "--no-sync", "--no-locale"]
    command += ["--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={data.secret_file}"]
    assert spawner.start(command, log=log, end_signal="KILL", user=user, cwd=directory).wait() == 0
    return on_free_port(lambda port: postgres._start(directory, log, port, spawner, user))


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(f"{url}postgres")
    await connection.execute("create database gateway")
    await connection.close()
    connection = await asyncpg.connect(f"{url}gateway")
    for migration in read_migrations(MIGRATIONS / "postgres"):
        await connection.execute(migration.sql)
    await connection.execute(
        "create table kept (a serial primary key, b text); insert into kept (b) values ('x'); create schema mine;"
        " create type mood as enum ('a'); create domain age as int; create view seen as select * from kept;"
        " create table mine.other (a int); create type pair as (a int, b int);"
    )
    await connection.close()
