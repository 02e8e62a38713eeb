"""Operations that select a non-null field without its scope are refused before anything is asked of a store."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType

from resolvers.scopes import missing_scope
from tests.asking import SCHEMA
from tests.execution.canned import canned_context
from tests.fleet.served import ALL_SCOPES, ANALYSIS, READ_SCOPES, REGISTER

_NOTHING: frozenset[str] = frozenset()
_REGISTER: frozenset[str] = frozenset({REGISTER})
_ANALYSIS: frozenset[str] = frozenset({ANALYSIS})

NEEDED = "needs the scope"


async def _execute(
    query: str, scopes: frozenset[str], variables: Mapping[str, Any] | None = None, operation: str | None = None
) -> Any:
    return await SCHEMA.execute(
        query,
        variable_values=dict(variables or {}),
        context_value=canned_context("no faults 0", None, scopes),
        operation_name=operation,
    )


async def _refusals(*arguments: Any, **more: Any) -> list[str]:
    """The messages of the errors, where nothing was executed; `[]` where all was allowed."""
    result = await _execute(*arguments, **more)
    errors = result.errors or []
    if result.data is not None:
        assert not [error for error in errors if NEEDED in error.message]
        return []
    assert all(error.extensions == {"code": "FORBIDDEN"} and error.path is None for error in errors)
    return [error.message for error in errors]


def test_what_comes_of_the_register_and_the_analysis_needs_their_scopes() -> None:
    """A field that is new comes into one of these lists, or is open to all on purpose."""
    needed: dict[tuple[str, ...], set[str]] = {}
    for name, declared in SCHEMA._schema.type_map.items():
        if isinstance(declared, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in declared.fields.items():
                if scopes := tuple(missing_scope(field, _NOTHING)):
                    needed.setdefault(scopes, set()).add(f"{name}.{field_name}")
    assert needed == {
        READ_SCOPES: {"Query.aircraft", "Query.aircraftByIds", "Query.node", "Query.nodes"},
        (ANALYSIS,): {"Aircraft.analysis"},
        (REGISTER,): {
            *("Query.fleet", "Query.airport", "Query.airline"),
            *("Aircraft.registration", "Aircraft.revisions", "Aircraft.operator", "Aircraft.homeBase"),
            *(f"Analysis.{item}" for item in ("registration", "revisions", "age", "manufacturerShare", "seatRank")),
            *("Analysis.peers", "Analysis.modelBenchmark"),
            *(
                "AirportService.airport",
                "FarthestDestination.airport",
                "CarrierUse.airline",
                "CarrierBenchmark.airline",
            ),
        },
    }


def test_every_airport_and_airline_is_behind_a_scope() -> None:
    open_to_all = [
        f"{name}.{field_name}"
        for name, declared in SCHEMA._schema.type_map.items()
        if isinstance(declared, GraphQLObjectType)
        for field_name, field in declared.fields.items()
        if str(field.type).strip("[]!") in ("Airport", "Airline") and not missing_scope(field, _NOTHING)
    ]
    assert open_to_all == []


def test_every_root_field_is_behind_a_scope() -> None:
    query = SCHEMA._schema.query_type
    assert query is not None
    assert [name for name, field in query.fields.items() if not missing_scope(field, _NOTHING)] == []


@pytest.mark.parametrize(
    ("query", "scopes", "messages"),
    [
        ('{ aircraft(tailNumber: "N1") { id } }', _ANALYSIS, []),
        (
            '{ aircraftByIds(ids: ["N1"]) { id } }',
            _NOTHING,
            ["aircraftByIds needs the scope register:read or analysis:read."],
        ),
        (
            '{ nodes(ids: ["Aircraft:N1"]) { id } }',
            _NOTHING,
            ["nodes needs the scope register:read or analysis:read."],
        ),
        ('{ aircraft(tailNumber: "N1") { analysis { punctuality { flights } } } }', _ANALYSIS, []),
        (
            '{ aircraft(tailNumber: "N1") { analysis { punctuality { flights } } } }',
            _REGISTER,
            ["analysis needs the scope analysis:read."],
        ),
        (
            '{ aircraft(tailNumber: "N1") { a: analysis { __typename } b: analysis { __typename } revisions { reason } } }',
            _REGISTER,
            ["analysis needs the scope analysis:read."],
        ),
        ("{ fleet { nodes { id } } }", _ANALYSIS, ["fleet needs the scope register:read."]),
        ("{ fleet { nodes { id analysis { __typename } } } }", _REGISTER, ["analysis needs the scope analysis:read."]),
        (
            '{ nodes(ids: ["Aircraft:N1"]) { id ... on Aircraft { revisions { reason } } } }',
            _ANALYSIS,
            ["revisions needs the scope register:read."],
        ),
        (
            '{ node(id: "Aircraft:N1") { ...A } } fragment A on Node { ...B } fragment B on Aircraft { revisions { reason } }',
            _ANALYSIS,
            ["revisions needs the scope register:read."],
        ),
        ("{ __schema { types { name fields { name } } } __typename }", _NOTHING, []),
    ],
)
async def test_an_operation_is_refused_for_each_field_that_it_may_not_have(
    query: str, scopes: frozenset[str], messages: list[str]
) -> None:
    assert await _refusals(query, scopes) == messages
    assert await _refusals(query, ALL_SCOPES) == []
    assert await _refusals(query, scopes) == messages


@pytest.mark.parametrize(
    ("directive", "variables", "is_refused"),
    [
        ("@include(if: $on)", {"on": True}, True),
        ("@include(if: $on)", {"on": False}, False),
        ("@skip(if: $on)", {"on": True}, False),
        ("@skip(if: $on)", {"on": False}, True),
        ("@include(if: $default)", {"on": True}, False),
        ("@include(if: $default)", {"on": True, "default": True}, True),
        ("@include(if: false)", {"on": True}, False),
        ("@skip(if: false)", {"on": True}, True),
    ],
)
@pytest.mark.parametrize(
    "form", ["analysis %s { __typename }", "... %s { analysis { __typename } }", "...F %s id"], ids=["field", "inline", "spread"]
)  # fmt: skip
async def test_what_is_skipped_is_not_refused(
    form: str, directive: str, variables: dict[str, Any], is_refused: bool
) -> None:
    query = (
        "query($on: Boolean!, $default: Boolean = false, $ids: [ID!]!) { x: __typename @skip(if: $on)"
        f" y: __typename @skip(if: $default) aircraftByIds(ids: $ids) {{ id {form % directive} }} }}"
    )
    if "...F" in form:
        query += " fragment F on Aircraft { analysis { __typename } }"
    refusals = await _refusals(query, _REGISTER, variables | {"ids": ["N1"]})
    assert refusals == (["analysis needs the scope analysis:read."] if is_refused else [])


async def test_the_operation_that_is_asked_for_is_looked_at() -> None:
    query = 'query A { airline(code: "UA") { name } } query B { fleet { totalCount } }'
    assert await _refusals(query, frozenset({REGISTER}), operation="A") == []
    assert await _refusals(query, _ANALYSIS, operation="B") == ["fleet needs the scope register:read."]
    allowed = await _execute(query, _ANALYSIS, operation="A")
    assert allowed.data == {"airline": None}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query($on: Boolean!) { fleet @include(if: $on) { totalCount } }", {"on": "yes"}),
        ("query($on: Boolean!) { fleet @include(if: $on) { totalCount } }", {}),
        ("{ fleet { nothing } }", {}),
    ],
)
async def test_what_cannot_be_executed_says_why_and_not_what_is_needed(query: str, variables: dict[str, Any]) -> None:
    result = await _execute(query, _ANALYSIS, variables)
    assert result.data is None
    assert not [error for error in result.errors if NEEDED in error.message]


async def test_nothing_that_may_be_null_is_a_reason_to_refuse() -> None:
    nullable = (
        '{ airport(code: "JFK") { name } aircraft(tailNumber: "N1") { id registration { model } operator { name } } }'
    )
    result = await _execute(nullable, _ANALYSIS)
    assert result.data == {"airport": None, "aircraft": {"id": "N1", "registration": None, "operator": None}}
    assert len(result.errors) == 3
    aircraft: Any = SCHEMA._schema.type_map["Aircraft"]
    assert not isinstance(aircraft.fields["registration"].type, GraphQLNonNull)
