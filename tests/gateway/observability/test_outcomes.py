"""What became of a request, by its errors."""

import pytest
from graphql import GraphQLError

from gateway.http.operation_result import OperationResult
from gateway.http_refusal import head_timeout, stopping, too_many
from gateway.observability.outcomes import outcome_of_error, outcome_of_result
from gateway.observability.request_observation import OUTCOMES, RequestObservation


def _error(code: str) -> GraphQLError:
    return GraphQLError("…", extensions={"code": code})


async def _send(_message: object) -> None:
    return None


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (OperationResult({"a": 1}), "ok"),
        (OperationResult({"a": None}, errors=[_error("STORE_UNAVAILABLE")]), "partial"),
        (OperationResult(None, errors=[_error("STORE_UNAVAILABLE")]), "server_error"),
        (OperationResult(None, errors=[_error("BAD_USER_INPUT")]), "client_error"),
        (OperationResult(has_data=False, errors=[_error("GRAPHQL_VALIDATION_FAILED")]), "client_error"),
        (OperationResult(has_data=False, errors=[_error("DEADLINE_EXCEEDED")], error_status=504), "timeout"),
        (OperationResult(has_data=False, errors=[_error("INTERNAL_SERVER_ERROR")], error_status=500), "server_error"),
    ],
)
def test_the_outcome_of_an_operation(result: OperationResult, outcome: str) -> None:
    assert outcome_of_result(result) == outcome


def test_the_outcome_of_a_refusal() -> None:
    errors = [too_many(10), stopping(), head_timeout(1.0)]

    assert [outcome_of_error(item.status, item.error) for item in errors] == [
        "overloaded",
        "overloaded",
        "client_error",
    ]


def test_the_worst_outcome_of_a_batch_counts() -> None:
    observation = RequestObservation(_send)
    for outcome in ("ok", "timeout", "partial"):
        observation.worsen(outcome)

    assert observation.outcome == "timeout"
    assert len(OUTCOMES) == 8


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "ok"), (304, "ok"), (404, "client_error"), (500, "server_error"), (0, "hang_up")]
)
def test_without_errors_the_status_says_the_outcome(status: int, outcome: str) -> None:
    observation = RequestObservation(_send)
    observation.status = status

    assert observation.final_outcome({}) == outcome
