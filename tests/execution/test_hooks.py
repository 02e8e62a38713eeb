"""The parts of graphql-core and Strawberry that the executor hooks into: a new version that changes them fails here."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema
from graphql.execution.collect_fields import CollectedFields, FieldDetails
from graphql.execution.executor import Executor
from graphql.execution.incremental import IncrementalExecutor
from graphql.execution.middleware import MiddlewareManager
from graphql.execution.values import get_argument_values
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from gateway.execution.executor import ColumnExecutor
from tests.asking import SCHEMA
from tests.execution.engines import Context, Counting, run
from tests.execution.synthetic import random_schema

_COMPLETE = ["self", "return_type", "field_details_list", "info", "path", "result", "position_context"]


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (Executor.complete_list_value, _COMPLETE),
        (Executor.complete_object_value, _COMPLETE),
        (
            IncrementalExecutor.execute_execution_group,
            [
                *("self", "delivery_groups", "parent_type", "source_value", "path", "grouped_field_set"),
                "delivery_group_map",
            ],
        ),
        (
            Executor.build,
            [
                *("schema", "document", "root_value", "context_value", "raw_variable_values", "operation_name"),
                *("field_resolver", "type_resolver", "subscribe_field_resolver", "max_coercion_errors"),
                *("enable_early_execution", "middleware", "is_awaitable", "is_async_iterable", "hide_suggestions"),
                *("abort_signal", "hooks", "custom_args"),
            ],
        ),
        (Executor.collect_subfields, ["self", "return_type", "field_details_list"]),
        (GraphQLSchema.get_field, ["self", "parent_type", "field_name"]),
        (
            get_argument_values,
            ["type_def", "node", "variable_values", "fragment_variable_values", "hide_suggestions"],
        ),
        (StrawberryField.get_result, ["self", "source", "info", "args", "kwargs"]),
    ],
    ids=lambda value: value.__qualname__ if callable(value) else "",
)
def test_a_hook_has_the_parameters_that_the_executor_knows(function: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


@pytest.mark.parametrize("name", ["complete_list_value", "complete_object_value", "handle_field_error"])
def test_the_executor_overrides_a_method_with_the_same_parameters(name: str) -> None:
    theirs = inspect.signature(getattr(StrawberryGraphQLCoreExecutionContext, name)).parameters
    assert list(inspect.signature(getattr(ColumnExecutor, name)).parameters) == list(theirs)


def test_collected_fields_have_the_parts_that_plans_read() -> None:
    assert {"grouped_field_set", "new_defer_usages"} <= set(CollectedFields._fields)
    assert {"node", "fragment_variable_values"} <= set(inspect.signature(FieldDetails).parameters)


def test_strawberry_hangs_its_definition_where_plans_look_for_it() -> None:
    assert GraphQLCoreConverter.DEFINITION_BACKREF == "strawberry-definition"
    airport = SCHEMA._schema.type_map["Airport"]
    assert isinstance(airport, GraphQLObjectType)
    definition = airport.fields["name"].extensions["strawberry-definition"]
    assert isinstance(definition, StrawberryField)
    assert (definition.graphql_name, definition.extensions) == ("name", [])


async def test_the_executor_finds_the_attributes_that_it_reads() -> None:
    seen: list[dict[str, Any]] = []

    class Looking(Counting):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            seen.append(dict(vars(self)))

    await run(random_schema(0), Looking, "{ q0 { __typename } }", None, Context())
    (result,) = seen
    assert {"schema", "variable_values", "context_value", "error_propagation", "middleware_manager"} <= result.keys()
    assert result["error_propagation"] is True
    assert isinstance(result["middleware_manager"], MiddlewareManager)
    assert result["middleware_manager"].middlewares == ()
