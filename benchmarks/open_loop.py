"""Load at a rate that does not wait for answers, and load that does: a generator in a process of its own.

`python -m benchmarks.open_loop PORT` reads a `Plan` as JSON from its standard input, and prints a `Counted`.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

import orjson
import uvloop

from benchmarks.measuring import percentile

TIMEOUT_S = 10.0
"""After it, the client gives up and hangs up, as a browser's code does."""
LATE_MS = 100.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to post. With `per_s`, a request begins each 1/per_s seconds, whatever becomes of those before it; else
    each of `connections` asks again as soon as it is answered."""

    bodies: list[str]
    seconds: float
    per_s: float = 0.0
    connections: int = 0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Counted:
    """Answers by kind, and their times in milliseconds since they were meant to be asked."""

    seconds: float
    good: int = 0
    good_in_time: int = 0
    """Those that came within the seconds: the others came after the load was over."""
    wrong: int = 0
    """Answers that are neither good nor a 503 with OVERLOADED and Retry-After."""
    lost: int = 0
    """Requests that had no answer in time, or whose connection was closed."""
    late_ms: float = 0.0
    """How late the generator was at worst: times that are not much longer say nothing."""
    good_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)

    @property
    def good_per_s(self) -> float:
        """Good answers a second, while there was load."""
        return self.good_in_time / self.seconds

    def add(self, other: "Counted") -> None:
        """Add what was counted in another round."""
        self.seconds += other.seconds
        self.good += other.good
        self.good_in_time += other.good_in_time
        self.wrong += other.wrong
        self.lost += other.lost
        self.late_ms = max(self.late_ms, other.late_ms)
        self.good_ms += other.good_ms
        self.refused_ms += other.refused_ms

    def line(self) -> str:
        """As it is printed."""
        return (
            f"{self.good_per_s:6.1f} good/s {_times(self.good_ms)}; {len(self.refused_ms)} refused"
            f" {_times(self.refused_ms)}; {self.wrong} wrong, {self.lost} lost"
            + (f"; the generator was {self.late_ms:.0f} ms late" if self.late_ms > LATE_MS else "")
        )


def _times(times_ms: Sequence[float]) -> str:
    if not times_ms:
        return ""
    return f"(p50 {percentile(times_ms, 0.5):.0f} ms, p99 {percentile(times_ms, 0.99):.0f} ms)"


def generated(port: int, plan: Plan) -> Counted:
    """Run the plan in a process of its own, against the gateway at a port of 127.0.0.1."""
    command = [sys.executable, "-m", "benchmarks.open_loop", str(port)]
    done = subprocess.run(command, input=orjson.dumps(asdict(plan)), stdout=subprocess.PIPE, check=True)
    return Counted(**orjson.loads(done.stdout))


class _Connections:
    """Kept connections: a new one is opened where none is free."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        item = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield item
        except BaseException:
            item[1].transport.abort()
            raise
        self._free.append(item)


class _Generator:
    def __init__(self, port: int, plan: Plan) -> None:
        self._connections = _Connections(port)
        self._plan = plan
        self._counted = Counted(plan.seconds)
        self._requests = [self._request(body.encode()) for body in plan.bodies]
        self._next = 0
        self._ends = 0.0

    def _request(self, body: bytes) -> bytes:
        headers = {"Host": "gateway", "Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [f"{name}: {value}\r\n" for name, value in (headers | self._plan.headers).items()]
        return b"POST /graphql HTTP/1.1\r\n" + "".join(lines).encode() + b"\r\n" + body

    async def run(self) -> Counted:
        began = time.perf_counter()
        self._ends = began + self._plan.seconds
        if self._plan.connections:
            await asyncio.gather(*(self._ask_on() for _ in range(self._plan.connections)))
            return self._counted
        asked = []
        for index in range(round(self._plan.per_s * self._plan.seconds)):
            meant = began + index / self._plan.per_s
            await asyncio.sleep(max(0.0, meant - time.perf_counter()))
            self._counted.late_ms = max(self._counted.late_ms, (time.perf_counter() - meant) * 1000)
            asked.append(asyncio.create_task(self._ask(meant)))
        await asyncio.gather(*asked)
        return self._counted

    async def _ask_on(self) -> None:
        while (now := time.perf_counter()) < self._ends:
            await self._ask(now)

    async def _ask(self, meant: float) -> None:
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        try:
            async with (
                asyncio.timeout(TIMEOUT_S - (time.perf_counter() - meant)),
                self._connections.connection() as (
                    reader,
                    writer,
                ),
            ):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            self._counted.lost += 1
            return
        self._count(head, body, meant)

    def _count(self, head: bytes, body: bytes, meant: float) -> None:
        now = time.perf_counter()
        if head.startswith(b"HTTP/1.1 200") and b'"errors"' not in body[:10]:
            self._counted.good += 1
            self._counted.good_in_time += now < self._ends
            self._counted.good_ms.append((now - meant) * 1000)
        elif head.startswith(b"HTTP/1.1 503") and b"\r\nretry-after: " in head.lower() and b"OVERLOADED" in body:
            self._counted.refused_ms.append((now - meant) * 1000)
        else:
            self._counted.wrong += 1


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0])


def write(counted: Counted) -> None:
    """Write what was counted as JSON to standard output, through a buffer: without one, a signal cuts it short."""
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:
        output.write(orjson.dumps(asdict(counted)))


def main() -> None:
    """Run the plan of the standard input, and print what was counted."""
    plan = Plan(**orjson.loads(sys.stdin.buffer.read()))
    write(uvloop.run(_Generator(int(sys.argv[1]), plan).run()))


if __name__ == "__main__":
    main()
