"""GraphQL's scalars: what callers write becomes canonical, errors say where and what to write, and answers are canonical."""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import strawberry
from graphql import GraphQLError, GraphQLScalarType
from strawberry.schema.config import StrawberryConfig

from loaders.model.canonical import ScalarError
from loaders.model.scalars import JSON, SCALARS, BigInt
from resolvers.scalar_types import make_enum
from resolvers.scalars import SCALAR_MAP, scalar_of

NOON = dt.datetime(2013, 7, 1, 12, tzinfo=dt.UTC)
A_UUID = "123e4567-e89b-12d3-a456-426614174000"


ROLE = make_enum("Role", {"GUEST": "", "EDITOR": "Writes."}, "Who somebody is.")


class _Asked:
    """Keeps what the resolvers were given."""

    value: Any = None


def _field(python: Any) -> Any:
    def resolve(value: python | None = None, values: list[python] | None = None) -> str:
        _Asked.value = value if values is None else values
        return ""

    return strawberry.field(resolver=resolve)


_FIELDS = {"big": BigInt, "decimal": Decimal, "uuid": UUID, "date": dt.date, "instant": dt.datetime, "bytes": bytes}
_QUERY = type("Query", (), {name: _field(python) for name, python in {**_FIELDS, "json": JSON, "role": ROLE}.items()})
SCHEMA = strawberry.Schema(query=strawberry.type(_QUERY), config=StrawberryConfig(scalar_map=dict(SCALAR_MAP)))


async def _asked(
    field: str, literal: str, variables: Mapping[str, Any] | None = None
) -> tuple[Any, list[GraphQLError]]:
    _Asked.value = None
    declared = "($v: JSON)" if "$v" in literal else ""
    result = await SCHEMA.execute(f"query{declared} {{ {field}({literal}) }}", variable_values=dict(variables or {}))
    return _Asked.value, result.errors or []


RIGHT: list[tuple[str, str, Any]] = [
    ("big", "4711", 4711),
    ("big", '"9223372036854775807"', 2**63 - 1),
    ("decimal", "1.10000000000000000000000000000001", "1.10000000000000000000000000000001"),
    ("decimal", '"-0.50"', "-0.50"),
    ("decimal", "3", "3"),
    ("decimal", "1.50e3", "1500"),
    ("decimal", '"1e-7"', "0.0000001"),
    ("uuid", f'"{A_UUID.upper()}"', A_UUID),
    ("date", '"2013-02-28"', dt.date(2013, 2, 28)),
    ("instant", '"2013-07-01T14:00:00+02:00"', NOON),
    ("instant", '"2013-07-01T12:00:00.123456Z"', NOON.replace(microsecond=123_456)),
    ("instant", '"2013-07-01T12:00Z"', NOON),
    ("bytes", '"AP8="', "AP8="),
    ("json", '{a: [1, 2.5, null, true, "x", {}]}', {"a": [1, 2.5, None, True, "x", {}]}),
    ("json", "123456789012345678901234567890", 123456789012345678901234567890),
]


@pytest.mark.parametrize(("field", "literal", "canonical"), RIGHT)
async def test_a_literal_becomes_canonical_with_all_its_digits(field: str, literal: str, canonical: Any) -> None:
    value, errors = await _asked(field, f"value: {literal}")
    assert errors == []
    assert value == canonical
    assert type(value) is type(canonical)


@pytest.mark.parametrize(
    ("field", "literal"),
    [
        *(("big", literal) for literal in ("1.0", "9223372036854775808", '"+1"', '"01"', "true", '"x"')),
        *(
            ("decimal", literal)
            for literal in ("1e101", '"1e999999999"', '"1_0"', '" 1"', '"NaN"', '"1,5"', '""', "true", '"."')
        ),
        *(("uuid", literal) for literal in ('"x"', "1", '"123e4567e89b12d3a456426614174000"')),
        *(("date", literal) for literal in ('"2013-02-30"', '"20130228"', '"2013-W01-1"', "20130228", '"0000-01-01"')),
        *(("instant", literal) for literal in ('"2013-07-01T12:00:00"', '"2013-07-01"', '"2013-07-01 12:00:00Z"', "1")),
        ("instant", '"2013-07-01T12:00:00.1234567Z"'),  # more than the loaders keep
        ("instant", '"0001-01-01T00:00:00+14:00"'),
        *(("bytes", literal) for literal in ('"A"', '"AP9="', '"-_=="', "1")),
        ("json", "1e999"),
    ],
)
async def test_a_wrong_literal_is_refused_with_its_place_and_what_to_write(field: str, literal: str) -> None:
    value, errors = await _asked(field, f"value: {literal}")
    assert value is None
    (error,) = errors
    assert error.locations is not None
    assert error.locations[0].column == len(f"query {{ {field}(value: ") + 1
    assert " cannot represent " in error.message
    assert "Write " in error.message
    assert len(error.message) < 250


