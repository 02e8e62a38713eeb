"""Serve a model in a process of its own, and anew with each good version of its files: `gateway serve --reload`."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from sysconfig import get_path
from types import FrameType
from typing import TYPE_CHECKING

from gateway.served_model import load_served_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.settings import Settings

_EVERY_S = 0.3
"""Seconds between two looks at the files."""
_STOP_S = 30.0
"""Seconds that a server may take to stop before it is killed."""
_CHECK_S = 60.0
"""Seconds that the check of a version may take. Without it, a module that never ends would keep its correction from
being noticed."""
_ENDINGS = (".py", ".sql", ".graphql")
_GATEWAY = [sys.executable, "-P", "-m", "gateway"]  # -P: not the working directory's folder of the name gateway


def serve_and_reload(settings: Settings) -> int:
    """Serve until a signal stops the process; returns the exit status.

    Each change of the model's files is checked in a process of its own. A good model takes the place of the one that is
    served; of a wrong one all errors are printed, and the last good one goes on. A server that ends by itself ends this
    too, unless it has taken another's place: then the next change starts one. Raises SettingsError and ModelError as
    `load_served_model` does.
    """
    folders = model_folders(settings)
    replace(settings, cursor_secret=settings.cursor_secret or secrets.token_hex(32)).export()
    signal.signal(signal.SIGTERM, _interrupt)
    server, versions = _serve(), _versions(folders)
    is_first = True
    try:
        while server.poll() is None or not is_first:
            time.sleep(_EVERY_S)
            before, versions = versions, _versions(folders)
            if versions != before and is_good():
                _stop(server)
                print("The model has changed: serving the new one.", file=sys.stderr, flush=True)
                server, is_first = _serve(), False
        return server.returncode
    finally:
        _stop(server)


def model_folders(settings: Settings) -> Sequence[Path]:
    """Load the model, and return the folders of its own modules: what is installed does not change."""
    before = set(sys.modules)
    load_served_model(settings)
    installed = tuple(get_path(name) for name in ("stdlib", "purelib", "platlib"))
    files = (getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - before)
    return sorted({Path(file).resolve().parent for file in files if file and not file.startswith(installed)})


def _versions(folders: Sequence[Path]) -> Mapping[Path, int]:
    """Return when each file was written last."""
    versions: dict[Path, int] = {}
    for folder in folders:
        for file in folder.iterdir() if folder.is_dir() else ():
            with suppress(OSError):  # it may be gone by now
                if file.suffix in _ENDINGS:
                    versions[file] = file.stat().st_mtime_ns
    return versions


def is_good(within_s: float = _CHECK_S) -> bool:
    """Check the model of the environment in a process of its own, which has imported nothing of it yet.

    Print all errors. A model that takes longer is wrong, too.
    """
    command = [*_GATEWAY, "schema"]
    try:
        status = subprocess.run(command, stdout=subprocess.DEVNULL, check=False, timeout=within_s).returncode  # noqa: S603 - our own command
    except subprocess.TimeoutExpired:
        print(f"The model takes longer than {within_s:g} s to be loaded.", file=sys.stderr)
        status = 1
    if status:
        print("The last good model is served until these are corrected.", file=sys.stderr, flush=True)
    return status == 0


def _serve() -> subprocess.Popen[bytes]:
    return subprocess.Popen([*_GATEWAY, "serve"])  # noqa: S603 - our own command


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
