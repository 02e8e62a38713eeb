"""What is remembered of an operation: the same for the same, another one wherever the answer's shape may differ."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse

from resolvers import operations
from resolvers.operations import operation_cache

SCOPES = frozenset({"register:read"})
QUERY = """
query($ids: [ID!]!, $deep: Boolean!, $first: Int, $period: Period) {
    aircraftByIds(ids: $ids) { id @include(if: $deep) analysis(period: $period) { ...Routes } }
}
fragment Routes on Analysis { routes(first: $first) { code } }
"""


class Way(StrEnum):
    """An enum whose members are texts, too."""

    UP, DOWN = "UP", "DOWN"


def _of(document: Any, scopes: frozenset[str] = SCOPES, **variables: Any) -> dict[Any, Any] | None:
    operation, *fragments = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert all(isinstance(item, FragmentDefinitionNode) for item in fragments)
    return operation_cache(operation, {item.name.value: item for item in fragments}, variables, scopes)


def test_the_same_operation_is_remembered_whatever_its_ids() -> None:
    document = parse(QUERY)
    result = _of(document, ids=["N1"], deep=True)
    assert _of(document, ids=["N2", "N3"], deep=True) is result


def test_another_value_of_a_directive_or_of_an_argument_below_is_another_one() -> None:
    document = parse(QUERY)
    result = [_of(document, ids=["N1"], deep=True), _of(document, deep=False), _of(document, deep=True, first=3)]
    assert len({id(item) for item in result}) == 3
    assert _of(document, deep=True, first=3) is result[2]


def test_other_scopes_have_another_one_within_the_same_bound() -> None:
    document = parse(QUERY)
    result = _of(document, deep=True)
    assert result is not _of(document, frozenset(), deep=True)
    assert _of(document, frozenset(SCOPES), deep=True) is result
    for number in range(operations._MAX_OPERATIONS):
        _of(document, frozenset({f"scope {number}"}), deep=True)
    assert len(operations._caches) == operations._MAX_OPERATIONS
    assert _of(document, deep=True) is not result


def test_another_document_of_the_same_text_is_another_one() -> None:
    assert _of(parse(QUERY), deep=True) is not _of(parse(QUERY), deep=True)


def test_what_cannot_be_told_apart_is_never_remembered() -> None:
    document = parse(QUERY)
    for value in (["2013-03-01"], 1.5, datetime(2013, 3, 1), {"from": ["x"]}, "x" * 101, -0.0):
        assert _of(document, deep=True, period=value) is None


def test_instants_and_members_of_enums_are_told_apart() -> None:
    document = parse(QUERY)
    values = [datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 3, 2, tzinfo=UTC), Way.UP, Way.DOWN, "UP"]
    result = [_of(document, deep=True, period=value) for value in values]
    assert None not in result
    assert len({id(item) for item in result}) == 5
    assert [_of(document, deep=True, period=value) for value in values] == result


def test_a_period_is_told_apart_by_its_dates() -> None:
    document = parse(QUERY)
    march, april = ({"from_": date(2013, month, 1), "to": None} for month in (3, 4))
    result = _of(document, deep=True, period=march)
    assert result is not None
    assert _of(document, deep=True, period=dict(march)) is result
    assert _of(document, deep=True, period=april) is not result


@pytest.mark.parametrize(("item", "other"), [(True, 1), (False, 0), ("1", 1), (None, False)])
def test_values_that_are_equal_and_not_the_same_are_told_apart(item: Any, other: Any) -> None:
    document = parse(QUERY)
    assert _of(document, first=item) is not _of(document, first=other)


@pytest.mark.slow
def test_what_is_remembered_is_bounded_in_bytes() -> None:
    wide = "{ aircraftByIds(ids: []) { " + "id " * 1_000 + "} }"  # 1,003 nodes and their names, 1 MB
    documents = [parse(wide) for _ in range(100)]
    for document in documents:
        assert _of(document) is not None
        assert operations._operations.bytes <= operations._MAX_BYTES
    known = sum(id(document.definitions[0]) in operations._operations for document in documents)
    assert 20 < known < 40
    assert {key[0] for key in operations._caches} <= set(operations._operations)
    deep = parse(wide.replace("{ air", "query($first: Int) { air").replace("id ", "id @include(if: $first) ", 1))
    for index in range(200):
        _of(deep, first=index)
    assert operations._caches.bytes <= operations._MAX_BYTES
    assert len(operations._caches) < 100


def test_a_bounded_number_is_remembered() -> None:
    document = parse(QUERY)
    first = _of(document, deep=True)
    for index in range(operations._MAX_OPERATIONS):
        _of(document, deep=True, first=index)
    assert len(operations._caches) == operations._MAX_OPERATIONS
    assert _of(document, deep=True) is not first
    for _ in range(operations._MAX_OPERATIONS + 1):
        _of(parse("{ __typename }"))
    assert len(operations._operations) == operations._MAX_OPERATIONS


def test_an_operation_that_is_too_large_has_no_cache_and_evicts_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = parse(QUERY), parse("{ a { " + "b " * 1_000 + "} }")
    known = _of(small, deep=True)
    monkeypatch.setattr(operations, "_BYTES_A_NODE", operations._MAX_BYTES)
    assert _of(large) is None
    assert _of(small, deep=True) is known
