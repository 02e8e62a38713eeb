"""Comparing answers, and choosing cases, without a database."""

from __future__ import annotations

from typing import Any

import pytest

from fuseway.testing.cases import CheckedModel, chosen
from fuseway.testing.compare import difference
from fuseway.testing.results import AnswerError, read_answer
from loaders.model.loading import load_model


@pytest.mark.parametrize(
    ("first", "second", "place"),
    [
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, None),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ("a.1.b", 2, 3)),
        ({"a": [1]}, {"a": [1, 2]}, ("a", [1], [1, 2])),
        ({"a": 1}, {"a": True}, ("a", 1, True)),
        ({"a": 1}, {"a": 1, "b": None}, ("b", "(nothing)", None)),
        ({"a": 1, "b": None}, {"a": 1}, ("b", None, "(nothing)")),
        (0.1 + 0.2, 0.3, None),
        (1.0, 1.1, ("", 1.0, 1.1)),
        ("1.0", "1.00", ("", "1.0", "1.00")),
    ],
)
def test_the_first_place_where_answers_differ(first: Any, second: Any, place: Any) -> None:
    assert difference(first, second) == place


def test_an_answer_may_have_more_where_a_part_is_compared() -> None:
    assert difference([{"a": 1}], [{"a": 1, "b": 2}], is_part=True) is None
    assert difference([{"a": 1, "b": 2}], [{"a": 1}], is_part=True) == ("0.b", 2, "(nothing)")


def test_cases_are_chosen_by_the_seed_in_their_order() -> None:
    every = list(range(100))
    few = chosen(every, 10, 3)
    assert few == chosen(every, 10, 3) == sorted(few)
    assert few != chosen(every, 10, 4)
    assert chosen(every, 100, 3) == every


def test_every_object_type_of_a_model_is_reached_by_the_shortest_way() -> None:
    checked = CheckedModel.of(load_model("deploy.analytics.model"))
    routes = {route.target: route for route in checked.routes}
    assert set(routes) == set(checked.model.objects)
    assert routes["Member"].query("role", ["a", "b"]) == '{ root: membersByIds(ids: ["a", "b"]) { role } }'
    nodes = '{ root: nodes(ids: ["Plan:1"]) { __typename ... on Plan { name } } }'
    assert routes["Plan"].query("name", ["1"]) == nodes
    library = CheckedModel.of(load_model("tests.testing.library.model"))
    (loans,) = (route for route in library.routes if route.target == "Loan")
    assert loans.query("fee", ["1", "2"]) == '{ r0: loan(id: "1") { fee } r1: loan(id: "2") { fee } }'
    assert loans.answers({"r0": {"fee": "1"}, "r1": None}) == [{"fee": "1"}, None]


def test_an_answer_with_errors_is_refused_with_their_paths() -> None:
    errors = [{"message": f"Broken {place}.", "path": ["a", place]} for place in range(12)]
    answer = read_answer({"data": {"a": [None] * 12}, "errors": errors}, 200)
    with pytest.raises(AnswerError) as raised:
        answer.require_no_errors()
    lines = str(raised.value).splitlines()
    assert lines[:2] == ["The gateway answered with 12 errors (status 200):", "  a.0: Broken 0."]
    assert lines[-1] == "  and 2 more"
    assert read_answer({"data": {"a": 1}}, 200).require_no_errors().data == {"a": 1}
