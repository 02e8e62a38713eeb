"""`make calibrate`: every shape against the gateway in this process, over engines of its own with nothing cached.

CPU time is counted, not the clock, since the machine may be shared; a busy one takes more CPU for the same, so compare
within a run. Prints what a point takes of each shape, the least first, and marks those outside a third and three times
the mean.
"""

import argparse
import asyncio
import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import exp, log
from random import Random
from unittest.mock import patch

from graphql import GraphQLSchema

from benchmarks.calibration.asking import Measured, Metered, measured
from benchmarks.calibration.cpu import PARTS
from benchmarks.calibration.other_shapes import other_shapes
from benchmarks.calibration.shapes import SIZES, Shape, section_shapes
from benchmarks.processes import busiest_aircraft, stores
from deploy import SAMPLE_MODEL
from gateway.app import build_app
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.stores import Stores
from loaders.cache.invalidation import Invalidator
from loaders.model.loading import load_model
from loaders.objects.invalidation import Invalidation
from tests.execution.documents import Size, random_document

_UNREFUSED = {
    "GATEWAY_RATE_COST_PER_MINUTE": "1000000000",
    "GATEWAY_MAX_COST": "1000000000",
    "GATEWAY_MAX_STATEMENTS": "1000",
    "GATEWAY_MAX_RESPONSE_MIB": "1000",
    "GATEWAY_INTROSPECTION": "true",
    "GATEWAY_STATEMENT_TIMEOUT_S": "300",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    with stores(own=True) as urls:
        ids = busiest_aircraft(urls)
        result = asyncio.run(_measured(urls, ids, asked))
    print(page(result))
    return 0


async def _measured(urls: Mapping[str, str], ids: Sequence[str], asked: argparse.Namespace) -> list[Measured]:
    model = load_model(SAMPLE_MODEL)
    schema = build_schema(model)._schema
    every = [item for item in (*section_shapes(schema), *other_shapes(schema)) if asked.shapes in item.name]
    every = Random(asked.seed).sample(every, round(len(every) * asked.share))  # noqa: S311 (which are measured)
    every += random_shapes(schema, ids, asked.seed, asked.random)
    result: list[Measured] = []
    for anonymous in sorted({item.anonymous for item in every}):
        with patch("gateway.app.RateLimit", Metered):
            app = build_app(
                Settings.from_environment(
                    {**urls, **_UNREFUSED, "GATEWAY_CACHE": str(asked.cache).lower(), "GATEWAY_ANONYMOUS": anonymous}
                ),
                model,
            )
        gc.collect()
        gc.freeze()  # as a worker process does, with the same number of allocations between two runs
        gc.set_threshold(20_000, 100, 20)
        async with app.router.lifespan_context(app):
            forget = partial(_forget, app.state.stores)
            for shape in (item for item in every if item.anonymous == anonymous):
                result.append(await measured(app, shape, ids, asked.rounds, forget))
                print(f"\r{len(result)} of {len(every)} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return result


async def _forget(stores: Stores) -> None:
    if stores.cache is not None:
        await stores.cache.settle()
        await Invalidator(stores.redis).invalidate(Invalidation(stores.model).change_of(everything=True))


def random_shapes(schema: GraphQLSchema, ids: Sequence[str], seed: int, number: int) -> Iterator[Shape]:
    """Valid operations that nobody thought of, of one, 50 and 500 aircraft."""
    for index in range(number):
        size = SIZES[index % len(SIZES)]
        hints = {
            "tailNumber": ids[:1],
            "ids": [list(ids[:size])],
            "id": [f"Aircraft:{ids[0]}", "Airport:JFK", "Airline:UA"],
            "code": ["JFK", "UA"],
            "first": [1, 5, 50],
            "after": [None],
            "from": ["2013-01-01", "2013-05-01"],
            "to": ["2013-06-30", "2013-12-31"],
        }
        document = random_document(schema, f"{seed}-{index}", Size(depth=6, width=6), hints)
        yield Shape(f"random {seed}-{index}", document.text, variables=document.variables)


def page(result: Iterable[Measured]) -> str:
    """All of them as a table, the cheapest point first."""
    answered = sorted((item for item in result if item.status == 200 and item.points), key=lambda item: item.us_a_point)
    mean = exp(sum(log(item.us_a_point) for item in answered) / len(answered))
    outside = [item for item in answered if not mean / 3 <= item.us_a_point <= mean * 3]
    spread = f"{answered[0].us_a_point:.1f} to {answered[-1].us_a_point:.1f}"
    bounds = f"{len(outside)} lie outside {mean / 3:.1f} to {mean * 3:.1f} µs"
    lines = [
        f"{len(answered)} shapes: a point takes {mean:.1f} µs of CPU (geometric mean), {spread}; {bounds}.",
        "",
        f"| shape | points | {' | '.join(f'{part}, ms' for part in PARTS)} | µs a point | of the mean |",
        "| --- | ---: |" + " ---: |" * (len(PARTS) + 2),
    ]
    for item in answered:
        parts = " | ".join(f"{item.cpu_s[part] * 1e3:.1f}" for part in PARTS)
        mark = " **" if item in outside else ""
        of_mean = f"{item.us_a_point:.1f} | {item.us_a_point / mean:.2f}{mark}"
        lines.append(f"| {item.shape.name} | {item.points:,} | {parts} | {of_mean} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="calibration", description="What a point of cost takes in CPU, by shape.")
    parser.add_argument("--shapes", default="", metavar="TEXT", help="only those whose name has this text")
    parser.add_argument("--share", type=float, default=1.0, help="of the shapes, picked at random")
    parser.add_argument("--rounds", type=int, default=3, help="of each shape; the median counts")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="as many random operations besides")
    parser.add_argument("--cache", action="store_true", help="with a cache, which is emptied before each request")
    parser.add_argument("--seed", type=int, default=1, help="of what is picked and written at random")
    return parser


if __name__ == "__main__":
    sys.exit(main())
