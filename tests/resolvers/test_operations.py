"""What is remembered of an operation: the same for the same, another one wherever the answer's shape may differ."""

from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse

from resolvers import operations
from resolvers.operations import memory

QUERY = """
query($ids: [ID!]!, $deep: Boolean!, $first: Int, $period: Period) {
    aircraftByIds(ids: $ids) { id @include(if: $deep) analysis(period: $period) { ...Routes } }
}
fragment Routes on Analysis { routes(first: $first) { code } }
"""


def _of(document: Any, **variables: Any) -> dict[Any, Any]:
    operation, *fragments = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert all(isinstance(one, FragmentDefinitionNode) for one in fragments)
    return memory(operation, {one.name.value: one for one in fragments}, variables)


def test_the_same_operation_is_remembered_whatever_its_ids() -> None:
    document = parse(QUERY)
    found = _of(document, ids=["N1"], deep=True)
    assert _of(document, ids=["N2", "N3"], deep=True) is found


def test_another_value_of_a_directive_or_of_an_argument_below_is_another_one() -> None:
    document = parse(QUERY)
    found = [_of(document, ids=["N1"], deep=True), _of(document, deep=False), _of(document, deep=True, first=3)]
    assert len({id(one) for one in found}) == 3
    assert _of(document, deep=True, first=3) is found[2]


def test_another_document_of_the_same_text_is_another_one() -> None:
    assert _of(parse(QUERY), deep=True) is not _of(parse(QUERY), deep=True)


def test_what_cannot_be_told_apart_is_never_remembered() -> None:
    document = parse(QUERY)
    period = {"from": "2013-03-01"}
    assert _of(document, deep=True, period=period) is not _of(document, deep=True, period=period)


def test_a_bounded_number_is_remembered() -> None:
    document = parse(QUERY)
    first = _of(document, deep=True)
    for at in range(operations._MOST):
        _of(document, deep=True, first=at)
    assert len(operations._remembered) == operations._MOST
    assert _of(document, deep=True) is not first
    for _ in range(operations._MOST + 1):
        _of(parse("{ __typename }"))
    assert len(operations._names) == operations._MOST
