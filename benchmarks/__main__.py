"""`make bench`: the hand-written floor, stock Strawberry and the gateway in one run.

Without options, everything is measured and written to results.md and results.png. With any, the page is printed.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.asking import FLOOR, GATEWAY, STOCK, TEXTS, BenchmarkError, Client, Endpoint, check_equal, session
from benchmarks.each import measure_each
from benchmarks.edge import measure_edge
from benchmarks.guarded import measure_guarded
from benchmarks.load import measure_load
from benchmarks.many_requests import measure_many_requests
from benchmarks.measuring import Cell, measure
from benchmarks.observed import measure_observed
from benchmarks.plot import draw
from benchmarks.processes import busiest_aircraft, endpoint, stores
from benchmarks.report import Results, page
from benchmarks.scalars import measure_scalars
from benchmarks.stall import measure_stall
from benchmarks.warm import measure_cached, measure_warm

FOLDER = Path(__file__).parent
QUERIES = ("dashboard", "trends", "everything")
SIZES = (1, 50, 500, 4_000)
EACH_SIZES = (1, 50, 500)


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is measured."""

    queries: tuple[str, ...] = QUERIES
    sizes: tuple[int, ...] = SIZES
    rounds: int = 15
    stock: bool = True
    stock_everything_most: int = 500
    """Ids beyond which stock is not asked for everything: it would take minutes a request."""
    load_s: float = 8.0
    load_rounds: int = 3
    each_rounds: int = 7
    stall: bool = True
    warm_rounds: int = 15
    edge_rounds: int = 5
    many_requests: bool = True
    guarded_rounds: int = 15
    scalar_rounds: int = 101
    observed_rounds: int = 101


