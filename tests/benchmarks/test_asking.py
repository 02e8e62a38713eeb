"""What is asked, and when two answers are the same."""

import pytest
from graphql import GraphQLSchema, parse, print_ast

from benchmarks.asking import TEXTS, Endpoint, difference
from tests.fleet.served import SCHEMA
from tests.queries import DASHBOARD, TRENDS, everything


def _schema() -> GraphQLSchema:
    return SCHEMA._schema


@pytest.mark.parametrize(
    ("name", "expected"), [("dashboard", DASHBOARD), ("trends", TRENDS), ("everything", everything(_schema()))]
)
def test_the_queries_are_those_of_the_tests(name: str, expected: str) -> None:
    named = expected.replace("Dashboard", name.capitalize()).replace(" nodeId ", " ")  # the floor and stock have none
    assert print_ast(parse(TEXTS[name])) == print_ast(parse(named))


def test_the_floor_is_asked_without_a_query() -> None:
    floor = Endpoint("floor", "http://127.0.0.1:1")
    assert floor.path("trends") == "http://127.0.0.1:1/trends"
    assert floor.body("trends", ["A"]) == b'{"ids":["A"]}'


@pytest.mark.parametrize(
    ("item", "other", "expected"),
    [
        ({"a": [1, None]}, {"a": [1, None]}, ""),
        ({"a": 0.1 + 0.2}, {"a": 0.3}, ""),
        ({"slope": -1.2e-12}, {"slope": 2.6e-13}, ""),
        ({"a": [1, 2.5]}, {"a": [1, 2.6]}, " at .a[1]: 2.5 and 2.6"),
        ({"a": 1}, {"b": 1}, " at the root: {'a': 1} and {'b': 1}"),
        ([1], [1, 2], " at the root: [1] and [1, 2]"),
        ({"a": None}, {"a": 0}, " at .a: None and 0"),
        ({"edges": [{"cursor": "a"}]}, {"edges": [{"cursor": "b"}]}, ""),
        ({"endCursor": "a"}, {"endCursor": None}, " at .endCursor: a and None"),
        ({"cursor": "a"}, {"cursor": ""}, " at .cursor: a and "),
        ({"name": "a"}, {"name": "b"}, " at .name: a and b"),
    ],
)
def test_a_difference_is_named_by_its_path(item: object, other: object, expected: str) -> None:
    assert difference(item, other) == expected
