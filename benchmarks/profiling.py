"""`python -m benchmarks.profiling`: what it costs a gateway that `gateway profile` samples it; three minutes.

Cached responses, and the dashboard query with nothing cached, are asked again and again by wrk, with the profile and
without in turns, in an order that reverses each round.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.asking import TEXTS
from benchmarks.processes import UNREFUSED, busiest_aircraft, stores
from benchmarks.rates import SECONDS, requests_per_s
from benchmarks.servers import answers, installed, running
from deploy import SAMPLE_MODEL
from deploy.embedded.process import free_port

_IDS = 50
_ATTACH_S = 2.0
"""Time for py-spy to attach before requests are counted."""
_BESIDE_S = 3
"""Seconds that a profile is longer than what is counted during it."""


@contextmanager
def gateway(urls: Mapping[str, str], *, caches: bool) -> Iterator[int]:
    """The port of a gateway with one worker, for the length of the block."""
    port = free_port()
    settings = {"GATEWAY_PORT": str(port), "GATEWAY_MODEL": SAMPLE_MODEL, "GATEWAY_CACHE": str(caches).lower()}
    command = [sys.executable, "-m", "gateway", "serve"]
    with running(command, lambda: answers(f"http://127.0.0.1:{port}/livez"), {**urls, **UNREFUSED, **settings}):
        yield port


@contextmanager
def profiled(port: int, folder: Path) -> Iterator[None]:
    """A profile of the gateway at a port that lasts longer than the block."""
    seconds = SECONDS + _BESIDE_S + round(_ATTACH_S)
    options = ["--port", str(port), "--seconds", str(seconds), "--output", str(folder / "profile.svg")]
    command = [sys.executable, "-m", "gateway", "profile", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(_ATTACH_S)
    yield
    if process.poll() is not None:
        raise RuntimeError("The profile ended before what it was to be measured with.")
    if process.wait(60) != 0:
        raise RuntimeError("The profile failed.")


def measured(wrk: str, port: int, url: str, rounds: int) -> tuple[list[float], list[float]]:
    """Requests a second without a profile and with one, by round."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        for index in range(rounds):
            for is_profiled in (False, True) if index % 2 else (True, False):
                with profiled(port, Path(folder)) if is_profiled else nullcontext():
                    rates[is_profiled].append(requests_per_s(wrk, url, SECONDS))
    return rates[False], rates[True]


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
        print("| load | without, requests/s | with, requests/s | ratio | lowest and highest of rounds |")
        print("| --- | --- | --- | --- | --- |")
        for name, caches in (("cached response", True), (f"dashboard query, {_IDS} ids, no cache", False)):
            with gateway(urls, caches=caches) as port:
                url = f"http://127.0.0.1:{port}/graphql?{query}"
                requests_per_s(wrk, url, SECONDS)  # warm up
                without, profiles = measured(wrk, port, url, rounds)
            ratios = [with_profile / plain for plain, with_profile in zip(without, profiles, strict=True)]
            medians = statistics.median(without), statistics.median(profiles)
            print(
                f"| {name} | {medians[0]:,.0f} | {medians[1]:,.0f} | {medians[1] / medians[0]:.3f} |"
                f" {min(ratios):.3f} to {max(ratios):.3f} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
