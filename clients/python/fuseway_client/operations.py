"""Operations and their results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from fuseway_client.errors import ErrorDetail, GraphQLErrors, ResponseError
from fuseway_client.retrying import UNAVAILABLE, retry_after_s

GRAPHQL = "application/graphql-response+json"
_REFUSED = frozenset({400, 422})
"""Statuses of a document that cannot be executed: 422 is the draft's of 2026."""
_NOT_EXECUTED = frozenset({"OVERLOADED", "DEADLINE_EXCEEDED"})
"""Codes of a 503 with which the gateway refuses a request before it executes anything."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A document with its variables; the name says which of several operations runs."""

    document: str
    variables: Mapping[str, Any] | None = field(default=None, repr=False)  # they may hold what no log should
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to an operation; `data` is None where nothing could be answered, and partial beside errors."""

    data: dict[str, Any] | None
    errors: tuple[ErrorDetail, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def raise_for_errors(self) -> None:
        """Raise GraphQLErrors where there are errors, even where data came beside them."""
        if self.errors:
            raise GraphQLErrors(self.errors)


def result_of(response: httpx.Response) -> Result:
    """Return the result that a response holds. Raises ResponseError where it holds none.

    A request that GraphQL refuses is a result with errors, whether the gateway says 200 or, in its own media type, 400
    or 422.
    """
    result = _result(_body(response))
    refused = response.status_code in _REFUSED and _media_type(response) == GRAPHQL
    if result is not None and (response.is_success or refused):
        return result
    errors = result.errors if result else ()
    raise _response_error(response, errors, "its body is no GraphQL result")


def results_of(response: httpx.Response, count: int) -> list[Result]:
    """Return the results of a batch, in order. Raises ResponseError where there are not as many as operations."""
    body = _body(response)
    results = [_result(item) for item in body] if response.is_success and isinstance(body, list) else []
    whole = [result for result in results if result is not None]
    if len(results) == len(whole) == count:
        return whole
    refusal = _result(body)
    raise _response_error(response, refusal.errors if refusal else (), "its body is not a result for each operation")


def was_not_executed(response: httpx.Response) -> bool:
    """Return whether the gateway itself says that it executed nothing of the request; what a proxy says is no proof."""
    if response.status_code != UNAVAILABLE:
        return False
    result = _result(_body(response))
    return result is not None and bool(result.errors) and all(error.code in _NOT_EXECUTED for error in result.errors)


def _response_error(response: httpx.Response, errors: tuple[ErrorDetail, ...], reason: str) -> ResponseError:
    """Return an error with what the errors say, else with the reason where the status is none."""
    reason = reason if response.is_success and not errors else ""
    return ResponseError(response.status_code, errors, retry_after_s(response), reason)


def _media_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _body(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _result(body: Any) -> Result | None:
    """Return the result that decoded JSON is; None where it is none."""
    if not isinstance(body, dict) or not ("data" in body or "errors" in body):
        return None
    data, errors, extensions = body.get("data"), body.get("errors"), body.get("extensions")
    if not isinstance(data, dict | None) or not isinstance(errors, list | None):
        return None
    details = [_detail(error) for error in errors or ()]
    known = tuple(detail for detail in details if detail is not None)
    if len(known) < len(details) or (data is None and not known):
        return None
    return Result(data, known, extensions if isinstance(extensions, dict) else {})


def _detail(error: Any) -> ErrorDetail | None:
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    path, locations, extensions = error.get("path"), error.get("locations"), error.get("extensions")
    return ErrorDetail(
        error["message"],
        tuple(path) if isinstance(path, list) else (),
        tuple(locations) if isinstance(locations, list) else (),
        extensions if isinstance(extensions, dict) else {},
    )
