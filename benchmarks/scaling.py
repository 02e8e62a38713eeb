"""`python -m benchmarks.scaling`: how many replicas the chart's autoscalers ask for under a step of load.

One real gateway takes the share of one of several replicas that are alike, and a real Prometheus scrapes it as shipped.
Each 15 s the chart's queries are asked of it, and the replicas that follow by Kubernetes' formula take their share of
the load once they have started. Nothing is asked of Kubernetes, which is not here. Takes ten minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.autoscaling import SYNC_S, Behavior, Replicas, by_average, by_value
from benchmarks.open_loop import Plan, generated
from benchmarks.overload import dashboards
from benchmarks.processes import UNREFUSED, busiest_aircraft, stores
from benchmarks.prometheus import Prometheus, running_prometheus
from benchmarks.servers import answers, installed, running
from deploy import SAMPLE_MODEL
from deploy.embedded.process import free_port

SELECTOR: Final = 'job="fuseway"'
WINDOW: Final = "1m"
QUEUE_WAIT_S, LATENCY_S, KEDA_CPU = 0.05, 0.5, 0.7
"""Targets of the chart's ScaledObject."""
HPA_CPU, IN_FLIGHT = 0.6, 12.0
"""Targets of the chart's HorizontalPodAutoscaler."""
START_S: Final = 30.0
"""From when a replica is asked for to when it serves."""
_CORES: Final = 1.0
"""What a replica requests of CPU, which utilisation is a share of."""
_PAST_CACHED_RESPONSES: Final = {"Cache-Control": "no-cache"}
_COLUMNS: Final = (
    *("s", "asked/s", "replicas", "of one/s", "wait p95", "duration p95", "in flight", "CPU"),
    *("KEDA: wait, duration, CPU", "HPA: CPU, in flight", "next"),
)


def percentile_query(histogram: str, selector: str = SELECTOR, window: str = WINDOW) -> str:
    """Return the chart's query of a 95th percentile: 0 without requests, and nothing without series."""
    quantile = f"histogram_quantile(0.95, sum by (le) (rate({histogram}_bucket{{{selector}}}[{window}])))"
    return f"({quantile} >= 0) or (0 * sum(rate({histogram}_count{{{selector}}}[{window}])))"


@dataclass(frozen=True, slots=True)
class Observed:
    """What the queries have at a time; None where they have nothing."""

    wait_s: float | None
    duration_s: float | None
    in_flight: float | None
    cores: float | None

    @classmethod
    def of(cls, prometheus: Prometheus) -> Observed:
        """Ask Prometheus."""
        return cls(
            prometheus.value(percentile_query("fuseway_admission_wait_seconds")),
            prometheus.value(percentile_query("fuseway_http_request_duration_seconds")),
            prometheus.value(f"avg(fuseway_http_requests_in_flight{{{SELECTOR}}})"),
            prometheus.value(f"sum(rate(fuseway_worker_cpu_seconds_total{{{SELECTOR}}}[{WINDOW}]))"),
        )

    def spread(self, served: int, ready: int) -> Observed:
        """Return the means where so many served what was measured, and so many are ready now, which begin idle."""
        part = served / ready
        in_flight = None if self.in_flight is None else self.in_flight * part
        return replace(self, in_flight=in_flight, cores=None if self.cores is None else self.cores * part)

    def keda(self, replicas: Replicas) -> list[int]:
        """Return what each trigger of the ScaledObject asks for; one without data asks for what there is."""
        wanted = replicas.wanted
        return [
            wanted if self.wait_s is None else by_value(replicas, self.wait_s, QUEUE_WAIT_S),
            wanted if self.duration_s is None else by_value(replicas, self.duration_s, LATENCY_S),
            wanted if self.cores is None else by_average(replicas, self.cores / _CORES, KEDA_CPU),
        ]

    def hpa(self, replicas: Replicas) -> list[int]:
        """Return what each metric of the HorizontalPodAutoscaler asks for."""
        wanted = replicas.wanted
        return [
            wanted if self.cores is None else by_average(replicas, self.cores / _CORES, HPA_CPU),
            wanted if self.in_flight is None else by_average(replicas, self.in_flight, IN_FLIGHT),
        ]


class Fleet:
    """Replicas that are asked for, and serve when they have started."""

    def __init__(self, count: int) -> None:
        self.wanted = count
        self._starting: list[float] = []
        """When each of the last ones serves."""

    def ready(self, now_s: float) -> int:
        """Return how many serve."""
        self._starting = [ready_s for ready_s in self._starting if ready_s > now_s]
        return self.wanted - len(self._starting)

    def scale(self, now_s: float, count: int) -> None:
        """Ask for so many. Those that start are the first to go."""
        serving = self.ready(now_s)
        self._starting = self._starting[: max(0, count - serving)]
        self._starting += [now_s + START_S] * (count - serving - len(self._starting))
        self.wanted = count


