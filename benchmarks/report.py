"""The results as a page in Markdown."""

import os
import platform
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.asking import FLOOR, GATEWAY
from benchmarks.each import BROWSER_CONNECTIONS, OneOrEach
from benchmarks.guarded import GUARDED, UNGUARDED
from benchmarks.guarded import SIZE as SIZE_GUARDED
from benchmarks.load import QUERY, SIZE, Load
from benchmarks.many_requests import AT_ONCE, ManyRequests, many_requests_table
from benchmarks.measuring import Cell, percentile
from benchmarks.observed import OBSERVED, UNOBSERVED, Observed
from benchmarks.observed import SIZE as SIZE_OBSERVED
from benchmarks.rates import CONNECTIONS, Rates
from benchmarks.scalars import DECIMALS, OBJECTS, PAIRS, RICH, ScalarTimes
from benchmarks.stall import Stall
from benchmarks.warm import CACHED, MEMORY, REDIS
from benchmarks.warm import SIZE as SIZE_WARM

GOALS = {
    ("dashboard", 500): 1.15,
    ("trends", 500): 1.15,
    ("dashboard", 4_000): 1.25,
    ("trends", 4_000): 1.25,
    ("everything", 500): 1.5,
}
"""Maximum ratio of the gateway's median to the floor's."""
LOAD_GOAL = 0.85
"""Minimum share of the floor's requests a second."""

WARM_GOALS = {REDIS: 0.6, MEMORY: 0.35}
"""Maximum ratio of a warm answer's median to the cold floor's."""
CACHED_GOAL = 0.7
"""Minimum share of a bare ASGI application's requests a second."""
EDGE_GOAL = 0.8
"""Minimum share of the edge's requests a second before a bare ASGI application."""
EDGE_GOAL_PER_S = 10_000
GUARDED_GOAL = 1.05
"""Maximum ratio of the guarded median to the unguarded one."""
OBSERVED_GOAL, CACHED_OBSERVED_GOAL_US = 1.03, 5.0
"""Maximum ratio of the median with metrics to that without, and microseconds of CPU that they add to a cached
response."""
SCALAR_GOALS = {RICH: 1.5, DECIMALS: 2.0}
"""Maximum ratio of their median to that of plain columns."""
STALL_GOAL_MS = 50.0
"""Maximum rise of a small request's p99 above idle."""

_READING = """
Three endpoints answer the same, each in a process of its own with one worker, over the same stores, with
nothing cached:

- **floor**: written by hand for exactly these answers. No GraphQL: as few statements as are fastest, loops, orjson.
- **stock**: Strawberry and aiodataloader as their documentation shows, a dataloader for each section. Left out where
  it takes minutes a request: everything of 4,000 ids.
- **gateway**: this one.

Their answers are checked to be equal before anything is timed (floats to nine digits: a sum depends on the order in
which ClickHouse's threads add). *ms* is what a client sees, from the request to the answer's last byte: the median of
the rounds, in which the endpoints take turns, and the 95th percentile. */ floor* is the ratio of medians. *Statements*
are ClickHouse's and PostgreSQL's, *CPU* is the endpoint's own, without the stores', and *memory* what its process held
afterwards, of earlier rows too. Engines, endpoints and client share the machine's cores, so compare within a run, by
ratios; the engine behind ClickHouse's interface is chDB. ids are the busiest aircraft first.
"""


@dataclass(slots=True)
class Results:
    """All that a run measured."""

    cells: list[Cell] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    warm: list[Cell] = field(default_factory=list)
    cached: Rates | None = None
    edge: Rates | None = None
    many_requests: list[ManyRequests] | None = None
    guarded: list[Cell] = field(default_factory=list)
    each: list[OneOrEach] = field(default_factory=list)
    scalars: list[ScalarTimes] = field(default_factory=list)
    observed: Observed | None = None


