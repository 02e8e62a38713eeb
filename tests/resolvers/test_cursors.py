"""Cursors: whose list they are of."""

from __future__ import annotations

import datetime as dt

import pytest

from loaders.errors import CallerError
from loaders.model.canonical import ScalarError
from loaders.model.scalars import DATE, DECIMAL, FLOAT, INSTANT, INTEGER, TEXT
from resolvers.cursors import CursorSealer


def test_a_cursor_is_opened_for_its_list_and_tenant_alone() -> None:
    sealer = CursorSealer(b"a secret")
    cursor = sealer.seal(["somebody@example.org", 7], "Query.members", "one")
    assert sealer.open(cursor, "Query.members", "one", [TEXT, INTEGER]) == ("somebody@example.org", 7)
    for list_identity, tenant in (("Query.members", "two"), ("Query.members", ""), ("Query.plans", "one")):
        with pytest.raises(CallerError, match="is not a cursor of this list"):
            sealer.open(cursor, list_identity, tenant, [TEXT, INTEGER])


def test_values_of_every_kind_are_opened_as_they_were_sealed() -> None:
    sealer = CursorSealer()
    day, instant = dt.date(2013, 1, 31), dt.datetime(2013, 1, 31, 12, 30, 15, 123, tzinfo=dt.UTC)
    values = (day, instant, None, "0.10", 1.0, None)
    opened = sealer.open(sealer.seal(values, "list", ""), "list", "", [DATE, INSTANT, INSTANT, DECIMAL, FLOAT, TEXT])
    assert opened == values
    assert list(map(type, opened)) == list(map(type, values))


def test_a_value_that_no_row_can_be_ordered_by_is_not_sealed() -> None:
    with pytest.raises(TypeError):
        CursorSealer().seal(["a", ScalarError("none")], "list", "")
