"""Cursors: whose list they are of."""

from __future__ import annotations

import pytest

from loaders.errors import CallerError
from resolvers.cursors import CursorSealer


def test_a_cursor_is_opened_for_its_list_and_tenant_alone() -> None:
    sealer = CursorSealer(b"a secret")
    cursor = sealer.seal(["somebody@example.org", 7], "Query.members", "one")
    assert sealer.open(cursor, "Query.members", "one") == ("somebody@example.org", 7)
    for list_identity, tenant in (("Query.members", "two"), ("Query.members", ""), ("Query.plans", "one")):
        with pytest.raises(CallerError, match="is not a cursor of this list"):
            sealer.open(cursor, list_identity, tenant)