def page(results: Results, plot: str = "") -> str:
    """Return the page of results, section by section; `plot` is the picture's file name."""
    queries = dict.fromkeys(cell.query for cell in results.cells)
    sections = [
        "# Benchmarks\n\n`make bench`, " + _machine(),
        _READING.strip(),
        *(["## Goals\n\n" + table] if (table := _goals(results)) else []),
        *([f"## Time against ids\n\n![Time against number of ids]({plot})"] if plot else []),
        *(f"## {query}\n\n{_cells([c for c in results.cells if c.query == query])}" for query in queries),
        *([f"## Requests a second\n\n{_loads(results.loads)}"] if results.loads else []),
        *([f"## Small requests beside a large one\n\n{_stalls(results.stalls)}"] if results.stalls else []),
        *([f"## Warm\n\n{_warm(results.warm, results.cached)}"] if results.warm else []),
        *([f"## Through nginx\n\n{_edge(results.edge)}"] if results.edge else []),
        *([f"## Many requests\n\n{_many_requests(results.many_requests)}"] if results.many_requests else []),
        *([f"## Scalars\n\n{_scalars(results.scalars)}"] if results.scalars else []),
        *([f"## Guarded\n\n{_guarded(results.guarded)}"] if results.guarded else []),
        *([f"## Metrics\n\n{_observed(results.observed)}"] if results.observed else []),
        *([f"## One query or one each\n\n{_each(results.each)}"] if results.each else []),
    ]
    return "\n\n".join(sections) + "\n"


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("strawberry-graphql", "graphql-core", "orjson"))
    day = datetime.now(UTC).date().isoformat()
    return (
        f"{day}: {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), Python"
        f" {sys.version.split()[0]}, {packages}."
    )


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A table whose first `left` columns are text."""
    rule = ["---"] * left + ["---:"] * (len(names) - left)
    return "\n".join(f"| {' | '.join(row)} |" for row in (names, rule, *rows))


def _cells(cells: Sequence[Cell]) -> str:
    floors = {cell.size: cell.median_ms for cell in cells if cell.endpoint == FLOOR}
    rows = [
        [
            cell.endpoint,
            f"{cell.size:,}",
            _ms(cell.median_ms),
            _ms(cell.p95_ms),
            f"{cell.median_ms / floors[cell.size]:.2f}",
            f"{cell.clickhouse:.3g} + {cell.postgresql:.3g}",
            f"{cell.bytes:,}",
            _ms(cell.cpu_ms),
            f"{cell.resident_mib:,.0f}",
            f"{len(cell.times_ms)}",
        ]
        for cell in cells
    ]
    names = ["endpoint", "ids", "ms", "p95", "/ floor", "statements", "bytes", "CPU ms", "memory MiB", "rounds"]
    return _table(names, rows, 1)


def _loads(loads: Sequence[Load]) -> str:
    floors = {load.connections: load.requests_per_s for load in loads if load.endpoint == FLOOR}
    rows = [
        [
            load.endpoint,
            f"{load.connections}",
            f"{load.requests_per_s:,.1f}",
            f"{load.requests_per_s / floors[load.connections]:.2f}",
            _ms(load.median_ms),
            _ms(load.p95_ms),
            f"{load.rounds}",
        ]
        for load in loads
    ]
    about = f"The {QUERY} query for {SIZE} ids, every connection asking again as soon as it is answered.\n\n"
    return about + _table(["endpoint", "connections", "requests/s", "/ floor", "ms", "p95", "rounds"], rows, 1)


def _stalls(stalls: Sequence[Stall]) -> str:
    first = stalls[0]
    about = (
        f"One request after the other, first alone, then while the same worker answers every section of {first.size:,}"
        f" aircraft ({first.large_bytes / 1e6:,.0f} MB in {first.large_s:.1f} s).\n\n"
    )
    cells = [
        [
            item.path,
            *(_ms(value) for times in (item.idle_ms, item.busy_ms) for value in _spread(times)),
            f"{len(item.busy_ms)}",
        ]
        for item in stalls
    ]
    names = ["path", "idle, ms", "p99", "slowest", "beside it, ms", "p99", "slowest", "requests"]
    return about + _table(names, cells, 1)


def _warm(cells: Sequence[Cell], cached: Rates | None) -> str:
    about = f"The {QUERY} query for {SIZE_WARM} ids, the floor cold as ever and the gateway warm, in turns.\n\n"
    text = about + _cells(cells)
    if cached is not None:
        text += (
            f"\n\nA GET whose response ({cached.bytes:,} bytes) is cached: {cached.gateway_per_s:,.0f} requests/s on"
            f" one worker, {cached.ratio:.2f} of a bare ASGI application on uvicorn that answers as many bytes"
            f" ({cached.bare_per_s:,.0f}); wrk, {CONNECTIONS} connections, the median of {cached.rounds} rounds."
        )
    return text


def _edge(edge: Rates) -> str:
    return (
        f"A GET of an answer of {edge.bytes:,} bytes that nginx has in its cache, as deploy/nginx configures it:"
        f" {edge.gateway_per_s:,.0f} requests/s before the gateway, {edge.ratio:.2f} of what it answers before a bare"
        f" ASGI application with the same headers ({edge.bare_per_s:,.0f}); wrk, {CONNECTIONS} connections, the median"
        f" of {edge.rounds} rounds, in turns."
    )


def _many_requests(runs: Sequence[ManyRequests]) -> str:
    return (
        f"`h2load -m {AT_ONCE}` on {datetime.now(UTC).date().isoformat()}, through nginx as deploy/nginx configures it,"
        " HTTP/2 without TLS; each run has an edge without copies. A connection that is lost is no answer. The last"
        " rows are of the same edge without its `keepalive_requests`.\n\n" + many_requests_table(runs)
    )


def _many_goals(runs: Sequence[ManyRequests]) -> Iterator[list[str]]:
    if shipped := [run for run in runs if not run.is_capped]:
        failed = sum(run.failed for run in shipped)
        total = sum(run.requests for run in shipped)
        goal = f"none of {total:,} without an answer"
        yield ["through nginx, over one HTTP/2 connection and six", goal, f"{failed:,}", _reached(failed == 0)]


def _spread(times_ms: Sequence[float]) -> tuple[float, float, float]:
    return statistics.median(times_ms), percentile(times_ms, 0.99), max(times_ms)


def _each(rows: Sequence[OneOrEach]) -> str:
    about = (
        f"The gateway's {QUERY} query for all aircraft against a request for each, {BROWSER_CONNECTIONS} at a time as"
        " a browser sends them.\n\n"
    )
    cells = [
        [
            f"{row.size:,}",
            _ms(row.one_query_ms),
            _ms(row.one_each_ms),
            f"{row.one_each_ms / row.one_query_ms:,.1f}",
            f"{row.rounds}",
        ]
        for row in rows
    ]
    return about + _table(["ids", "one query, ms", "one each, ms", "one each / one query", "rounds"], cells, 0)


def _goals(results: Results) -> str:
    rows = [
        *_time_goals(results.cells),
        *_load_goals(results.loads),
        *_warm_goals(results.warm),
        *_rate_goals(results.cached, results.edge),
        *_many_goals(results.many_requests or []),
        *_guarded_goals(results.guarded),
        *(_observed_goals(results.observed) if results.observed else ()),
        *_stall_goals(results.stalls),
        *_scalar_goals(results.scalars),
    ]
    return _table(["gateway", "goal", "measured", ""], rows, 2) if rows else ""


def _time_goals(cells: Sequence[Cell]) -> Iterator[list[str]]:
    medians = {(cell.query, cell.size, cell.endpoint): cell.median_ms for cell in cells}
    for (query, size), most in GOALS.items():
        if (query, size, GATEWAY) in medians:
            ratio = medians[query, size, GATEWAY] / medians[query, size, FLOOR]
            yield [f"{query}, {size:,} ids: time", f"at most {most:.2f} of the floor's", *_judged(ratio, ratio <= most)]


def _load_goals(loads: Sequence[Load]) -> Iterator[list[str]]:
    rates = {(load.connections, load.endpoint): load.requests_per_s for load in loads}
    for connections in dict.fromkeys(load.connections for load in loads):
        ratio = rates[connections, GATEWAY] / rates[connections, FLOOR]
        name = f"{QUERY}, {SIZE} ids, {connections} connections: requests/s"
        yield [name, f"at least {LOAD_GOAL:.2f} of the floor's", *_judged(ratio, ratio >= LOAD_GOAL)]


def _guarded(cells: Sequence[Cell]) -> str:
    """Two rows, and what they mean."""
    rows = [[cell.endpoint, _ms(cell.median_ms), _ms(cell.p95_ms), _ms(cell.cpu_ms)] for cell in cells]
    about = (
        f"The {QUERY} query for {SIZE_GUARDED} ids with nothing cached: with an API key, limits, a price and a budget"
        " that is counted in Redis, and without all of it, in turns.\n\n"
    )
    return about + _table(["endpoint", "ms", "p95", "CPU ms"], rows, 1)


def _guarded_goals(cells: Sequence[Cell]) -> Iterator[list[str]]:
    medians = {cell.endpoint: cell.median_ms for cell in cells}
    if GUARDED in medians:
        ratio = medians[GUARDED] / medians[UNGUARDED]
        yield [f"{GUARDED}: time", f"under {GUARDED_GOAL:.2f} of the unguarded", *_judged(ratio, ratio < GUARDED_GOAL)]


def _observed(observed: Observed) -> str:
    """Rows of both gateways, and what they mean."""
    rows = [
        [
            cell.endpoint,
            _ms(cell.median_ms),
            _ms(cell.p95_ms),
            f"{cell.cpu_ms:.2f}",
            f"{len(cell.times_ms)}",
            f"{statistics.median(observed.cached_us[cell.endpoint]):.1f}",
        ]
        for cell in observed.cells
    ]
    about = (
        f"The {QUERY} query for {SIZE_OBSERVED} ids with nothing cached, with the metrics of a worker of several and"
        f" without any, in turns; and {observed.requests:,} cached responses of both applications, in turns and in one"
        " process, without a server around them: the median of blocks. The median of the blocks' differences is"
        f" {observed.cached_difference_us:.1f} µs.\n\n"
    )
    return about + _table(["endpoint", "ms", "p95", "CPU ms", "rounds", "CPU µs of a cached response"], rows, 1)


def _observed_goals(observed: Observed) -> Iterator[list[str]]:
    medians = {cell.endpoint: cell.median_ms for cell in observed.cells}
    if OBSERVED in medians:
        ratio, most = medians[OBSERVED] / medians[UNOBSERVED], OBSERVED_GOAL
        yield [f"{OBSERVED}: time", f"under {most:.2f} of that without", *_judged(ratio, ratio < most)]
    added, most = observed.cached_difference_us, CACHED_OBSERVED_GOAL_US
    yield [
        f"{OBSERVED}: CPU of a cached response",
        f"under {most:.0f} µs more",
        f"{added:.1f} µs",
        _reached(added < most),
    ]


def _scalars(times: Sequence[ScalarTimes]) -> str:
    """Return a row for each set of columns, and what they mean."""
    rows = [[each.name, _ms(each.median_ms), f"{each.bytes:,}", f"{len(each.times_ms)}"] for each in times]
    about = (
        f"{OBJECTS} objects of ten columns, from the values that a driver returns to the answer's bytes, in turns and"
        " without a store.\n\n"
    )
    return about + _table(["columns", "CPU ms", "bytes", "rounds"], rows, 1)


def _scalar_goals(times: Sequence[ScalarTimes]) -> Iterator[list[str]]:
    medians = {each.name: each.median_ms for each in times}
    for plain, other in PAIRS:
        if other in medians:
            ratio, most = medians[other] / medians[plain], SCALAR_GOALS[other]
            yield [f"{other}: CPU time", f"at most {most:.2f} of {plain}", *_judged(ratio, ratio <= most)]


def _warm_goals(cells: Sequence[Cell]) -> Iterator[list[str]]:
    medians = {cell.endpoint: cell.median_ms for cell in cells}
    for name, most in WARM_GOALS.items():
        if name in medians:
            ratio = medians[name] / medians[FLOOR]
            yield [f"{name}: time", f"at most {most:.2f} of the cold floor's", *_judged(ratio, ratio <= most)]


def _rate_goals(cached: Rates | None, edge: Rates | None) -> Iterator[list[str]]:
    if cached is not None:
        about = f"at least {CACHED_GOAL:.2f} of a bare application's"
        yield [f"{CACHED}: requests/s", about, *_judged(cached.ratio, cached.ratio >= CACHED_GOAL)]
    if edge is not None:
        name, per_s = "through nginx: requests/s", edge.gateway_per_s
        about = f"at least {EDGE_GOAL:.2f} of a bare application's through nginx"
        yield [name, about, *_judged(edge.ratio, edge.ratio >= EDGE_GOAL)]
        yield [name, f"over {EDGE_GOAL_PER_S:,}", f"{per_s:,.0f}", _reached(per_s > EDGE_GOAL_PER_S)]


def _stall_goals(stalls: Sequence[Stall]) -> Iterator[list[str]]:
    for stall in stalls:
        idle, busy = stall.p99_ms
        above = busy - idle
        name = f"{stall.path} beside every section of {stall.size:,} aircraft: p99"
        goal = f"at most {STALL_GOAL_MS:.0f} ms above idle"
        yield [name, goal, f"{_ms(above)} ms", _reached(above <= STALL_GOAL_MS)]


def _judged(ratio: float, reached: bool) -> list[str]:
    return [f"{ratio:.2f}", _reached(reached)]


def _reached(reached: bool) -> str:
    return "reached" if reached else "missed"


def _ms(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
