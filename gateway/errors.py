"""Decide which details of an error are shown to the caller, and which are logged."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult

from gateway.execution.error_locations import at_place_of
from gateway.execution.field_errors import AFFECTED, failure_of
from loaders.errors import CallerError, drop_frames
from loaders.model.canonical import ScalarError
from loaders.stores.errors import ColumnUnavailable, StoreError, StoreTimeout, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

INTERNAL = "INTERNAL_SERVER_ERROR"
"""The code of errors that are not the caller's fault, and of statements that a store refused."""
MASKED = "Something went wrong on our side."
STORE_UNAVAILABLE, STORE_TIMEOUT = "STORE_UNAVAILABLE", "STORE_TIMEOUT"
"""The codes of fields whose store is away or was late."""
COLUMN_UNAVAILABLE = "COLUMN_UNAVAILABLE"
"""The code of fields whose table, column, function or type is missing in the store, or has changed."""
VALUE_UNREPRESENTABLE = "VALUE_UNREPRESENTABLE"
"""The code of fields whose value, of a store or of a function of the model, their type cannot represent."""
_MESSAGES = {
    STORE_UNAVAILABLE: "The data of this field is not available at the moment. Try again later.",
    COLUMN_UNAVAILABLE: "The store no longer has the data of this field in the form that the gateway reads.",
    VALUE_UNREPRESENTABLE: "The type of this field cannot represent its value. The gateway's log says why.",
    STORE_TIMEOUT: "The data of this field did not come in time. Try again, or ask for less.",
}
_LEVELS = {INTERNAL: logging.ERROR, VALUE_UNREPRESENTABLE: logging.ERROR, COLUMN_UNAVAILABLE: logging.DEBUG}
MAX_ERRORS = 5
"""Maximum errors reported in full per response: a denied field has one for each of thousands of objects."""
MAX_FIELD_ERRORS = 100
"""Maximum errors of stores reported in full per response, of which each field has one."""

_MAX_MESSAGE_LENGTH = 2_000
"""Characters of a logged message. A store may repeat in its errors what it was sent, thousands of ids and all."""

_log = logging.getLogger("gateway")


class ErrorMasking(SchemaExtension):
    """Logs internal errors with an id, and shows the caller only the id."""

    def on_operation(self) -> Iterator[None]:
        """Mask the errors of the result."""
        yield
        result: Any = self.execution_context.result
        if isinstance(result, CoreResult | ExecutionResult) and result.errors:
            result.errors = masked(result.errors)


def masked(errors: Sequence[GraphQLError], causes: dict[BaseException, str] | None = None) -> list[GraphQLError]:
    """Return the errors as they may be shown, each with a code. Each masked cause is logged once.

    `causes` are those that were logged before, with their ids; new ones are added. The errors lose their tracebacks,
    whose frames hold what has executed the request, and so the errors themselves.
    """
    ids = {} if causes is None else causes
    places = Counter[int]()
    for error in errors:
        places[id(_cause(error))] += _facts(error).get(AFFECTED, 1)
    for error in errors:
        cause = _cause(error)
        if cause is not None and is_masked(error) and cause not in ids:
            ids[cause] = secrets.token_hex(8)
            _log_cause(error, cause, ids[cause], places[id(cause)])
    drop_frames(cause for error in errors for cause in (error, error.original_error))
    return [_masked(error, cause, ids) if (cause := _cause(error)) in ids else _coded(error) for error in errors]


def is_masked(error: GraphQLError) -> bool:
    """Return whether an error is for the log only: anything that is neither a GraphQLError nor a CallerError."""
    return error.original_error is not None and not isinstance(error.original_error, CallerError | GraphQLError)


def shown(errors: Sequence[GraphQLError]) -> tuple[list[dict[str, Any]], int]:
    """Return the first errors as an answer has them, and how many it leaves out."""
    result = [dict(error.formatted) for error in first_errors(errors)]
    return result, len(errors) - len(result)


def first_errors(errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """Return the errors that an answer has in full. Those of stores, one for each field, have their own maximum."""
    result, counts = [], Counter[bool]()
    for error in errors:
        is_of_field = AFFECTED in (error.extensions or {})
        counts[is_of_field] += 1
        if counts[is_of_field] <= (MAX_FIELD_ERRORS if is_of_field else MAX_ERRORS):
            result.append(error)
    return result


def _cause(error: GraphQLError) -> BaseException | None:
    """Return what is behind an error: what it was raised from, or the failure of a store behind that."""
    cause = error.original_error
    return failure_of(cause) if isinstance(cause, StoreError) else cause


def _facts(error: GraphQLError) -> Mapping[str, Any]:
    """Return what is told of a field that a store failed. Extensions of any other masked error may be internal."""
    return (error.extensions or {}) if isinstance(error.original_error, StoreError) else {}


def _code(cause: BaseException | None) -> str:
    if isinstance(cause, StoreTimeout):
        return STORE_TIMEOUT
    if isinstance(cause, ColumnUnavailable):
        return COLUMN_UNAVAILABLE
    if isinstance(cause, ScalarError):
        return VALUE_UNREPRESENTABLE
    return STORE_UNAVAILABLE if isinstance(cause, StoreUnavailable) else INTERNAL


def _log_cause(error: GraphQLError, cause: BaseException, incident: str, places: int) -> None:
    """Log a cause in one line. A store that is away or late is a warning, as in its circuit breaker.

    What a store is known to lack was a warning when it was found, and is not repeated for each request.
    """
    path = ".".join(str(step) for step in error.path or ())
    level = _LEVELS.get(_code(cause), logging.WARNING)
    message = str(cause)[:_MAX_MESSAGE_LENGTH]
    _log.log(level, "%s: %s at %s (%d places): %s", incident, type(cause).__name__, path, places, message)


def _masked(error: GraphQLError, cause: BaseException | None, ids: Mapping[BaseException, str]) -> GraphQLError:
    code = _code(cause)
    extensions = {"code": code, **({"id": ids[cause]} if cause is not None else {}), **_facts(error)}
    return at_place_of(error, GraphQLError(_MESSAGES.get(code, MASKED), path=error.path, extensions=extensions))


def _coded(error: GraphQLError) -> GraphQLError:
    if not error.extensions or "code" not in error.extensions:
        error.extensions = {**(error.extensions or {}), "code": "BAD_USER_INPUT"}
    return error
