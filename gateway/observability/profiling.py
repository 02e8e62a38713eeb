"""Sample a running gateway with py-spy. Needs the extra `profiling`.

py-spy reads the memory of processes from outside: nothing runs in the gateway, and nothing is paid when nobody samples.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import psutil

from loaders.errors import GatewayError

_PTRACE_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
_START_S = 60.0
"""Time beyond the sampling that py-spy may take to start and to write."""


class ProfileError(GatewayError):
    """A gateway cannot be sampled. The message says why, and what to do."""


def serving_pid(port: int) -> int:
    """Return the process that listens on a port, of a gateway with workers their parent. Raises ProfileError."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied as error:
        raise ProfileError("This user may not see who listens: name the gateway by --pid.") from error
    pids = [item.pid for item in connections if _is_listening(item, port) and item.pid is not None]
    if not pids:
        raise ProfileError(
            f"No process that this user may see listens on port {port}: name another --port, or the process by --pid."
        )
    process = psutil.Process(pids[0])  # psutil names one of those that share a socket, which may be a worker
    while (parent := process.parent()) is not None and _listens(parent, port):
        process = parent
    return process.pid


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(_is_listening(item, port) for item in process.net_connections("tcp"))
    except psutil.Error:  # of another user, or it has ended
        return False


def _is_listening(connection: Any, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port)


def record(pid: int, output: Path, *, seconds: int, rate: int) -> None:
    """Write a flame graph of a process and its children, sampled `rate` times a second. Raises ProfileError."""
    if not psutil.pid_exists(pid):
        raise ProfileError(f"There is no process {pid}.")
    _require_permission(pid)
    if not os.access(output.absolute().parent, os.W_OK):  # which py-spy would say after the sampling
        raise ProfileError(f"{output} cannot be written: name another file with --output.")
    options = {"--pid": pid, "--duration": seconds, "--rate": rate, "--output": output, "--format": "flamegraph"}
    command = [str(program()), "record", "--subprocesses", *(str(part) for item in options.items() for part in item)]
    try:
        done = subprocess.run(  # noqa: S603 - a program of this installation
            command, capture_output=True, text=True, errors="replace", timeout=seconds + _START_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ProfileError(f"py-spy did not end {_START_S:.0f} s after it should have.") from error
    if done.returncode != 0 or not output.exists():
        raise _failed(pid, done.stderr)


def program() -> Path:
    """Return where py-spy is. Raises ImportError if it is not installed."""
    path = Path(sysconfig.get_path("scripts")) / "py-spy"
    if not os.access(path, os.X_OK):
        raise ImportError(f"there is no {path}")
    return path


def _require_permission(pid: int) -> None:
    """Raise ProfileError unless this user may trace the process, which py-spy does not say of one with children."""
    try:
        with Path(f"/proc/{pid}/mem").open("rb"):
            pass
    except PermissionError as error:
        raise _not_permitted(pid) from error
    except OSError:  # not Linux, or the process has ended
        pass


def _not_permitted(pid: int) -> ProfileError:
    return ProfileError(f"This user may not read the memory of process {pid} (ptrace is not permitted). {_remedy()}")


def _failed(pid: int, told: str) -> ProfileError:
    """Return why py-spy failed, from what it wrote to its standard error."""
    if "permission denied" in told.lower():
        return _not_permitted(pid)
    reasons = [line.removeprefix("Error:").strip() for line in told.splitlines() if line.startswith("Error:")]
    return ProfileError(f"py-spy cannot sample process {pid}: {reasons[0] if reasons else 'it says nothing'}.")


def _remedy() -> str:
    """Return how to permit it on this machine."""
    ways = ["Run it as the gateway's user"]
    if _PTRACE_SCOPE.exists() and (scope := _PTRACE_SCOPE.read_text().strip()) != "0":
        ways.append(f"as root, or after `sysctl kernel.yama.ptrace_scope=0` (it is {scope} here)")
    else:
        ways.append("or as root")
    return (
        f"{', '.join(ways)}. In a container, add the capability SYS_PTRACE (`docker run --cap-add SYS_PTRACE`, or"
        " `kubectl debug --profile=sysadmin --target=CONTAINER` in Kubernetes)."
    )