QUICK = Scope(
    sizes=(1, 50, 500),
    rounds=7,
    stock_everything_most=50,
    load_s=2.0,
    load_rounds=1,
    each_rounds=0,
    stall=False,
    warm_rounds=7,
    edge_rounds=3,
    scalar_rounds=41,
    observed_rounds=41,
)
METRICS = Scope(
    queries=(),
    stock=False,
    load_rounds=0,
    each_rounds=0,
    stall=False,
    warm_rounds=0,
    edge_rounds=0,
    guarded_rounds=0,
    scalar_rounds=0,
    many_requests=False,
)
MANY_REQUESTS = replace(METRICS, observed_rounds=0, many_requests=True)
PARTS = {"metrics": METRICS, "many-requests": MANY_REQUESTS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page; status 1 with a sentence where the answers differ."""
    scope = _scope(_parser().parse_args(arguments))
    try:
        with stores() as urls:
            results = measured(scope, urls)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    complete = scope == Scope()
    text = page(results, "results.png" if complete else "")
    print(text)
    if complete:
        draw([cell for cell in results.cells if cell.query != "everything"], FOLDER / "results.png")
        (FOLDER / "results.md").write_text(text)
    return 0


def measured(scope: Scope, urls: Mapping[str, str]) -> Results:
    """The whole run: cells, requests a second, small requests beside a large one, one query against one each."""
    results = Results()
    if scope.scalar_rounds:
        results.scalars = measure_scalars(scope.scalar_rounds)
    names = [FLOOR, STOCK, GATEWAY] if scope.stock else [FLOOR, GATEWAY]
    with ExitStack() as running:
        endpoints = [Endpoint(name, running.enter_context(endpoint(name, urls))) for name in names]
        ids = busiest_aircraft(urls)
        results.cells = asyncio.run(_cells(scope, endpoints, ids))
        if scope.load_rounds:
            results.loads = measure_load(endpoints, ids, scope.load_s, scope.load_rounds)
        if scope.stall:
            results.stalls = asyncio.run(measure_stall(endpoints[-1], ids))
        if scope.warm_rounds:
            results.warm = asyncio.run(measure_warm(urls, ids, scope.warm_rounds))
            results.cached = measure_cached(urls, ids, TEXTS["dashboard"], rounds=3)
        _measure_edge(scope, urls, ids, results)
        if scope.guarded_rounds:
            results.guarded = asyncio.run(measure_guarded(urls, ids, scope.guarded_rounds))
        if scope.observed_rounds:
            results.observed = asyncio.run(measure_observed(urls, ids, scope.observed_rounds))
        if scope.each_rounds:
            results.each = asyncio.run(measure_each(endpoints[-1], ids, EACH_SIZES, scope.each_rounds))
    return results


def _measure_edge(scope: Scope, urls: Mapping[str, str], ids: Sequence[str], results: Results) -> None:
    """Measure what goes through nginx, and say what is left out since a program is not installed."""
    if scope.edge_rounds:
        results.edge = measure_edge(urls, ids, TEXTS["dashboard"], scope.edge_rounds)
        if results.edge is None:
            print("through nginx: left out, nginx or wrk is not installed", file=sys.stderr, flush=True)
    if scope.many_requests:
        results.many_requests = measure_many_requests(urls, ids)
        if results.many_requests is None:
            print("many requests: left out, nginx or h2load is not installed", file=sys.stderr, flush=True)


async def _cells(scope: Scope, endpoints: Sequence[Endpoint], ids: Sequence[str]) -> list[Cell]:
    cells = []
    async with session(connections=4) as opened:
        client = Client(opened)
        for query in scope.queries:
            for size in scope.sizes:
                without = STOCK if query == "everything" and size > scope.stock_everything_most else None
                asked = [each for each in endpoints if each.name != without]
                await check_equal(client, asked, query, ids[:size])
                cells += await measure(client, asked, query, ids[:size], scope.rounds)
                print(f"{query}, {size:,} ids: {_medians(cells, query, size)}", file=sys.stderr, flush=True)
    return cells


def _medians(cells: Sequence[Cell], query: str, size: int) -> str:
    here = [cell for cell in cells if (cell.query, cell.size) == (query, size)]
    return ", ".join(f"{cell.endpoint} {cell.median_ms:,.1f} ms" for cell in here)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description="The hand-written floor, stock Strawberry and the gateway. Without options, everything is measured"
        " and the results are written; with any, they are printed. Where DATABASE_URL, CLICKHOUSE_URL and REDIS_URL"
        " are set, these stores are used, else engines of the run's own.",
    )
    parser.add_argument("--quick", action="store_true", help="about two minutes: fewer rounds, nothing over 500 ids")
    parser.add_argument(
        "--only",
        choices=PARTS,
        help="this part alone: what metrics cost, or many requests over few connections",
    )
    parser.add_argument("--queries", type=_names, metavar="A,B", help=f"of {','.join(QUERIES)}")
    parser.add_argument("--sizes", type=_numbers, metavar="N,M", help="numbers of ids")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each query and size")
    parser.add_argument("--no-stock", action="store_true", help="leave stock Strawberry out")
    parser.add_argument("--no-warm", action="store_true", help="leave cached answers out")
    parser.add_argument("--no-edge", action="store_true", help="leave answers from nginx's cache out")
    parser.add_argument("--no-load", action="store_true", help="leave requests a second out")
    parser.add_argument("--no-scalars", action="store_true", help="leave the kinds of columns out")
    parser.add_argument("--no-metrics", action="store_true", help="leave the cost of metrics out")
    parser.add_argument("--no-each", action="store_true", help="leave one query against one each out")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(QUERIES):
        raise argparse.ArgumentTypeError(f"no such query: {', '.join(sorted(unknown))}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _scope(asked: argparse.Namespace) -> Scope:
    if asked.only:
        return PARTS[asked.only]
    base = QUICK if asked.quick else Scope()
    return replace(
        base,
        queries=asked.queries or base.queries,
        sizes=asked.sizes or base.sizes,
        rounds=asked.rounds or base.rounds,
        stock=not asked.no_stock,
        load_rounds=0 if asked.no_load else base.load_rounds,
        warm_rounds=0 if asked.no_warm else base.warm_rounds,
        edge_rounds=0 if asked.no_edge else base.edge_rounds,
        many_requests=base.many_requests and not asked.no_edge,
        each_rounds=0 if asked.no_each else base.each_rounds,
        scalar_rounds=0 if asked.no_scalars else base.scalar_rounds,
        observed_rounds=0 if asked.no_metrics else base.observed_rounds,
    )


if __name__ == "__main__":
    sys.exit(main())
