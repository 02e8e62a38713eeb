"""PgBouncer in front of the tests' PostgreSQL, in a process of its own."""

import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from benchmarks.servers import installed, running

PROGRAM = "GATEWAY_TESTS_PGBOUNCER"
"""The variable with another PgBouncer's path: Debian's is older than its prepared statements."""


def program() -> str:
    """Where PgBouncer is. Without it the test is skipped, or fails where nothing may be skipped."""
    result = os.environ.get(PROGRAM) or installed("pgbouncer")
    if result:
        return result
    if os.environ.get("GATEWAY_TESTS_SKIP_NOTHING"):
        pytest.fail("pgbouncer is not installed")
    pytest.skip("pgbouncer is not installed")


def knows_prepared_statements() -> bool:
    """Whether it can, since version 1.21: `max_prepared_statements` is no setting of an older one."""
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = re.findall(r"PgBouncer (\d+)\.(\d+)", said)[0]
    return (int(major), int(minor)) >= (1, 21)


@contextmanager
def pgbouncer(database_url: str, mode: str, *, pool_size: int = 2, **settings: object) -> Iterator[str]:
    """The database's URL by way of a PgBouncer that runs for the length of the block.

    It has at most `pool_size` connections to the server, which many clients share in mode `transaction`.
    """
    parts = urlsplit(database_url)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    target = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    options: dict[str, object] = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": mode,
        "default_pool_size": pool_size,
        "max_client_conn": 200,
    } | settings
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        Path(folder).chmod(0o755)  # PgBouncer refuses to run as root, and so reads its configuration as another user
        file = Path(folder) / "pgbouncer.ini"
        line = " ".join(f"{name}={unquote(str(value))}" for name, value in target.items() if value is not None)
        values = "\n".join(f"{name} = {value}" for name, value in options.items())
        file.write_text(f"[databases]\n* = {line}\n[pgbouncer]\n{values}\n")
        as_user = ["-u", "nobody"] if os.getuid() == 0 else []
        with (Path(folder) / "log").open("wb") as log, running([program(), *as_user, str(file)], _up(port), log=log):
            login = parts.netloc.rpartition("@")[0]
            yield parts._replace(netloc=f"{login}@127.0.0.1:{port}", query="sslmode=disable").geturl()


def _up(port: int) -> Callable[[], bool]:
    def up() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    return up
