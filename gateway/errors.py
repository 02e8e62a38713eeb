"""Decide which details of an error are shown to the caller, and which are logged."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult

from gateway.execution.error_locations import at_place_of
from loaders.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INTERNAL = "INTERNAL_SERVER_ERROR"
"""The code of errors that are not the caller's fault, such as an unavailable store."""
MASKED = "Something went wrong on our side."
MAX_ERRORS = 5
"""Maximum errors reported in full per response: an unavailable store fails thousands of fields for one reason."""

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

    `causes` are those that were logged before, with their ids; new ones are added.
    """
    ids = {} if causes is None else causes
    for error in errors:
        cause = error.original_error
        if cause is not None and is_masked(error) and cause not in ids:
            ids[cause] = secrets.token_hex(8)
            _log_cause(error, ids[cause], sum(other.original_error is cause for other in errors))
    return [
        _masked(error, ids[error.original_error]) if error.original_error in ids else _coded(error) for error in errors
    ]


def is_masked(error: GraphQLError) -> bool:
    """Return whether an error is for the log only: anything that is neither a GraphQLError nor a CallerError."""
    return error.original_error is not None and not isinstance(error.original_error, CallerError | GraphQLError)


def shown(errors: Sequence[GraphQLError]) -> tuple[list[dict[str, Any]], int]:
    """Return the first errors as an answer has them, and how many it leaves out."""
    return [dict(error.formatted) for error in errors[:MAX_ERRORS]], max(0, len(errors) - MAX_ERRORS)


def _log_cause(error: GraphQLError, incident: str, fields: int) -> None:
    path = ".".join(str(step) for step in error.path or ())
    message = str(error.original_error)[:_MAX_MESSAGE_LENGTH]
    _log.error("%s: %s at %s (%d fields): %s", incident, type(error.original_error).__name__, path, fields, message)


def _masked(error: GraphQLError, incident: str) -> GraphQLError:
    extensions = {"code": INTERNAL, "id": incident}
    return at_place_of(error, GraphQLError(MASKED, path=error.path, extensions=extensions))


def _coded(error: GraphQLError) -> GraphQLError:
    if not error.extensions or "code" not in error.extensions:
        error.extensions = {**(error.extensions or {}), "code": "BAD_USER_INPUT"}
    return error
