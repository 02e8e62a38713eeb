"""A Valkey of a test's own, to stop, to start again, to fill."""

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.valkey import _server


class OwnValkey:
    """Writes what it holds to disk as it goes, so that it has it again when it is started again."""

    def __init__(self, directory: Path, *options: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self._options: Sequence[str] = options or ("--appendonly", "yes", "--appendfsync", "always")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on its port; returns when it answers."""
        command = [
            str(_server()),
            "--port",
            str(self.port),
            "--dir",
            str(self._directory),
            "--save",
            "",
            *self._options,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(100) == b"+PONG\r\n":
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise TimeoutError("Valkey does not answer.")

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@contextmanager
def own_valkey(directory: Path, *options: str) -> Iterator[OwnValkey]:
    """Running for the length of the block."""
    valkey = OwnValkey(directory, *options)
    valkey.start()
    try:
        yield valkey
    finally:
        valkey.kill()