@contextmanager
def observed_gateway(binary: str) -> Iterator[tuple[int, Prometheus, list[str]]]:
    """A gateway without a cache before Prometheus: its port, and what to post."""
    port, metrics = free_port(), free_port()
    settings = {"GATEWAY_MODEL": SAMPLE_MODEL, "GATEWAY_PORT": str(port), "GATEWAY_METRICS_PORT": str(metrics)}
    with stores() as urls, tempfile.TemporaryDirectory(prefix="fuseway-scaling-") as folder:
        environment = {**urls, **UNREFUSED, **settings, "GATEWAY_CACHE": "false"}
        command = [sys.executable, "-m", "gateway", "serve"]
        with (
            running(command, lambda: answers(f"http://127.0.0.1:{port}/readyz"), environment),
            running_prometheus(binary, Path(folder), [f"127.0.0.1:{metrics}"]) as prometheus,
        ):
            yield port, prometheus, dashboards(busiest_aircraft(urls))


def simulate(port: int, prometheus: Prometheus, bodies: list[str], rates: Sequence[float], *, by_keda: bool) -> None:
    """Load the gateway with its share of each rate for 15 s, and print a line for each."""
    fleet, behavior = Fleet(2), Behavior()
    print(_row(_COLUMNS), _row(["---:"] * len(_COLUMNS)), sep="\n", flush=True)
    began = time.monotonic()
    with ThreadPoolExecutor(len(rates)) as pool:
        loads = []
        for index, rate in enumerate(rates):
            now_s = index * SYNC_S
            served = fleet.ready(now_s)
            share = rate / served
            loads.append(pool.submit(generated, port, Plan(bodies, SYNC_S, share, headers=_PAST_CACHED_RESPONSES)))
            now_s += SYNC_S
            time.sleep(max(0.0, began + now_s - time.monotonic()))
            replicas = Replicas(fleet.wanted, fleet.ready(now_s))
            seen = Observed.of(prometheus)
            means = seen.spread(served, replicas.ready)
            keda, hpa = means.keda(replicas), means.hpa(replicas)
            allowed = behavior.allowed(now_s, fleet.wanted, max(keda if by_keda else hpa))
            fleet.scale(now_s, allowed)
            print(_line(now_s, rate, share, replicas, seen, keda, hpa, allowed), flush=True)
        refused = [len(load.result().refused_ms) for load in loads]
    print(f"\nRefused in each 15 s: {' '.join(map(str, refused))}", flush=True)


def _line(
    now_s: float,
    rate: float,
    share: float,
    replicas: Replicas,
    seen: Observed,
    keda: Sequence[int],
    hpa: Sequence[int],
    allowed: int,
) -> str:
    count = f"{replicas.ready}" if replicas.ready == replicas.wanted else f"{replicas.ready} of {replicas.wanted}"
    cells = [
        f"{now_s:.0f}",
        f"{rate:.0f}",
        count,
        f"{share:.0f}",
        _time(seen.wait_s),
        _time(seen.duration_s),
        "-" if seen.in_flight is None else f"{seen.in_flight:.0f}",
        "-" if seen.cores is None else f"{seen.cores:.0%}",
        ", ".join(map(str, keda)),
        ", ".join(map(str, hpa)),
        f"{allowed}",
    ]
    return _row(cells)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", choices=("keda", "hpa"), default="keda", help="Whose replicas take the load.")
    parser.add_argument("--low", type=float, default=20.0, help="Requests a second before and after the step.")
    parser.add_argument("--high", type=float, default=120.0, help="Requests a second in the step.")
    parser.add_argument(
        "--steps", type=int, nargs=3, default=(6, 16, 26), help="Of 15 s each: low, high and low again."
    )
    asked = parser.parse_args(arguments)
    binary = installed("prometheus")
    if binary is None:
        print("Prometheus is not installed: apt-get install prometheus", file=sys.stderr)
        return 1
    before, during, after = asked.steps
    rates = [asked.low] * before + [asked.high] * during + [asked.low] * after
    with observed_gateway(binary) as (port, prometheus, bodies):
        simulate(port, prometheus, bodies, rates, by_keda=asked.by == "keda")
    return 0


if __name__ == "__main__":
    sys.exit(main())
