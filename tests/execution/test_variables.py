"""Long lists of text as variables come out as graphql-core coerces them, and cost it nothing."""

from typing import Any

import pytest
from graphql import GraphQLError, parse
from graphql.execution.executor import Executor

from gateway.execution import variables
from tests.asking import SCHEMA
from tests.execution.engines import Counting, Reference

MANY = [f"N{index}" for index in range(100)]
QUERY = "query($ids: %s) { aircraftByIds(ids: $ids) { id } }"


def _built(engine: type[Executor[Any]], query: str, values: dict[str, Any], operation: str | None = None) -> Any:
    return engine.build(SCHEMA._schema, parse(query), None, None, values, operation)


@pytest.mark.parametrize("declared", ["[ID!]!", "[ID!]", "[ID]!", "[ID]", "[String!]!", "[String]", "[[ID!]!]!"])
@pytest.mark.parametrize(
    "values",
    [
        {"ids": MANY},
        {"ids": [*MANY, None]},
        {"ids": [*MANY, 17]},
        {"ids": [*MANY, 1.5]},
        {"ids": [*MANY, ["N1"]]},
        {"ids": [MANY, MANY]},
        {"ids": tuple(MANY)},
        {"ids": MANY[:2]},
        {"ids": "N1"},
        {"ids": None},
        {"ids": MANY, "other": MANY},
        {},
    ],
    ids=str,
)
def test_a_variable_comes_out_as_from_graphql_core(declared: str, values: dict[str, Any]) -> None:
    tested, reference = _built(Counting, QUERY % declared, values), _built(Reference, QUERY % declared, values)
    if isinstance(reference, list):
        assert [error.message for error in tested] == [error.message for error in reference]
        assert all(isinstance(error, GraphQLError) for error in tested)
    else:
        assert tested.variable_values.coerced == reference.variable_values.coerced
        theirs = {name: source.value for name, source in reference.variable_values.sources.items()}
        assert {name: source.value for name, source in tested.variable_values.sources.items()} == theirs


def test_only_the_operation_that_is_executed_is_looked_at() -> None:
    query = "query A($ids: [Int]) { __typename } query B($ids: [ID!]!) { __typename }"
    document = parse(query)
    assert variables.texts(SCHEMA._schema, document, "A", {"ids": MANY}) == {}
    assert variables.texts(SCHEMA._schema, document, "B", {"ids": MANY}) == {"ids": MANY}
    assert variables.texts(SCHEMA._schema, document, None, {"ids": MANY}) == {}


def test_another_scalar_is_graphql_cores() -> None:
    document = parse("query($ids: [Date!]!) { __typename }")
    assert variables.texts(SCHEMA._schema, document, None, {"ids": MANY}) == {}


def test_graphql_core_does_not_look_at_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []

    def coerced(value: Any) -> Any:
        looked.append(value)
        return value

    monkeypatch.setattr(SCHEMA._schema.type_map["ID"], "coerce_input_value", coerced)
    _built(Reference, QUERY % "[ID!]!", {"ids": MANY})
    assert looked == MANY
    looked.clear()
    _built(Counting, QUERY % "[ID!]!", {"ids": MANY})
    assert looked == []