@pytest.mark.parametrize(
    ("python", "received", "canonical"),
    [
        (BigInt, 4711, 4711),
        (BigInt, "-9223372036854775808", -(2**63)),
        (Decimal, 3, "3"),
        (Decimal, "1.10", "1.10"),
        (Decimal, 19.99, "19.99"),
        (Decimal, 1e22, "10000000000000000000000"),
        (JSON, {"a": [1, "x", None]}, {"a": [1, "x", None]}),
        (dt.date, "2013-01-31", dt.date(2013, 1, 31)),
    ],
)
def test_a_variable_becomes_canonical(python: type, received: Any, canonical: Any) -> None:
    assert _core(python).coerce_input_value(received) == canonical


@pytest.mark.parametrize(
    ("python", "received"),
    [
        (BigInt, 1.0),
        (BigInt, True),
        (Decimal, 0.1234567890123456),  # digits may be lost already
        (Decimal, float("inf")),
        (Decimal, True),
        (UUID, 1),
        (dt.date, 20130131),
        (bytes, ["AP8="]),
        (JSON, float("nan")),
        (JSON, {"a": float("inf")}),
        (JSON, json.loads("[" * 201 + "]" * 201)),
    ],
)
def test_a_wrong_variable_is_refused(python: type, received: Any) -> None:
    with pytest.raises(GraphQLError, match="cannot represent"):
        _core(python).coerce_input_value(received)


async def test_variables_stand_in_json() -> None:
    assert await _asked("json", 'value: {a: [$v, 1], b: $v, c: "$v"}', {"v": {"x": 1}}) == (
        {"a": [{"x": 1}, 1], "b": {"x": 1}, "c": "$v"},
        [],
    )
    assert await _asked("json", "value: {a: [$v, 1], b: $v}") == ({"a": [None, 1], "b": None}, [])


async def test_lists_of_scalars_are_read_one_by_one() -> None:
    assert await _asked("decimal", 'values: [1.50, "2", 3]') == (["1.50", "2", "3"], [])
    _, errors = await _asked("uuid", f'values: ["{A_UUID}", "x"]')
    assert [error.message[:24] for error in errors] == ["UUID cannot represent 'x"]


async def test_an_enums_input_has_its_name_for_value() -> None:
    value, errors = await _asked("role", "value: EDITOR")
    assert errors == []
    assert value.value == "EDITOR"
    _, errors = await _asked("role", 'value: "editor-in-chief"')
    assert len(errors) == 1


def _core(python: Any) -> GraphQLScalarType:
    declared = SCHEMA._schema.type_map[SCALAR_MAP[python].name]
    assert isinstance(declared, GraphQLScalarType)
    return declared


@pytest.mark.parametrize(
    ("python", "value", "written"),
    [
        (BigInt, 2**63, "9223372036854775808"),
        (BigInt, Decimal(5), "5"),
        (Decimal, "1.50", "1.50"),
        (Decimal, Decimal("1E+3"), "1000"),
        (UUID, UUID(A_UUID), A_UUID),
        (dt.date, dt.date(1, 1, 1), "0001-01-01"),
        (dt.datetime, NOON, "2013-07-01T12:00:00+00:00"),
        (dt.datetime, NOON.astimezone(dt.timezone(dt.timedelta(hours=-5))), "2013-07-01T12:00:00+00:00"),
        (bytes, b"\x00\xff", "AP8="),
        (JSON, {"a": 1}, {"a": 1}),
        (JSON, (1, Decimal("1.50")), [1, "1.50"]),
    ],
)
def test_a_value_is_written_as_the_canonical_one(python: type, value: Any, written: Any) -> None:
    assert _core(python).coerce_output_value(value) == written


@pytest.mark.parametrize(
    ("python", "value"),
    [
        (BigInt, 2**64),
        (BigInt, True),
        (Decimal, 1.5),
        (Decimal, Decimal("NaN")),
        (UUID, 1),
        (dt.date, NOON),
        (dt.datetime, dt.datetime(2013, 1, 1)),
        (bytes, 1),
        (JSON, {1, 2}),
        (BigInt, ScalarError("It is wrong.")),
    ],
)
def test_a_value_that_has_no_canonical_one_is_an_error(python: type, value: Any) -> None:
    with pytest.raises(GraphQLError, match=r"cannot represent|It is wrong"):
        _core(python).coerce_output_value(value)


def test_every_scalar_has_a_definition_or_is_graphqls_own() -> None:
    assert SCALARS.keys() - SCALAR_MAP.keys() == {str, int, float, bool}
    assert all(scalar_of(definition) is SCALARS[python] for python, definition in SCALAR_MAP.items())  # type: ignore[index]
    assert scalar_of(SCHEMA) is None


def test_an_enum_is_written_by_the_names_of_its_members() -> None:
    printed = SCHEMA.as_str()
    assert '"""Who somebody is."""\nenum Role {\n  GUEST\n\n  """Writes."""\n  EDITOR\n}' in printed
