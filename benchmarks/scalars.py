"""Measure money, enums, JSON and arrays against integers and texts, from the driver's values to the answer's bytes.

No store answers here: the columns are what asyncpg would return. They are converted, put into rows, completed by the
executor and encoded, as those of a section are. Times are the processor's: nothing waits, and other processes of the
machine do not count.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig

from benchmarks.asking import BenchmarkError
from gateway.execution.executor import ColumnExecutor
from gateway.execution.json_chunks import encode
from loaders.model.scalars import ANYTHING, BIG_INTEGER, DECIMAL, FLOAT, INTEGER, TEXT, Scalar, enum_scalar
from resolvers.batching import ColumnField
from resolvers.scalar_types import make_enum
from resolvers.scalars import SCALAR_MAP

OBJECTS = 300
PLAIN, RICH = "integers and texts", "money, enums, JSON, arrays"
FLOATS, DECIMALS = "floats", "decimals"
PAIRS = ((PLAIN, RICH), (FLOATS, DECIMALS))
"""The pairs that are compared: the second with the first."""


class _Role(Enum):
    GUEST, EDITOR, OWNER = "guest", "editor-in-chief", "owner"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as asyncpg returns it: its scalar, the GraphQL type, and the value of each object."""

    scalar: Scalar
    answer: Any
    value: Callable[[int], Any]
    is_list: bool = False

    def decoded(self, values: Sequence[Any]) -> list[Any]:
        return self.scalar.decode_lists(values) if self.is_list else self.scalar.decode(values)


_ROLE = make_enum("Role", {member.name: "" for member in _Role})
_LABELS = [member.value for member in _Role]
_INTEGER = _Column(INTEGER, int, lambda place: place * 7)
_TEXT = _Column(TEXT, str, lambda place: f"member{place}@example.org")
_MONEY = _Column(DECIMAL, SCALAR_MAP[Decimal].origin, lambda place: Decimal(place * 1_234_567) / 10**6)
_FLOAT = _Column(FLOAT, float, lambda place: place * 1.234567)
_ENUM = _Column(enum_scalar(_Role), _ROLE, lambda place: _LABELS[place % 3])
_JSON = _Column(
    ANYTHING, SCALAR_MAP[ANYTHING.python].origin, lambda place: f'{{"theme": "dark", "sizes": [{place}, 1.5, null]}}'
)
_ARRAY = _Column(TEXT, list[str], lambda place: [f"tag{place}", "early", "ops"], is_list=True)
_COUNT = _Column(BIG_INTEGER, SCALAR_MAP[BIG_INTEGER.python].origin, lambda place: place << 33)

SETS: Mapping[str, Sequence[_Column]] = {
    PLAIN: (_INTEGER, _TEXT) * 5,
    RICH: (_MONEY, _MONEY, _ENUM, _ENUM, _JSON, _ARRAY, _ARRAY, _COUNT, _INTEGER, _TEXT),
    FLOATS: (_FLOAT,) * 10,
    DECIMALS: (_MONEY,) * 10,
}
"""Ten columns of an object, by name."""


@dataclass(frozen=True, slots=True)
class ScalarTimes:
    """CPU times of one set of columns in milliseconds, and the bytes of its answer."""

    name: str
    times_ms: list[float]
    bytes: int

    @property
    def median_ms(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.times_ms)


@dataclass(frozen=True, slots=True)
class _Context:
    encode_in_chunks: bool = True


@dataclass(slots=True)
class _Asked:
    """One set of columns, its schema, and the rows that the schema answers."""

    columns: Sequence[_Column]
    raw: list[list[Any]]
    schema: strawberry.Schema
    rows: list[Any]
    query: str

    @classmethod
    def of(cls, columns: Sequence[_Column]) -> "_Asked":
        rows: list[Any] = []
        fields = {f"c{place}": _field(f"c{place}", place, column.answer) for place, column in enumerate(columns)}
        item: Any = strawberry.type(type("Item", (), fields))
        items = strawberry.field(resolver=lambda: list(rows), graphql_type=list[item])
        query = strawberry.type(type("Query", (), {"items": items}))
        config = StrawberryConfig(scalar_map=dict(SCALAR_MAP))
        schema = strawberry.Schema(query=query, config=config, execution_context_class=ColumnExecutor)
        raw = [[column.value(place) for place in range(OBJECTS)] for column in columns]
        return cls(columns, raw, schema, rows, f"{{ items {{ {' '.join(fields)} }} }}")

    async def once(self) -> tuple[float, int]:
        """Return the CPU milliseconds and the bytes of one answer."""
        started = time.process_time()
        decoded = [column.decoded(values) for column, values in zip(self.columns, self.raw, strict=True)]
        self.rows[:] = zip(*decoded, strict=True)
        result = await self.schema.execute(self.query, context_value=_Context())
        size = sum(map(len, encode(result.data)))
        taken = (time.process_time() - started) * 1000
        if result.errors:
            raise BenchmarkError(f"scalars: {result.errors[0].message}")
        return taken, size


def _field(name: str, place: int, answer: Any) -> ColumnField:
    field = ColumnField(python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(answer | None))
    field.place = place
    return field


def measure_scalars(rounds: int) -> list[ScalarTimes]:
    """Measure each set of columns, in turns. Raises BenchmarkError where any was left to graphql-core."""
    return asyncio.run(_measured(rounds))


async def _measured(rounds: int) -> list[ScalarTimes]:
    asked = {name: _Asked.of(columns) for name, columns in SETS.items()}
    times: dict[str, list[float]] = {name: [] for name in asked}
    sizes: dict[str, int] = {}
    for each in asked.values():
        await each.once()
    ColumnExecutor.left_to_graphql_core.clear()
    for _ in range(rounds):
        for name, each in asked.items():
            taken, sizes[name] = await each.once()
            times[name].append(taken)
    if ColumnExecutor.left_to_graphql_core:
        raise BenchmarkError(f"scalars: not completed by columns: {dict(ColumnExecutor.left_to_graphql_core)}")
    return [ScalarTimes(name, times[name], sizes[name]) for name in asked]
