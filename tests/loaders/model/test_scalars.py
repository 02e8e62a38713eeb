"""Scalars: JSON and back, and one entry for each type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from loaders.model.scalars import (
    BIG_INTEGER,
    BYTES,
    DATE,
    DECIMAL,
    INSTANT,
    SCALARS,
    UNIQUE_ID,
    BigInt,
    Scalar,
    enum_scalar,
)


class Role(Enum):
    """Names and labels differ."""

    GUEST, EDITOR = "guest", "editor-in-chief"


@pytest.mark.parametrize(
    ("scalar", "value", "json"),
    [
        (BIG_INTEGER, BigInt(2**63 - 1), "9223372036854775807"),
        (DECIMAL, Decimal("12345678901234567890.123456789000"), "12345678901234567890.123456789000"),
        (DECIMAL, Decimal("1E+3"), "1000"),
        (UNIQUE_ID, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (DATE, dt.date(1, 1, 1), "0001-01-01"),
        (INSTANT, dt.datetime(2013, 1, 2, 3, 4, 5, 678_901, dt.UTC), "2013-01-02T03:04:05.678901+00:00"),
        (BYTES, b"\x00\xff", "AP8="),
        (enum_scalar(Role), Role.EDITOR, "EDITOR"),
    ],
)
def test_a_value_is_its_json_and_back(scalar: Scalar, value: Any, json: Any) -> None:
    assert scalar.to_json is not None
    assert scalar.from_json is not None
    assert scalar.to_json(value) == json
    assert scalar.from_json(json) == value


@pytest.mark.parametrize(
    ("scalar", "json"),
    [
        (BIG_INTEGER, "9223372036854775808"),
        (BYTES, "A"),
        (INSTANT, "2013-01-02T03:04:05"),
        (UNIQUE_ID, "x"),
        (DATE, "x"),
    ],
)
def test_json_of_another_kind_is_refused(scalar: Scalar, json: Any) -> None:
    assert scalar.from_json is not None
    with pytest.raises(ValueError, match=r".*"):
        scalar.from_json(json)


def test_each_type_has_one_entry() -> None:
    assert len({scalar.name for scalar in SCALARS.values()}) == len(SCALARS)
    assert all(scalar.python is python for python, scalar in SCALARS.items())
    assert {scalar.name for scalar in SCALARS.values() if scalar.can_be_key} == {
        "String",
        "Int",
        "BigInt",
        "UUID",
        "Date",
    }


def test_an_enum_is_known_by_its_labels_in_stores_and_by_its_names_in_the_api() -> None:
    scalar = enum_scalar(Role)
    assert scalar.read_key is not None
    assert scalar.read_key("editor-in-chief") is Role.EDITOR
    assert scalar.write_key(Role.EDITOR) == "editor-in-chief"
    assert scalar.read_key("EDITOR") is None
