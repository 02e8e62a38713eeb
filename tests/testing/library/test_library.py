"""Tests as the library's team writes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuseway.testing import AnswerError, Gateway, Plan

READERS = "query Readers($ids: [ID!]!) { readersByIds(ids: $ids) { name loanSums { loans } visits { visits } } }"


def test_a_reader_is_answered(gateway: Gateway) -> None:
    answer = gateway.query("{ reader(id: 7) { name email } }")
    assert answer.data == {"reader": {"name": "Reader 7 of 1", "email": "reader8@example.org"}}


def test_another_city_has_readers_of_its_own(gateway: Gateway) -> None:
    assert gateway.query("{ reader(id: 7) { name } }", tenant=2).data == {"reader": {"name": "Reader 7 of 2"}}


@pytest.mark.parametrize("count", [1, 60])
def test_a_dashboard_takes_three_statements(plan: Callable[..., Plan], count: int) -> None:
    dashboard = plan(READERS, {"ids": list(range(1, count + 1))})
    assert dashboard.statements == 3
    assert dashboard.by_store == {"postgresql": 2, "clickhouse doors": 1}
    assert "library.readers" in "".join(dashboard.texts["postgresql"])


def test_what_is_cached_needs_no_statement(gateway: Gateway) -> None:
    gateway.cold()
    assert gateway.query(READERS, {"ids": [1, 2]}).accounting.statements == 3
    gateway.settle()
    again = gateway.query(READERS, {"ids": [1, 2]}).accounting
    assert (again.statements, again.rows, again.cached["Reader.visits"].fresh) == (0, 0, 2)


def test_what_is_stale_is_served_and_refreshed(gateway: Gateway) -> None:
    gateway.cold()
    with gateway.stale():
        first = gateway.query(READERS, {"ids": [3]})
        gateway.settle()
    again = gateway.query(READERS, {"ids": [3]})
    assert again.data == first.data
    assert again.accounting.cached["Reader.visits"].stale == 1
    gateway.settle()
    assert gateway.query(READERS, {"ids": [3]}).accounting.cached["Reader.visits"].fresh == 1


def test_addresses_need_a_scope_of_their_own(gateway: Gateway) -> None:
    with pytest.raises(AnswerError, match=r"reader\.email \(FORBIDDEN\): email needs the scope pii:read"):
        gateway.query("{ reader(id: 7) { name email } }", scopes={"reader:read"})
    answer = gateway.query("{ reader(id: 7) { name email } }", scopes={"reader:read"}, allow_errors=True)
    assert answer.data == {"reader": {"name": "Reader 7 of 1", "email": None}}
    assert [error.path for error in answer.errors] == [("reader", "email")]
