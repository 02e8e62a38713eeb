"""The cost of a request of each class, as capacity.json has it."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

FILE = Path(__file__).with_name("capacity.json")


@dataclass(frozen=True, slots=True)
class RequestCost:
    """The means of a request. Milliseconds are of CPU, and bytes of a store are those that it sent."""

    requests: int
    """How many were measured."""
    gateway_ms: float
    postgresql_ms: float
    clickhouse_ms: float
    redis_ms: float
    postgresql_statements: float
    clickhouse_statements: float
    redis_commands: float
    answer_bytes: float
    """Of the body as it is sent: compressed, unless it is small."""
    postgresql_bytes: float
    clickhouse_bytes: float
    redis_bytes: float
    """In both directions."""


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of all classes, and what they were measured on."""

    day: str
    machine: str
    load_average: float
    """Processes that ran or waited for a core meanwhile. On a busy machine, the same work takes more CPU."""
    redis_bytes_per_object: float
    """Memory of Redis for an object with the sections of the dashboard query."""
    worker_mib: float
    """Resident memory of a worker that holds those objects."""
    classes: dict[str, RequestCost]

    def save(self, file: Path = FILE) -> None:
        """Write them as JSON, to four places after the point."""
        values = asdict(self)
        for cost in values["classes"].values():
            cost.update({name: round(value, 4) for name, value in cost.items()})
        file.write_bytes(orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n")


def load_costs(file: Path = FILE) -> Costs:
    """Read what was measured. Raises OSError if there is no such file."""
    values = orjson.loads(file.read_bytes())
    return Costs(**{**values, "classes": {name: RequestCost(**cost) for name, cost in values["classes"].items()}})


def today() -> str:
    """Return the day, in UTC."""
    return datetime.now(UTC).date().isoformat()


def machine() -> str:
    """Return what the figures depend on beside the code."""
    cores = f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()})"
    return f"{cores}, Python {sys.version.split()[0]}; ClickHouse is chDB behind an HTTP interface in Python"
