"""Thousands of requests over few HTTP/2 connections, as a page or a load balancer sends them: by `h2load`.

`h2load` is in Debian's package nghttp2-client. `python -m benchmarks.many_requests` prints the table alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from benchmarks.asking import TEXTS
from benchmarks.nginx import Edge, running_edge
from benchmarks.processes import busiest_aircraft, endpoint, stores
from benchmarks.servers import installed
from benchmarks.warm import CACHED, SETTINGS, cached_path

REQUESTS = (500, 5_000)
CONNECTIONS = (1, 6)
"""One, and as many as a browser opens to a host without HTTP/2."""
AT_ONCE = 100
"""Requests under way on each connection."""
IDS = 50
OBJECTS = 500
CAPPED = ", nginx's default of 1,000 a connection"
_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class ManyRequests:
    """How the requests of one run ended."""

    asked: str
    requests: int
    connections: int
    seconds: float
    answered: int
    """With a status of 2xx."""
    refused: int
    """With another status."""
    failed: int
    """Without an answer: the connection was lost or refused."""

    @property
    def is_capped(self) -> bool:
        """Whether the edge had nginx's own cap."""
        return self.asked.endswith(CAPPED)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request, and how h2load is told to send it."""

    name: str
    options: Sequence[str]


def measure_many_requests(urls: Mapping[str, str], ids: Sequence[str]) -> list[ManyRequests] | None:
    """Ask through the edge as it is shipped, then through one with nginx's own cap; None without nginx or h2load.

    Each run has an edge of its own, without copies; the gateway behind keeps its cache.
    """
    nginx, h2load = installed("nginx"), installed("h2load")
    if nginx is None or h2load is None:
        return None
    with endpoint("gateway", urls, SETTINGS[CACHED]) as gateway, tempfile.TemporaryDirectory(prefix="many-") as folder:
        kinds = _kinds(Path(folder), ids)
        edges = partial(_edge, nginx, gateway)
        runs = [_run(h2load, edges, *each) for each in product(kinds, REQUESTS, CONNECTIONS)]
        capped = partial(_edge, nginx, gateway, with_default_cap)
        kind = replace(kinds[0], name=kinds[0].name + CAPPED)
        return runs + [_run(h2load, capped, kind, max(REQUESTS), count) for count in CONNECTIONS]


def with_default_cap(configuration: str) -> str:
    """Return the configuration with nginx's own number of requests for each connection of a client.

    Raises ValueError where the edge does not raise it.
    """
    changed, count = re.subn(r"(?m)^    keepalive_requests \d+;\n(?=    http2)", "", configuration)
    if count != 1:
        raise ValueError("The edge's configuration has no keepalive_requests before http2_max_concurrent_streams.")
    return changed


def _kinds(folder: Path, ids: Sequence[str]) -> list[Kind]:
    body, singles = folder / "body.json", folder / "urls"
    body.write_bytes(_body(ids))
    singles.write_text("\n".join(_url([key]) for key in ids[:OBJECTS]) + "\n")
    posted = ["-d", str(body), "-H", "content-type: application/json", "http://edge/graphql"]
    return [
        Kind(f"dashboard of {IDS}, GET", [_url(ids[:IDS])]),
        Kind(f"dashboard of {IDS}, POST", posted),
        Kind(f"{OBJECTS} single objects, GET", ["-i", str(singles)]),
    ]


def _body(ids: Sequence[str]) -> bytes:
    return orjson.dumps({"query": TEXTS["dashboard"], "variables": {"ids": list(ids[:IDS])}})


def _url(ids: Sequence[str]) -> str:
    return f"http://edge{cached_path(TEXTS['dashboard'], ids)}"


Edges = Callable[[], AbstractContextManager[Edge]]


@contextmanager
def _edge(nginx: str, gateway: str, change: Callable[[str], str] = str) -> Iterator[Edge]:
    with (
        tempfile.TemporaryDirectory(prefix="edge-") as folder,
        running_edge(nginx, Path(folder), [urlsplit(gateway).netloc], change) as started,
    ):
        yield started


def _run(h2load: str, edges: Edges, kind: Kind, requests: int, connections: int) -> ManyRequests:
    with edges() as edge:
        command = [h2load, f"-n{requests}", f"-c{connections}", f"-m{AT_ONCE}", f"-Bunix:{edge.h2c_socket}"]
        done = subprocess.run([*command, *kind.options], capture_output=True, text=True, check=True)
    return parse(done.stdout, kind.name, requests, connections)


def parse(output: str, asked: str, requests: int, connections: int) -> ManyRequests:
    """Read what h2load prints. Raises ValueError where that is no result."""
    time = re.search(r"^finished in ([\d.]+)(us|ms|s),", output, re.MULTILINE)
    statuses = re.search(r"^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$", output, re.MULTILINE)
    if time is None or statuses is None:
        raise ValueError(f"h2load printed no result: {output[-300:]}")
    answered, *others = map(int, statuses.groups())
    failed = requests - answered - sum(others)
    return ManyRequests(asked, requests, connections, float(time[1]) * _UNITS_S[time[2]], answered, sum(others), failed)


def main() -> int:
    """Measure over engines of the run's own, and print the table; status 1 where a request had no answer."""
    with stores(own=True) as urls:
        runs = measure_many_requests(urls, busiest_aircraft(urls))
    if runs is None:
        print("many requests: nginx or h2load is not installed", file=sys.stderr)
        return 1
    print(many_requests_table(runs))
    return 1 if any(run.failed for run in runs if not run.is_capped) else 0


def many_requests_table(runs: Sequence[ManyRequests]) -> str:
    """Return a row for each run."""
    lines = [
        "| asked | requests | connections | 2xx | other statuses | no answer | s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in runs:
        counts = " | ".join(
            f"{count:,}" for count in (run.requests, run.connections, run.answered, run.refused, run.failed)
        )
        lines.append(f"| {run.asked} | {counts} | {run.seconds:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
