"""Every kind of leaf, every odd value, every position: the answer is graphql-core's."""

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.execution.executor import ColumnExecutor
from gateway.execution.leaf_types import CORE_SCALARS
from resolvers.scalars import SCALAR_MAP
from tests.execution.engines import Context, Counting, QuietSchema, both, difference, run
from tests.execution.positions import POSITIONS, PYTHON, batched, column, list_of, object_type, positions_schema
from tests.execution.values import EXACT

pytestmark = pytest.mark.slow

_POSITIONS = sum(not position.startswith("in place of") for position in POSITIONS)


def _query(*, exact: bool) -> str:
    asked = [text for position, text in POSITIONS.items() if not (exact and position.startswith("in place of"))]
    fields = " ".join(f"p{index}: {text}" for index, text in enumerate(asked))
    return f"{{ cases(exact: {str(exact).lower()}) {{ {fields} }} }}"


def test_every_scalar_with_a_guard_is_tested() -> None:
    scalars = {*(core.name for core, _ in CORE_SCALARS), *(scalar.name for scalar in SCALAR_MAP.values())}
    assert scalars | {"Mood"} == EXACT.keys() == PYTHON.keys()


@pytest.mark.parametrize(
    ("scalar", "nullable", "encode_in_chunks"),
    [
        *((scalar, nullable, None) for scalar in sorted(EXACT) for nullable in (True, False)),
        *((scalar, True, True) for scalar in ("BigInt", "Date", "DateTime", "Decimal", "Float", "Mood", "String")),
    ],
)
async def test_any_value_at_any_position_comes_out_as_by_graphql_core(
    scalar: str, nullable: bool, encode_in_chunks: bool | None
) -> None:
    schema = positions_schema(scalar, nullable=nullable)
    tested, reference = await both(schema, _query(exact=False), context=lambda: Context(0, encode_in_chunks))
    if tested != reference:
        pytest.fail(difference(tested, reference))


@pytest.mark.parametrize("nullable", [True, False], ids=["nullable", "not null"])
@pytest.mark.parametrize("scalar", sorted(EXACT))
async def test_values_of_exactly_their_type_are_completed_by_columns(scalar: str, nullable: bool) -> None:
    schema = positions_schema(scalar, nullable=nullable)
    Counting.tried.clear()
    ColumnExecutor.left_to_graphql_core.clear()
    await run(schema, Counting, _query(exact=True))
    left = 1 + len(EXACT[scalar])  # the list of cases, and each of them
    assert dict(ColumnExecutor.left_to_graphql_core) == {"selection: resolver of row": left}
    assert Counting.tried["by columns"] == _POSITIONS * len(EXACT[scalar])


@pytest.mark.parametrize("scalar", ["Date", "DateTime"])
async def test_another_scalar_of_the_same_name_is_written_as_it_says(scalar: str) -> None:
    python = PYTHON[scalar]
    other = strawberry.scalar(name=scalar, serialize=lambda value: f"mine: {value}", parse_value=str)
    row = object_type("Row", {}, value=column("value", 0, python), links=batched(list_of(python), list))
    rows = strawberry.field(resolver=lambda: [(EXACT[scalar][0],), None], graphql_type=list_of(row | None))
    config = StrawberryConfig(scalar_map={python: other})
    schema = QuietSchema(query=object_type("Query", {}, rows=rows), config=config)
    for query in ("{ rows { value } }", "{ rows { value links } }"):
        tested, reference = await both(schema, query)
        assert tested == reference
        assert "mine: " in repr(tested.data)
