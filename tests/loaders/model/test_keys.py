"""Keys: text to values and back, one text for one object."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.model.key_texts import MAX_KEY_CHARACTERS
from loaders.model.keys import Key, chunks
from loaders.model.scalars import BIG_INTEGER, DATE, INTEGER, TEXT, UNIQUE_ID, Scalar, enum_scalar


class Grade(Enum):
    """Labels with characters that keys escape."""

    A, B = "a:1", "50%"


GRADE = enum_scalar(Grade)
_VALUES: dict[Scalar, Any] = {
    TEXT: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50),
    INTEGER: st.integers(-(2**31), 2**31 - 1),
    BIG_INTEGER: st.integers(-(2**63), 2**63 - 1),
    UNIQUE_ID: st.uuids().map(str),
    DATE: st.dates(),
    GRADE: st.sampled_from(["A", "B"]),
}

LOADED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy with something else."""


@st.composite
def keys_with_values(draw: st.DrawFn) -> tuple[Key, Any]:
    """A key of one to four parts, and a value of it."""
    scalars = tuple(draw(st.lists(st.sampled_from(list(_VALUES)), min_size=1, max_size=4)))
    values = tuple(draw(_VALUES[scalar]) for scalar in scalars)
    key = Key(tuple(f"c{place}" for place in range(len(scalars))), scalars)
    return key, values if len(scalars) > 1 else values[0]


@LOADED
@given(keys_with_values())
def test_a_key_is_read_as_it_was_written(drawn: tuple[Key, Any]) -> None:
    key, value = drawn
    text = key.write(value)
    assert key.read(text) == value
    assert type(key.read(text)) is type(value)


@LOADED
@given(keys_with_values(), st.text(max_size=40))
def test_whatever_is_read_is_written_as_one_text(drawn: tuple[Key, Any], text: str) -> None:
    key, _ = drawn
    value = key.read(text)
    if value is not None and UNIQUE_ID not in key.scalars:  # whose letters may be of either case
        assert key.write(value) == text


@pytest.mark.parametrize(
    ("scalar", "text"),
    [
        (INTEGER, ""),
        (INTEGER, "+1"),
        (INTEGER, "01"),
        (INTEGER, "-0"),
        (INTEGER, " 1"),
        (INTEGER, "1.0"),
        (INTEGER, "٣"),
        (INTEGER, "2147483648"),
        (BIG_INTEGER, "9223372036854775808"),
        (BIG_INTEGER, "9" * 30),
        (UNIQUE_ID, "not-a-uuid"),
        (UNIQUE_ID, "{12345678-1234-5678-1234-567812345678}"),
        (UNIQUE_ID, "12345678123456781234567812345678"),
        (DATE, "2013-02-30"),
        (DATE, "20130228"),
        (TEXT, "a\0b"),
        (TEXT, "\ud800"),
        (TEXT, "x" * (MAX_KEY_CHARACTERS + 1)),
        (GRADE, "A"),
    ],
)
def test_a_text_that_cannot_be_a_key_is_none(scalar: Scalar, text: str) -> None:
    key = Key(("id",), (scalar,))
    assert key.read(text) is None
    assert key.read_all([text, text]) == [None, None]


@LOADED
@given(keys_with_values(), st.lists(st.text(max_size=40)), st.data())
def test_keys_are_read_together_as_each_alone(drawn: tuple[Key, Any], texts: list[str], data: st.DataObject) -> None:
    key, value = drawn
    texts.insert(data.draw(st.integers(0, len(texts))), key.write(value))
    assert key.read_all(texts) == list(map(key.read, texts))


def test_a_uuid_is_known_in_either_case() -> None:
    text = "0B5A26BE-2B6F-4F8F-9D2C-0C5B1D1A3A77"
    assert Key(("id",), (UNIQUE_ID,)).read(text) == text.lower()


def test_parts_are_escaped_and_joined() -> None:
    key = Key(("region", "day"), (TEXT, DATE))
    assert key.write(("50%:a", dt.date(2013, 1, 2))) == "50%25%3Aa:2013-01-02"
    assert key.read("50%25%3Aa:2013-01-02") == ("50%:a", dt.date(2013, 1, 2))
    for text in ("a", "a:2013-01-02:b", "50%:2013-01-02", "a%41:2013-01-02", "a:2013-13-01"):
        assert key.read(text) is None


def test_an_enum_is_known_by_its_label_and_held_by_its_name() -> None:
    key = Key(("grade", "day"), (GRADE, DATE))
    assert key.write(("B", dt.date(2013, 1, 2))) == "50%25:2013-01-02"
    assert key.read("50%25:2013-01-02") == ("B", dt.date(2013, 1, 2))


def test_values_are_bound_column_by_column() -> None:
    key = Key(("order_id", "line_no"), (BIG_INTEGER, INTEGER))
    assert key.arrays([(1, 2), (3, 4)]) == [[1, 3], [2, 4]]
    assert key.arrays([]) == [[], []]
    assert Key(("id",), (TEXT,)).arrays(["a", "b"]) == [["a", "b"]]


def test_keys_are_divided_by_their_bytes() -> None:
    uuids = [str(UUID(int=number)) for number in range(10_000)]
    divided = list(chunks(uuids))
    assert [text for chunk in divided for text in chunk] == uuids
    assert [len(chunk) for chunk in divided] == [2_564, 2_564, 2_564, 2_308]  # 39 bytes each
    assert list(chunks(["x" * 300, "y"], max_bytes=100)) == [["x" * 300], ["y"]]
    assert list(chunks([])) == []
