"""The data directory: its lock, its secret, its logs and its pid files."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO, Final

from deploy.embedded.errors import EngineError

# A log is moved aside at a start when it is larger: without a limit it would grow for as long as the data is used.
MAX_LOG_BYTES: Final = 16 << 20


class DataDirectory:
    """Paths below one directory, which one process at a time holds by `lock`."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    def lock(self) -> None:
        """Create the directory and take it; raises EngineError when another process has it.

        The lock is the kernel's, so it ends with this process, however that ends.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise EngineError(
                f"{self.path} is in use by another running gateway (process {holder}); "
                "stop that one first, or choose another data directory."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def unlock(self) -> None:
        """Give the directory back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def secret_file(self) -> Path:
        """The file of the password of all three engines, readable by its owner only."""
        return self.path / "secret"

    def secret(self) -> str:
        """Return the password, made at the first call for this directory."""
        if not self.secret_file.exists():
            new = self.path / "secret.new"
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(24))
            new.rename(self.secret_file)
        return self.secret_file.read_text().strip()

    def log_file(self, engine: str) -> Path:
        """The log of one engine; what it held is moved aside when it has grown large."""
        log = self.path / "log" / f"{engine}.log"
        log.parent.mkdir(exist_ok=True)
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.rename(log.with_suffix(".log.1"))
        return log

    def pid_file(self, engine: str) -> Path:
        """Return the path of the file that holds an engine's process id while it runs."""
        (self.path / "run").mkdir(exist_ok=True)
        return self.path / "run" / f"{engine}.pid"
