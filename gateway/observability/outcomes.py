"""Tell the outcome of a request by the errors that its client is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.observability.request_observation import CLIENT_ERROR, OK, OVERLOADED, PARTIAL, SERVER_ERROR, TIMEOUT

if TYPE_CHECKING:
    from graphql import GraphQLError

    from gateway.http.operation_result import OperationResult

_BY_CODE = {
    "OVERLOADED": OVERLOADED,
    "UNAVAILABLE": OVERLOADED,
    "DEADLINE_EXCEEDED": TIMEOUT,
    "STORE_TIMEOUT": TIMEOUT,
    "STORE_UNAVAILABLE": SERVER_ERROR,
    "COLUMN_UNAVAILABLE": SERVER_ERROR,
    "INTERNAL_SERVER_ERROR": SERVER_ERROR,
    "VALUE_UNREPRESENTABLE": SERVER_ERROR,
}
"""Outcomes of errors that are not the client's."""


def outcome_of_error(status: int, error: GraphQLError) -> str:
    """Return the outcome of a request that was answered with this status and error alone."""
    code = (error.extensions or {}).get("code")
    return _BY_CODE.get(str(code), SERVER_ERROR if status >= 500 else CLIENT_ERROR)


def outcome_of_result(result: OperationResult) -> str:
    """Return the outcome of one operation. Without data, its first error says it."""
    if not result.errors:
        return OK
    if result.has_data and result.data is not None:
        return PARTIAL
    return outcome_of_error(200 if result.has_data else result.error_status, result.errors[0])
