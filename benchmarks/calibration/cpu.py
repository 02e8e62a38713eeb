"""CPU time of this process and of the engines that it started, in nanoseconds and not in the kernel's ticks."""

import time
from collections.abc import Mapping

import psutil

GATEWAY, POSTGRESQL, CLICKHOUSE, VALKEY = "gateway", "postgresql", "clickhouse", "valkey"
PARTS = (GATEWAY, POSTGRESQL, CLICKHOUSE, VALKEY)
_PROCESS_CLOCK = 2
"""CPUCLOCK_SCHED of Linux: the scheduler's own count."""


def used_s() -> dict[str, float]:
    """Seconds of CPU by part, of all processes that live now; this process is the gateway, and is read last."""
    return {**_engines_s(), GATEWAY: time.process_time()}


def since(before: Mapping[str, float]) -> dict[str, float]:
    """Seconds of CPU by part since then, without what it takes to look at the engines."""
    own = time.process_time()
    now = {**_engines_s(), GATEWAY: own}
    return {part: now[part] - before[part] for part in PARTS}


def _engines_s() -> dict[str, float]:
    seconds = dict.fromkeys(PARTS, 0.0)
    for process in psutil.Process().children(recursive=True):
        try:
            seconds[_part(process)] += time.clock_gettime(~process.pid << 3 | _PROCESS_CLOCK)
        except (psutil.NoSuchProcess, OSError):
            continue
    return seconds


def _part(process: psutil.Process) -> str:
    name = process.name()
    if name.startswith("postgres"):
        return POSTGRESQL
    return VALKEY if name.startswith("valkey") else CLICKHOUSE
