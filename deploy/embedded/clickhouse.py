"""ClickHouse: the HTTP interface over chDB, as a process of its own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import deploy
from deploy.embedded.directory import DataDirectory
from deploy.embedded.process import Engine, Spawner, stop_leftover
from deploy.embedded.wheels import package_directory

STOP_SIGNALS: Final = (signal.SIGTERM,)
PING_TIMEOUT_S: Final = 5.0
MODULE: Final = "deploy.embedded.clickhouse_http"
USER: Final = "gateway"
DATABASE: Final = "gateway"


def start(data: DataDirectory, spawner: Spawner, port: int = 0) -> tuple[Engine, str]:
    """Start ClickHouse at a port, or at a free one; returns it with its URL. Raises EngineError."""
    package_directory("chdb")
    directory = data.path / "clickhouse"
    pid_file = data.pid_file("clickhouse")
    stop_leftover(pid_file, [MODULE, str(directory)], STOP_SIGNALS)
    secret = data.secret()
    log = data.log_file("clickhouse")
    # The socket is bound here and handed over, so that nobody can take its port in between.
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        port = listener.getsockname()[1]
        process = spawner.start(
            _command(data, directory, listener.fileno()),
            log=log,
            end_signal="TERM",
            stdin=subprocess.PIPE,
            pass_fds=(listener.fileno(),),
            env=_environment(),
        )
    engine = Engine("ClickHouse", process, log, STOP_SIGNALS, pid_file)
    engine.start_until(lambda: _answers(port))
    return engine, f"http://{USER}:{secret}@127.0.0.1:{port}/{DATABASE}"


def _command(data: DataDirectory, directory: Path, listener: int) -> list[str]:
    return [
        *(sys.executable, "-P", "-m", MODULE, "--data", str(directory), "--fd", str(listener)),
        *("--user", USER, "--password-file", str(data.secret_file), "--database", DATABASE, "--exit-with-stdin"),
    ]


def _environment() -> dict[str, str]:
    """This process's environment, in which our own package is found and times are UTC."""
    root = str(Path(next(iter(deploy.__path__))).parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TZ": "UTC"}


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PING_TIMEOUT_S)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
