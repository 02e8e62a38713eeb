"""`python -m benchmarks.profiling`: what it costs a gateway that `gateway profile` samples it; three minutes.

Cached responses, and the dashboard query with nothing cached, are asked again and again by wrk, with the profile and
without in turns, in an order that reverses each round.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psutil

from benchmarks.asking import TEXTS
from benchmarks.processes import UNREFUSED, busiest_aircraft, stores
from benchmarks.rates import SECONDS, requests_per_s
from benchmarks.servers import answers, installed, running, wait_until
from deploy import SAMPLE_MODEL
from deploy.embedded.process import free_port
from gateway.observability.profiling import serving_pid

_IDS = 50
_ATTACH_S = 1.0
"""Time for py-spy to attach, from when it has started, before requests are counted."""
_PATIENCE = {
    "GATEWAY_CACHE_TIMEOUT_S": "10",
    "GATEWAY_REDIS_TIMEOUT_S": "10",
    "GATEWAY_QUEUE_TIMEOUT_S": "60",
    "GATEWAY_REQUEST_TIMEOUT_S": "60",
}
"""On a busy machine, no request is refused, and Redis is not taken to be away, which would be measured instead."""
_PROFILE_S = 120
"""Seconds of a profile, which is ended as soon as requests have been counted."""


@dataclass(frozen=True, slots=True)
class Round:
    """Requests a second, and CPU in seconds: of the gateway for a request, and of py-spy a second."""

    requests_per_s: float
    gateway_cpu_s: float
    profiler_cpu_per_s: float


@contextmanager
def gateway(urls: Mapping[str, str], *, caches: bool) -> Iterator[int]:
    """The port of a gateway with one worker, for the length of the block."""
    port = free_port()
    settings = {"GATEWAY_PORT": str(port), "GATEWAY_MODEL": SAMPLE_MODEL, "GATEWAY_CACHE": str(caches).lower()}
    command = [sys.executable, "-m", "gateway", "serve"]
    with running(
        command, lambda: answers(f"http://127.0.0.1:{port}/livez"), {**urls, **UNREFUSED, **_PATIENCE, **settings}
    ):
        yield port


@contextmanager
def profiled(port: int, folder: Path) -> Iterator[psutil.Process]:
    """py-spy's process, of a profile of the gateway at a port, until the block ends."""
    options = ["--port", str(port), "--seconds", str(_PROFILE_S), "--output", str(folder / "profile.svg")]
    command = [sys.executable, "-m", "gateway", "profile", *options]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    wait_until(lambda: bool(process.children()))
    time.sleep(_ATTACH_S)
    (profiler,) = process.children()
    try:
        yield profiler
    finally:
        profiler.send_signal(signal.SIGINT)  # it writes what it has
    if process.wait(60) != 0:
        raise RuntimeError("The profile failed.")


def measured(wrk: str, port: int, url: str, profiler: psutil.Process | None) -> Round:
    """One round of requests."""
    gateway = psutil.Process(serving_pid(port))
    processes = [gateway] if profiler is None else [gateway, profiler]
    before, began = [sum(process.cpu_times()[:2]) for process in processes], time.monotonic()
    rate = requests_per_s(wrk, url, SECONDS)
    passed_s = time.monotonic() - began
    used = [sum(process.cpu_times()[:2]) - earlier for process, earlier in zip(processes, before, strict=True)]
    return Round(rate, used[0] / (rate * SECONDS), used[1] / passed_s if profiler is not None else 0.0)


def rounds_of(wrk: str, port: int, url: str, count: int) -> tuple[list[Round], list[Round]]:
    """Rounds without a profile and with one."""
    rounds: dict[bool, list[Round]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        for index in range(count):
            for is_profiled in (False, True) if index % 2 else (True, False):
                time.sleep(_ATTACH_S)  # each round begins with a gateway that has nothing to do
                with profiled(port, Path(folder)) if is_profiled else nullcontext() as profiler:
                    rounds[is_profiled].append(measured(wrk, port, url, profiler))
    return rounds[False], rounds[True]


def row(name: str, without: Sequence[Round], profiles: Sequence[Round]) -> str:
    """Return a row of the table: medians of the rounds."""
    plain, sampled = (statistics.median(each.requests_per_s for each in rounds) for rounds in (without, profiles))
    cpu, more = (statistics.median(each.gateway_cpu_s for each in rounds) * 1e6 for rounds in (without, profiles))
    profiler = statistics.median(each.profiler_cpu_per_s for each in profiles)
    return f"| {name} | {plain:,.0f} | {sampled:,.0f} | {cpu:,.0f} | {more:,.0f} | {profiler:.0%} |"


def main() -> int:
    """Print a row for each load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    rounds: int = parser.parse_args().rounds
    wrk = installed("wrk")
    if wrk is None:
        print("wrk is not installed: on Debian, apt-get install wrk.", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        urls = stack.enter_context(stores())
        variables = json.dumps({"ids": busiest_aircraft(urls)[:_IDS]})
        query = urlencode({"query": TEXTS["dashboard"], "variables": variables})
        print("| load | requests/s | with a profile | gateway's CPU, µs/request | with a profile | CPU of py-spy |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, caches in (("cached response", True), (f"dashboard query, {_IDS} ids, no cache", False)):
            with gateway(urls, caches=caches) as port:
                url = f"http://127.0.0.1:{port}/graphql?{query}"
                requests_per_s(wrk, url, SECONDS)  # warm up
                print(row(name, *rounds_of(wrk, port, url, rounds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
