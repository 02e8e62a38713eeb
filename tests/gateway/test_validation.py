"""Comparisons of fields are counted, and bounded for all documents of a request together."""

import pytest
from graphql import GraphQLSchema, get_introspection_query, parse, validate

from benchmarks.hostile import DOCUMENTS
from gateway.http.errors import RequestError
from gateway.validation import ComparisonMeter, Validator
from tests.fleet.served import SCHEMA
from tests.queries import DASHBOARD, TRENDS, everything

EVERYTHING = everything(SCHEMA._schema)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return SCHEMA._schema


@pytest.fixture(scope="module")
def validator(schema: GraphQLSchema) -> Validator:
    return Validator(schema, introspection=True, suggestions=False)


def test_each_two_fields_of_a_name_are_a_comparison(validator: Validator) -> None:
    for fields, comparisons in ((1, 0), (2, 1), (40, 40 * 39 // 2)):
        meter = ComparisonMeter(1_000)
        assert validator.errors(parse("{ " + "__typename " * fields + "}"), meter) == []
        assert (meter.comparisons, meter.points) == (comparisons, comparisons // 10)


def test_at_the_limit_a_document_is_validated_and_past_it_refused(validator: Validator) -> None:
    document = parse("{ " + "__typename " * 40 + "}")
    assert validator.errors(document, ComparisonMeter(780)) == []
    meter = ComparisonMeter(779)
    with pytest.raises(RequestError) as refused:
        validator.errors(document, meter)
    (error,) = refused.value.errors
    assert error.extensions == {"code": "LIMIT_EXCEEDED", "limit": "comparisons", "max": 779, "value": 780}
    assert meter.comparisons == 779, "what was compared is paid"


def test_documents_share_a_meter(validator: Validator) -> None:
    document, meter = parse("{ " + "__typename " * 40 + "}"), ComparisonMeter(1_600)
    for _ in range(2):
        assert validator.errors(document, meter) == []
    assert meter.comparisons == 1_560
    with pytest.raises(RequestError):
        validator.errors(document, meter)


HOSTILE = ["the same leaf", "the same object", "fragments alike", "inline fragments", "defer"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_document_of_fields_alike_is_given_up(validator: Validator, name: str) -> None:
    meter = ComparisonMeter(20_000)
    with pytest.raises(RequestError):
        validator.errors(parse(DOCUMENTS[name](0)), meter)
    assert (meter.comparisons, meter.points) == (20_000, 2_000)


VALID = {"aliases below @skip": 0, "the same root field": 14_850, "operations over fragments": 7_170, "operations": 0}


@pytest.mark.parametrize(("name", "comparisons"), VALID.items())
def test_a_document_that_is_read_is_paid_by_its_comparisons(validator: Validator, name: str, comparisons: int) -> None:
    meter = ComparisonMeter(20_000)
    assert validator.errors(parse(DOCUMENTS[name](0)), meter) == []
    assert meter.comparisons == comparisons


FIFTY = " ".join(
    f"a{index}: punctuality {{ flights cancelled diverted onTime meanArrivalDelay meanDepartureDelay }}"
    for index in range(50)
)
FRAGMENTS = (
    "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { "
    + " ".join(f"...Card{index}" for index in range(30))
    + " } } "
    + " ".join(
        f"fragment Card{index} on Aircraft {{ id __typename registration {{ model }} analysis {{ punctuality {{ flights }} }} }}"
        for index in range(30)
    )
)


@pytest.mark.parametrize(
    "query", [DASHBOARD, TRENDS, EVERYTHING, get_introspection_query(), FRAGMENTS], ids=lambda query: query[:30]
)
def test_documents_of_frontends_take_few_comparisons(validator: Validator, query: str) -> None:
    meter = ComparisonMeter(10_000)
    assert validator.errors(parse(query), meter) == []
    assert meter.comparisons < 6_000


def test_errors_are_those_of_graphql_core_in_its_order(schema: GraphQLSchema, validator: Validator) -> None:
    document = parse("query A($x: Nothing) { a: __typename a: aircraft { id } other ...F } query A { __typename }")
    metered = validator.errors(document, ComparisonMeter(10_000))
    assert len(metered) == 6
    assert [str(error) for error in metered] == [
        str(error) for error in validate(schema, document, max_errors=5, hide_suggestions=True)
    ]
