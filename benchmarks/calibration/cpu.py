"""CPU time of this process and of the engines that it started, in nanoseconds and not in the kernel's ticks."""

import time
from collections.abc import Mapping

import psutil

from deploy.embedded import clickhouse

GATEWAY, POSTGRESQL, CLICKHOUSE, VALKEY = "gateway", "postgresql", "clickhouse", "valkey"
PARTS = (GATEWAY, POSTGRESQL, CLICKHOUSE, VALKEY)
_PROCESS_CLOCK = 2
"""CPUCLOCK_SCHED of Linux: the scheduler's own count."""


def used_s() -> dict[str, float]:
    """Seconds of CPU by part, of all processes that live now; this process is the gateway, and is read last."""
    return {**engines_s(), GATEWAY: time.process_time()}


def since(before: Mapping[str, float]) -> dict[str, float]:
    """Seconds of CPU by part since then, without what it takes to look at the engines."""
    own = time.process_time()
    now = {**engines_s(), GATEWAY: own}
    return {part: now[part] - before[part] for part in PARTS}


def process_s(pid: int) -> float:
    """Return the seconds of CPU of a process. Raises OSError where it has ended."""
    return time.clock_gettime(~pid << 3 | _PROCESS_CLOCK)


def engines_s() -> dict[str, float]:
    """Return the seconds of CPU of the engines that this process started, by part; the gateway's are 0."""
    seconds = dict.fromkeys(PARTS, 0.0)
    for process in psutil.Process().children(recursive=True):
        try:
            if part := _part(process):
                seconds[part] += process_s(process.pid)
        except (psutil.NoSuchProcess, OSError):
            continue
    return seconds


def _part(process: psutil.Process) -> str | None:
    """Return the engine that a process belongs to, None where it is no engine's."""
    name = process.name()
    if name.startswith("postgres"):
        return POSTGRESQL
    if name.startswith("valkey"):
        return VALKEY
    return CLICKHOUSE if clickhouse.MODULE in process.cmdline() else None
