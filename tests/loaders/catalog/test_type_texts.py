"""Texts of ClickHouse's types and keys."""

import pytest

from loaders.catalog.type_texts import enum_labels, split_list, unwrapped


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", ()),
        ("a", ("a",)),
        ("workspace_id, toDate(sent_at, 'UTC'), id", ("workspace_id", "toDate(sent_at, 'UTC')", "id")),
        ("`a, b`, position('x,(', c)", ("`a, b`", "position('x,(', c)")),
        ("[a, b], 'it''s, so', 'o\\'clock, '", ("[a, b]", "'it''s, so'", "'o\\'clock, '")),
    ],
)
def test_lists_are_split_at_their_own_commas(text: str, items: tuple[str, ...]) -> None:
    assert split_list(text) == items


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("UInt8", ("UInt8", False)),
        ("Nullable(DateTime64(6, 'UTC'))", ("DateTime64(6, 'UTC')", True)),
        ("LowCardinality(Nullable(String))", ("String", True)),
        ("SimpleAggregateFunction(sum, UInt64)", ("UInt64", False)),
        ("Array(Nullable(String))", ("Array(Nullable(String))", False)),
    ],
)
def test_wrappers_are_taken_off(text: str, inner: tuple[str, bool]) -> None:
    assert unwrapped(text) == inner


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("String", ()),
        ("Enum8('a' = 1, 'b' = 2)", ("a", "b")),
        ("Array(Nullable(Enum16('it\\'s' = -5, 'x = 1, y' = 3, 'ta\\tb' = 4)))", ("it's", "x = 1, y", "ta\tb")),
    ],
)
def test_labels_of_enums_are_read(text: str, labels: tuple[str, ...]) -> None:
    assert enum_labels(text) == labels
