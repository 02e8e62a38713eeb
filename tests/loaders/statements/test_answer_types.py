"""Which columns of answers are passed on as they are, and which are decoded."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from loaders.cache.fields import EPOCHS, NEVER, written
from loaders.model.scalars import BIG_INTEGER, BOOLEAN, DATE, DECIMAL, FLOAT, INSTANT, INTEGER, TEXT, UNIQUE_ID, Scalar
from loaders.statements.answer_types import are_canonical_scalars, is_canonical_scalar, tuple_types, undecoded_places
from loaders.statements.planning import plan
from loaders.statements.row_reader import read
from loaders.statements.section_request import section_request
from tests.models import loaded_model

MODEL = loaded_model("deploy.fleet.model")


@pytest.mark.parametrize(
    ("scalar", "type_name", "expected"),
    [
        (TEXT, "LowCardinality(Nullable(String))", True),
        (TEXT, "FixedString(3)", False),
        (TEXT, "Enum8('String' = 1)", False),
        (INTEGER, "Nullable(UInt64)", True),
        (BIG_INTEGER, "Int64", True),
        (BIG_INTEGER, "Int128", False),
        (FLOAT, "Nullable(Float64)", True),
        (FLOAT, "UInt8", False),
        (BOOLEAN, "Bool", True),
        (BOOLEAN, "UInt8", False),
        (DATE, "Date32", True),
        (DATE, "DateTime('UTC')", False),
        (INSTANT, "DateTime64(6, 'UTC')", True),
        (INSTANT, "DateTime64(6, 'Europe/Berlin')", False),
        (INSTANT, "DateTime", False),
        (DECIMAL, "Decimal(18, 2)", False),
        (UNIQUE_ID, "UUID", False),
        (TEXT, "", False),
    ],
)
def test_a_column_is_passed_on_where_its_type_proves_that_it_is_canonical(
    scalar: Scalar, type_name: str, *, expected: bool
) -> None:
    assert is_canonical_scalar(scalar, type_name) is expected


@pytest.mark.parametrize(
    ("type_name", "zone", "expected"),
    [
        ("DateTime", dt.UTC, True),
        ("Nullable(DateTime64(6))", dt.UTC, True),
        ("DateTime", ZoneInfo("UTC"), False),
        ("DateTime", ZoneInfo("Europe/Vienna"), False),
        ("DateTime('Europe/Vienna')", dt.UTC, False),
        ("Date", dt.UTC, False),
    ],
)
def test_instants_of_the_servers_zone_are_passed_on_where_that_is_utc(
    type_name: str, zone: dt.tzinfo, *, expected: bool
) -> None:
    values = [None, dt.datetime(2013, 1, 1, tzinfo=zone)]
    assert are_canonical_scalars(INSTANT, type_name, values) is expected
    assert not are_canonical_scalars(TEXT, type_name, values)


@pytest.mark.parametrize(
    ("type_name", "expected"),
    [
        ("Tuple(String, Nullable(DateTime64(6, 'UTC')))", ["String", "Nullable(DateTime64(6, 'UTC'))"]),
        ("Tuple(Enum8('a, (b' = 1, 'it\\'s' = 2), Int8)", ["Enum8('a, (b' = 1, 'it\\'s' = 2)", "Int8"]),
        ("Tuple(`a, b` String, c Array(Int8))", ["`a, b` String", "Array(Int8)"]),  # an odd name proves nothing
        ("Map(String, Int8)", []),
    ],
)
def test_a_tuple_says_the_types_of_its_items(type_name: str, expected: list[str]) -> None:
    assert list(tuple_types(type_name)) == expected


def test_rows_whose_type_is_unknown_are_decoded_as_a_whole() -> None:
    section = MODEL.bound_sections["Aircraft.analysis.by_hour"]
    everything = tuple(range(len(section.columns)))
    for type_name in ("", "Array(String)", "Array(Tuple(String))"):
        assert undecoded_places(section, (), type_name) == everything
        assert undecoded_places(section, (INSTANT,), type_name) == (*everything, len(everything))


def test_values_of_a_pages_order_are_passed_on_where_their_types_prove_that_they_are_canonical() -> None:
    section = MODEL.bound_sections["Aircraft.analysis.origins"]
    names = {TEXT: "String", INTEGER: "UInt64", FLOAT: "Nullable(Float64)"}
    own = [names[column.scalar] for column in section.columns]
    types = f"Array(Tuple({', '.join([*own, 'DateTime', 'String'])}))"
    assert undecoded_places(section, (INSTANT, TEXT), types) == (len(own),)
    assert undecoded_places(section, (INSTANT,), types) == tuple(range(len(own) + 1))


def _read_lists(types: tuple[str, str], destinations: list[Any]) -> list[Any]:
    """Return what is read of two lists that one statement answers for two keys."""
    names = ("Aircraft.analysis.origins", "Aircraft.analysis.destinations")
    (together,) = plan([section_request(MODEL.bound_sections[name]) for name in names])
    place = next(place for place, each in enumerate(together.requests) if each.section.name == names[1])
    columns: list[list[Any]] = [[0, 1], [[], []], [[], []]]
    types_by_column = ["UInt64", "", ""]
    columns[together.text.columns[place].start] = destinations
    types_by_column[together.text.columns[place].start] = types[1]
    answer = dict(filter(None, read(together, columns, ["a", "b"], types_by_column)))
    return list(answer[together.requests[place]])


def test_arrays_of_rows_are_the_drivers_own_where_nothing_is_to_be_decoded() -> None:
    width = len(MODEL.bound_sections["Aircraft.analysis.destinations"].columns)
    kinds = [column.scalar for column in MODEL.bound_sections["Aircraft.analysis.destinations"].columns]
    names = {TEXT: "String", INTEGER: "UInt64", FLOAT: "Nullable(Float64)"}
    values = {TEXT: "JFK", INTEGER: 3, FLOAT: 1.5}
    row = tuple(values[scalar] for scalar in kinds)
    type_name = f"Array(Tuple({', '.join(names[scalar] for scalar in kinds)}))"
    lists: list[Any] = [[row], []]
    result = _read_lists(("", type_name), lists)
    assert result == [[row], []]
    assert result[0] is lists[0]
    wrong = (dt.date(2013, 1, 1),) * width
    assert all(isinstance(value, Exception) for value in _read_lists(("", ""), [[wrong], []])[0][0])


def test_a_value_that_json_would_change_is_not_cached() -> None:
    epochs = b"0" * EPOCHS
    for value in (math.nan, math.inf):
        assert written([("JFK", value, None)], NEVER, epochs) is None
        assert written({"a": [value]}, NEVER, epochs) is None
    entry = written([("null", 1.5, None)], NEVER, epochs)
    assert entry is not None
    assert orjson.loads(entry[0][len(NEVER) + EPOCHS :]) == [["null", 1.5, None]]
