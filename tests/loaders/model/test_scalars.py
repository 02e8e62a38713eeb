"""Scalars: what the drivers answer becomes canonical, is bound again, and what cannot be is an error in its place."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import pytest
from asyncpg.pgproto.pgproto import UUID as PostgresUUID  # noqa: N811 (the driver's name for it)
from hypothesis import given
from hypothesis import strategies as st

from loaders.model.canonical import MAX_DECIMAL_DIGITS, MAX_JSON_DEPTH, OUTSIDE_CALENDAR, ScalarError
from loaders.model.scalars import (
    ANYTHING,
    BIG_INTEGER,
    BOOLEAN,
    BYTES,
    DATE,
    DECIMAL,
    FLOAT,
    INSTANT,
    INTEGER,
    SCALARS,
    TEMPLATE_NAMES,
    TEXT,
    UNIQUE_ID,
    BigInt,
    Scalar,
    enum_scalar,
)


class Role(Enum):
    """Names and labels differ."""

    GUEST, EDITOR = "guest", "editor-in-chief"


ROLE = enum_scalar(Role)
VIENNA = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2013, 7, 1, 12, 0, 0, 678_901, dt.UTC)

CASES: list[tuple[Scalar, Any, Any]] = [
    (TEXT, "a\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "a😀"),
    (TEXT, b"ab\0\0", "ab"),
    (INTEGER, 2**31 - 1, 2**31 - 1),
    (INTEGER, Decimal(-(2**31)), -(2**31)),
    (BIG_INTEGER, 2**64 - 1, 2**64 - 1),
    (BIG_INTEGER, Decimal(9223372036854775808), 2**63),
    (BIG_INTEGER, BigInt(5), 5),
    (FLOAT, -0.0, -0.0),
    (FLOAT, 3, 3.0),
    (FLOAT, Decimal("1.5"), 1.5),
    (BOOLEAN, True, True),
    (BOOLEAN, 1, True),
    (BOOLEAN, 0, False),
    (DECIMAL, Decimal("12345678901234567890.123456789000"), "12345678901234567890.123456789000"),
    (DECIMAL, Decimal("1E+3"), "1000"),
    (DECIMAL, Decimal("1E-7"), "0.0000001"),
    (DECIMAL, Decimal("1.00E+30"), "1" + "0" * 30),
    (DECIMAL, -5, "-5"),
    (UNIQUE_ID, UUID(int=0xAB), "00000000-0000-0000-0000-0000000000ab"),
    (UNIQUE_ID, PostgresUUID(UUID(int=0xAB).bytes), "00000000-0000-0000-0000-0000000000ab"),
    (UNIQUE_ID, "00000000-0000-0000-0000-0000000000AB", "00000000-0000-0000-0000-0000000000ab"),
    (DATE, dt.date(1, 1, 1), dt.date(1, 1, 1)),
    (INSTANT, NOON, NOON),
    (INSTANT, dt.datetime(2013, 7, 1, 14, 0, 0, 678_901, VIENNA), NOON),
    (BYTES, b"\x00\xff", "AP8="),
    (BYTES, "AP8=", "AP8="),
    (ROLE, "editor-in-chief", "EDITOR"),
    (ROLE, Role.GUEST, "GUEST"),
    (ANYTHING, '{"a": [1, 1.5, null, "x"]}', {"a": [1, 1.5, None, "x"]}),
    (ANYTHING, '{"n": 123456789012345678901234567890}', {"n": 123456789012345678901234567890}),
    (ANYTHING, "null", None),
    (ANYTHING, {"a": 1}, {"a": 1}),
    (ANYTHING, {1: dt.date(2013, 1, 2)}, {"1": "2013-01-02"}),
    (ANYTHING, (1, Decimal("1E+2"), UUID(int=1)), [1, "100", "00000000-0000-0000-0000-000000000001"]),
]

WRONG: list[tuple[Scalar, Any]] = [
    (TEXT, 1),
    (TEXT, b"\xff"),
    (INTEGER, 2**31),
    (INTEGER, True),
    (INTEGER, 1.0),
    (INTEGER, "1"),
    (INTEGER, Decimal("1.5")),
    (INTEGER, Decimal("1E+999999")),
    (INTEGER, Decimal("NaN")),
    (BIG_INTEGER, 2**64),
    (BIG_INTEGER, -(2**63) - 1),
    (BIG_INTEGER, Decimal("Infinity")),
    (FLOAT, math.nan),
    (FLOAT, math.inf),
    (FLOAT, Decimal("NaN")),
    (FLOAT, 10**400),
    (FLOAT, "1.5"),
    (BOOLEAN, 2),
    (BOOLEAN, "true"),
    (DECIMAL, 1.5),
    (DECIMAL, Decimal("NaN")),
    (DECIMAL, Decimal("-Infinity")),
    (DECIMAL, Decimal((0, (1,), MAX_DECIMAL_DIGITS + 1))),
    (DECIMAL, Decimal((0, (1,), -MAX_DECIMAL_DIGITS - 1))),
    (DECIMAL, "1e5"),
    (DECIMAL, "1٣"),
    (UNIQUE_ID, "x"),
    (UNIQUE_ID, 1),
    (DATE, dt.datetime(2013, 1, 2, tzinfo=dt.UTC)),
    (DATE, "2013-01-02"),
    (DATE, OUTSIDE_CALENDAR),
    (INSTANT, dt.datetime(2013, 1, 2)),
    (INSTANT, OUTSIDE_CALENDAR),
    (INSTANT, dt.datetime.min.replace(tzinfo=VIENNA)),
    (INSTANT, dt.date(2013, 1, 2)),
    (BYTES, "A"),
    (BYTES, "AP9="),  # bits that no byte has
    (ROLE, "EDITOR"),
    (ROLE, "unknown"),
    (ANYTHING, "{"),
    (ANYTHING, "NaN"),
    (ANYTHING, '["\\ud800"]'),
    (ANYTHING, {"a": [math.nan]}),
    (ANYTHING, {"a": b"x"}),
    (ANYTHING, "[" * (MAX_JSON_DEPTH + 1) + "]" * (MAX_JSON_DEPTH + 1)),
    (ANYTHING, "[" * 100_000 + "]" * 100_000),
    (ANYTHING, "[" * 2_000 + "1234567890123456789012" + "]" * 2_000),
]


def _named(value: Any) -> str:
    return value.name if isinstance(value, Scalar) else f"{value!r:.40}"


@pytest.mark.parametrize(("scalar", "value", "canonical"), CASES, ids=_named)
def test_a_drivers_value_becomes_canonical_wherever_it_stands(scalar: Scalar, value: Any, canonical: Any) -> None:
    for column, expected in [
        ([value], [canonical]),
        ([value, value], [canonical, canonical]),
        ([None, value, None], [None, canonical, None]),
        ([None], [None]),
        ([], []),
    ]:
        decoded = scalar.decode(column)
        assert decoded == expected
        assert [type(item) for item in decoded] == [type(item) for item in expected]
        assert scalar.decode_lists([column, None, [], tuple(column)]) == [expected, None, [], expected]


@pytest.mark.parametrize(("scalar", "value"), WRONG, ids=_named)
def test_a_value_that_a_scalar_cannot_represent_is_an_error_in_its_place_alone(scalar: Scalar, value: Any) -> None:
    clean, canonical = next((value, canonical) for of, value, canonical in CASES if of is scalar)
    before, wrong, null, after = scalar.decode([clean, value, None, clean])
    assert (before, null, after) == (canonical, None, canonical)
    assert type(wrong) is ScalarError
    assert scalar.name in str(wrong)
    ((first, inner), none) = scalar.decode_lists([[clean, value], None])
    assert (first, type(inner), none) == (canonical, ScalarError, None)


def test_what_is_no_array_is_an_error_in_its_place() -> None:
    entry, wrong, other = TEXT.decode_lists([["a"], "ab", [None, "b"]])
    assert (entry, type(wrong), other) == (["a"], ScalarError, [None, "b"])
    (nested,) = INTEGER.decode_lists([[[1, 2], [3, 4]]])  # of two dimensions, as PostgreSQL's arrays may be
    assert [type(item) for item in nested] == [ScalarError, ScalarError]


def test_an_error_says_what_is_wrong_without_the_value() -> None:
    for scalar, value in WRONG:
        (wrong,) = scalar.decode([value])
        assert str(wrong).startswith(f"{scalar.name} cannot represent ")
        assert str(wrong).endswith(".")
        if isinstance(value, str) and len(value) > 1 and value not in ("true", "NaN"):
            assert value not in str(wrong)


@pytest.mark.parametrize("scalar", [*SCALARS.values(), ROLE], ids=_named)
def test_a_canonical_value_is_read_back_from_the_json_of_a_cache(scalar: Scalar) -> None:
    for of, _, canonical in CASES:
        if of is not scalar or canonical == {"n": 123456789012345678901234567890}:  # an integer beyond orjson's
            continue
        read = orjson.loads(orjson.dumps(canonical))
        if scalar.from_json is not None:
            read = scalar.from_json(read)
        assert read == canonical
        assert type(read) is type(canonical)


def test_an_error_is_not_written_to_a_cache() -> None:
    for scalar, value in WRONG:
        with pytest.raises(TypeError):
            orjson.dumps(scalar.decode([value]))


@pytest.mark.parametrize(
    ("scalar", "canonical", "bound"),
    [
        (TEXT, "a", "a"),
        (BIG_INTEGER, 2**62, 2**62),
        (DECIMAL, "1.50", Decimal("1.50")),
        (UNIQUE_ID, "00000000-0000-0000-0000-0000000000ab", "00000000-0000-0000-0000-0000000000ab"),
        (DATE, dt.date(2013, 1, 2), dt.date(2013, 1, 2)),
        (INSTANT, NOON, NOON),
        (BYTES, "AP8=", b"\x00\xff"),
        (ROLE, "EDITOR", "editor-in-chief"),
        (ANYTHING, {"a": 1}, '{"a":1}'),
    ],
    ids=_named,
)
def test_a_canonical_value_is_bound_as_the_drivers_take_it(scalar: Scalar, canonical: Any, bound: Any) -> None:
    assert scalar.encode(canonical) == bound
    assert scalar.encode_all([None, canonical]) == [None, bound]


@pytest.mark.parametrize(
    ("scalar", "canonical", "python"),
    [
        (DECIMAL, "1.50", Decimal("1.50")),
        (UNIQUE_ID, "00000000-0000-0000-0000-0000000000ab", UUID(int=0xAB)),
        (BYTES, "AP8=", b"\x00\xff"),
        (ROLE, "EDITOR", Role.EDITOR),
        (INTEGER, 1, 1),
        (ANYTHING, "a text", "a text"),
        (ANYTHING, {"a": [1]}, {"a": [1]}),
    ],
    ids=_named,
)
def test_a_models_functions_take_and_answer_values_of_python(scalar: Scalar, canonical: Any, python: Any) -> None:
    assert scalar.to_python(canonical) == python
    assert scalar.from_python([python, None]) == [canonical, None]


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_its_value_and_its_digits(value: Decimal) -> None:
    (text,) = DECIMAL.decode([value])
    assert Decimal(text) == value
    assert "E" not in text
    assert DECIMAL.decode([text]) == [text]


@given(st.binary())
def test_bytes_are_base64_and_back(value: bytes) -> None:
    (text,) = BYTES.decode([value])
    assert BYTES.encode(text) == value
    assert BYTES.decode([text]) == [text]


def test_bytes_are_selected_as_base64_in_clickhouse() -> None:
    assert BYTES.select_clickhouse("`hash`") == "base64Encode(`hash`)"
    assert BYTES.select_clickhouse("hashes", is_list=True) == "arrayMap(fw_item -> base64Encode(fw_item), hashes)"
    assert TEXT.select_clickhouse("{not a format}") == "{not a format}"


def test_each_type_has_one_entry() -> None:
    assert len({scalar.name for scalar in SCALARS.values()}) == len(SCALARS) == 11
    assert all(scalar.python is python for python, scalar in SCALARS.items())
    keys = {scalar.name for scalar in SCALARS.values() if scalar.can_be_key}
    assert keys == {"String", "Int", "BigInt", "UUID", "Date"}


@pytest.mark.parametrize("scalar", [*SCALARS.values(), ROLE], ids=_named)
def test_a_guard_is_true_of_canonical_values_alone(scalar: Scalar) -> None:
    guard = compile(scalar.guard.format(v="v"), "guard", "eval")
    for of, _, canonical in CASES:
        if of is scalar and canonical is not None:
            assert eval(guard, {**TEMPLATE_NAMES, "v": canonical})
    for wrong in (ScalarError("x"), b"x", object()):
        assert not eval(guard, {**TEMPLATE_NAMES, "v": wrong})


def test_an_enum_has_one_scalar_that_is_known_by_its_labels_in_stores_and_by_its_names_in_the_api() -> None:
    assert enum_scalar(Role) is ROLE
    assert ROLE.read_key is not None
    assert ROLE.read_key("editor-in-chief") == "EDITOR"
    assert ROLE.write_key("EDITOR") == "editor-in-chief"
    assert ROLE.read_key("EDITOR") is None
