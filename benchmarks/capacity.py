"""`make capacity`: how many gateways and stores a load takes, reckoned from what each class of requests costs.

`--measure` measures the costs on this machine, and writes capacity.json; without it, those of that file are used.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import ceil
from pathlib import Path

from benchmarks.asking import BenchmarkError
from benchmarks.guarded import new_key
from benchmarks.measured_gateway import measured_gateway
from benchmarks.processes import busiest_aircraft, stores
from benchmarks.request_classes import CLASSES, SETTINGS, RequestClass, State, measure_class, measure_memory
from benchmarks.request_costs import FILE, Costs, RequestCost, load_costs, machine, today

MIX = {
    "cached-get": 0.30,
    "dashboard-50-memory": 0.30,
    "dashboard-50-redis": 0.10,
    "dashboard-50-cold": 0.05,
    "dashboard-500-memory": 0.02,
    "dashboard-500-cold": 0.01,
    "trends-50-memory": 0.04,
    "trends-50-cold": 0.01,
    "single-memory": 0.10,
    "single-cold": 0.02,
    "refused-budget": 0.05,
}
"""An assumption, not a measurement: of ten dashboards nine are cached, and nothing is answered by an edge."""
_REDIS_CLUSTER_MIN, _REDIS_CLUSTER_MAX = 3, 16
"""Redis Cluster needs three masters; the gateway divides its cache into 16 shards."""
_ATTEMPTS = 3
"""On a busy machine, what is cached may not be fresh any more before it was measured."""
_OWN_CONNECTIONS = 3
"""Connections of a worker to PostgreSQL beside its pool: two for the gateway's own tables, and one to listen."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """All that is not measured. Each field is an option of the command."""

    peak_per_s: float = field(default=2_000.0, metadata={"about": "requests a second at the peak, of all classes"})
    per_day: float = field(default=500_000.0, metadata={"about": "requests a day"})
    clients: int = field(default=50_000, metadata={"about": "clients with an open connection"})
    utilization: float = field(
        default=0.6,
        metadata={"about": "share of each core that the peak may take; the rest is for bursts and failures"},
    )
    workers_per_replica: int = field(default=2, metadata={"about": "GATEWAY_WORKERS, one core each"})
    spare_replicas: int = field(
        default=1, metadata={"about": "replicas that may be away: a rollout, a node that fails"}
    )
    store_cores: int = field(default=8, metadata={"about": "cores of a server of PostgreSQL, and of one of ClickHouse"})
    postgresql_scale: float = field(
        default=1.0, metadata={"about": "CPU of a statement of PostgreSQL over your data, of that over the sample's"}
    )
    clickhouse_scale: float = field(
        default=1.0, metadata={"about": "CPU of a statement of ClickHouse over your data, of that over the sample's"}
    )
    objects: int = field(default=1_000_000, metadata={"about": "objects that are in the cache at a time"})
    redis_gib: float = field(default=4.0, metadata={"about": "GiB that a Redis server may keep (maxmemory)"})
    postgres_connections: int = field(default=10, metadata={"about": "GATEWAY_POSTGRES_CONNECTIONS"})
    edge_connections: int = field(
        default=16_384, metadata={"about": "worker_connections of nginx at the edge, which has two workers"}
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            minimum = 0 if item.name == "spare_replicas" else 1e-9
            if getattr(self, item.name) < minimum:
                raise ValueError(f"--{item.name.replace('_', '-')} must be more than 0.")
        if self.utilization > 1:
            raise ValueError("--utilization is a share of a core: 1 at most.")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the peak takes. Cores are the means at the peak, without headroom; the rest has it."""

    gateway_cores: float
    postgresql_cores: float
    clickhouse_cores: float
    redis_cores: float
    workers: int
    replicas: int
    postgresql_servers: int
    postgresql_connections: int
    clickhouse_servers: int
    redis_gib: float
    redis_shards: int
    edges: int
    postgresql_statements_per_s: float
    clickhouse_statements_per_s: float
    redis_commands_per_s: float
    answer_mbit_per_s: float
    postgresql_mbit_per_s: float
    clickhouse_mbit_per_s: float
    redis_mbit_per_s: float
    day_core_hours: float
    """CPU of the gateway for a day's requests of the same mix."""


def mean_cost(classes: Mapping[str, RequestCost], mix: Mapping[str, float]) -> dict[str, float]:
    """Return the mean of each cost over the mix.

    Raises ValueError for an unknown class, a negative share, and shares that do not add up to 1.
    """
    if unknown := sorted(set(mix) - set(classes)):
        raise ValueError(f"--mix has no such class: {', '.join(unknown)}; there are {', '.join(classes)}.")
    if min(mix.values()) < 0 or abs(sum(mix.values()) - 1) > 1e-6:
        raise ValueError(f"--mix: the shares must add up to 1, and are {sum(mix.values()):g}.")
    names = [item.name for item in fields(RequestCost) if item.name != "requests"]
    return {name: sum(share * getattr(classes[key], name) for key, share in mix.items()) for name in names}


def reckon(costs: Costs, mix: Mapping[str, float], assumed: Assumptions) -> Capacity:
    """Return what the peak takes.

    Raises ValueError as `mean_cost` does, and for more Redis than the cache has shards.
    """
    mean = mean_cost(costs.classes, mix)
    peak = assumed.peak_per_s
    cores = {name: peak * mean[f"{name}_ms"] / 1_000 for name in ("gateway", "postgresql", "clickhouse", "redis")}
    cores["postgresql"] *= assumed.postgresql_scale
    cores["clickhouse"] *= assumed.clickhouse_scale
    workers = _ceil(cores["gateway"] / assumed.utilization)
    replicas = max(2, _ceil(workers / assumed.workers_per_replica) + assumed.spare_replicas)
    redis_gib = assumed.objects * costs.redis_bytes_per_object / 2**30
    per_server = assumed.store_cores * assumed.utilization
    connections = assumed.postgres_connections + _OWN_CONNECTIONS
    return Capacity(
        gateway_cores=cores["gateway"],
        postgresql_cores=cores["postgresql"],
        clickhouse_cores=cores["clickhouse"],
        redis_cores=cores["redis"],
        workers=workers,
        replicas=replicas,
        postgresql_servers=_ceil(cores["postgresql"] / per_server),
        postgresql_connections=replicas * assumed.workers_per_replica * connections,
        clickhouse_servers=_ceil(cores["clickhouse"] / per_server),
        redis_gib=redis_gib,
        redis_shards=_redis_shards(cores["redis"] / assumed.utilization, redis_gib / assumed.redis_gib),
        edges=_ceil(assumed.clients / (2 * assumed.edge_connections * assumed.utilization)),
        postgresql_statements_per_s=peak * mean["postgresql_statements"],
        clickhouse_statements_per_s=peak * mean["clickhouse_statements"],
        redis_commands_per_s=peak * mean["redis_commands"],
        answer_mbit_per_s=_mbit(peak * mean["answer_bytes"]),
        postgresql_mbit_per_s=_mbit(peak * mean["postgresql_bytes"]),
        clickhouse_mbit_per_s=_mbit(peak * mean["clickhouse_bytes"]),
        redis_mbit_per_s=_mbit(peak * mean["redis_bytes"]),
        day_core_hours=assumed.per_day * mean["gateway_ms"] / 3_600_000,
    )


def _ceil(value: float) -> int:
    """Return the next whole number, at least 1; what floating point has added to a whole number is left out."""
    return max(1, ceil(value - 1e-9))


def _mbit(bytes_per_s: float) -> float:
    return bytes_per_s * 8 / 1e6


def _redis_shards(by_cpu: float, by_memory: float) -> int:
    """Return 1, a single server, or the masters of a cluster: one executes commands on one core."""
    shards = _ceil(max(by_cpu, by_memory))
    if shards > _REDIS_CLUSTER_MAX:
        raise ValueError(
            f"{shards} shards of Redis are needed, and the gateway has {_REDIS_CLUSTER_MAX}: raise --redis-gib."
        )
    return shards if shards == 1 else max(_REDIS_CLUSTER_MIN, shards)


def report(costs: Costs, mix: Mapping[str, float], assumed: Assumptions) -> str:
    """Return the costs, every assumption, and what follows, as text in Markdown. Raises ValueError as `reckon` does."""
    needed = needed_table(costs, mix, assumed)
    return "\n\n".join([costs_table(costs), classes_table(), assumptions(mix, assumed), needed])


def costs_table(costs: Costs) -> str:
    """Return a row for each class."""
    lines = [
        f"Measured on {costs.day}: {costs.machine}. Load average: {costs.load_average:g}.",
        "",
        "| class | gateway | PostgreSQL | ClickHouse | Redis | statements | answer | databases | Redis | requests |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, cost in costs.classes.items():
        cpu = " | ".join(
            f"{value:.2f}" for value in (cost.gateway_ms, cost.postgresql_ms, cost.clickhouse_ms, cost.redis_ms)
        )
        statements = f"{cost.clickhouse_statements:.2g} + {cost.postgresql_statements:.2g}"
        size = (
            f"{cost.answer_bytes:,.0f} | {cost.postgresql_bytes + cost.clickhouse_bytes:,.0f} | {cost.redis_bytes:,.0f}"
        )
        lines.append(f"| `{name}` | {cpu} | {statements} | {size} | {cost.requests} |")
    return "\n".join(lines)


def classes_table() -> str:
    """Return what each class is."""
    rows = [f"| `{name}` | {item.about} |" for name, item in CLASSES.items()]
    return "\n".join(["| class | what it is |", "| --- | --- |", *rows])


def assumptions(mix: Mapping[str, float], assumed: Assumptions) -> str:
    """Return a line for each."""
    lines = ["Assumed:", ""]
    lines += [f"- {getattr(assumed, item.name):,.10g}: {item.metadata['about']}" for item in fields(assumed)]
    lines += [f"- {share:.0%} of requests: {CLASSES[name].about} (`{name}`)" for name, share in mix.items()]
    return "\n".join(lines)


def needed_table(costs: Costs, mix: Mapping[str, float], assumed: Assumptions) -> str:
    """Return a row for each kind of server."""
    needed = reckon(costs, mix, assumed)
    return "\n".join(
        [
            "| needed at the peak | |",
            "| --- | --- |",
            f"| gateway | {needed.gateway_cores:.1f} cores: {needed.workers} workers, {needed.replicas} replicas with"
            f" {assumed.spare_replicas} spare; {needed.day_core_hours:.1f} core hours a day |",
            f"| Redis | {needed.redis_cores:.2f} cores, {needed.redis_gib:.1f} GiB: {_redis(needed.redis_shards)};"
            f" {needed.redis_commands_per_s:,.0f} commands/s with those in scripts,"
            f" {needed.redis_mbit_per_s:,.0f} Mbit/s |",
            f"| PostgreSQL | {needed.postgresql_cores:.1f} cores: {_servers(needed.postgresql_servers)};"
            f" {needed.postgresql_statements_per_s:,.0f} statements/s, {needed.postgresql_mbit_per_s:,.0f} Mbit/s,"
            f" {needed.postgresql_connections} connections at most |",
            f"| ClickHouse | {needed.clickhouse_cores:.1f} cores: {_servers(needed.clickhouse_servers)}, shards or"
            f" replicas; {needed.clickhouse_statements_per_s:,.0f} statements/s,"
            f" {needed.clickhouse_mbit_per_s:,.0f} Mbit/s |",
            f"| edge | {needed.edges} nginx for {assumed.clients:,} connections; answers of"
            f" {needed.answer_mbit_per_s:,.0f} Mbit/s |",
        ]
    )


def _servers(number: int) -> str:
    return "a single server" if number == 1 else f"{number} servers"


def _redis(shards: int) -> str:
    return "a single server" if shards == 1 else f"a cluster of {shards} masters"


def measure(names: Sequence[str], file: Path) -> None:
    """Measure these classes, over engines of the run's own, and put each into the file as soon as it is measured.

    Raises BenchmarkError for an unexpected answer.
    """
    with stores(own=True) as urls:
        ids = busiest_aircraft(urls)
        key = new_key(urls, "register:read", "analysis:read", "export")
        with measured_gateway(urls, SETTINGS[State.MEMORY]) as gateway:
            per_object, worker_mib = asyncio.run(measure_memory(gateway, ids[:4_000], key))
        classes = dict(load_costs(file).classes) if file.exists() else {}
        for name in names:
            classes[name] = _measured(urls, CLASSES[name], ids, key)
            load = round(os.getloadavg()[1], 1)
            ordered = {key: classes[key] for key in CLASSES if key in classes}
            Costs(today(), machine(), load, round(per_object, 1), round(worker_mib, 1), ordered).save(file)
            print(f"{name}: {classes[name].gateway_ms:.2f} ms", file=sys.stderr, flush=True)


def _measured(
    urls: Mapping[str, str], item: RequestClass, ids: Sequence[str], key: str, attempts: int = _ATTEMPTS
) -> RequestCost:
    try:
        with measured_gateway(urls, SETTINGS[item.state]) as gateway:
            return asyncio.run(measure_class(gateway, item, ids, key))
    except BenchmarkError as error:
        if attempts == 1:
            raise
        print(f"again: {error}", file=sys.stderr, flush=True)
    return _measured(urls, item, ids, key, attempts - 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="capacity", description="How many gateways and stores a load takes, by what each class of requests costs."
    )
    parser.add_argument("--measure", action="store_true", help="measure the costs first, for some minutes")
    parser.add_argument("--classes", nargs="+", choices=CLASSES, metavar="CLASS", help="measure these alone")
    parser.add_argument("--costs", type=Path, default=FILE, metavar="FILE", help="where they are, or are written to")
    parser.add_argument("--mix", type=_mix, default=MIX, metavar="CLASS=SHARE,…", help=f"of {', '.join(CLASSES)}")
    for item in fields(Assumptions):
        kind = int if isinstance(item.default, int) else float
        option = f"--{item.name.replace('_', '-')}"
        parser.add_argument(
            option, type=kind, default=item.default, metavar="N", help=f"{item.metadata['about']} (%(default)s)"
        )
    return parser


def _mix(text: str) -> dict[str, float]:
    try:
        return {name: float(share) for name, share in (part.split("=") for part in text.split(","))}
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not CLASS=SHARE,CLASS=SHARE") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure if told to, and print the report; status 1 with a sentence where that is not possible."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.measure:
            measure(asked.classes or list(CLASSES), asked.costs)
        assumed = Assumptions(**{item.name: getattr(asked, item.name) for item in fields(Assumptions)})
        print(report(load_costs(asked.costs), asked.mix, assumed))
    except (BenchmarkError, OSError, ValueError) as error:
        print(f"capacity: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
