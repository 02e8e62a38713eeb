"""The result of one operation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from gateway.errors import masked, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.http.errors import RequestError
    from gateway.http.incremental import IncrementalResult

PARTIAL, INVALID = 294, 422
"""Statuses of GraphQL over HTTP's draft of 2026: data with errors, and a document that is well-formed and not valid."""


@dataclass(slots=True)
class OperationResult:
    """The result of one operation. Without `has_data` it was rejected before execution, and `data` is left out."""

    data: Any = None
    has_data: bool = True
    errors: Sequence[GraphQLError] = ()
    extensions: dict[str, Any] = field(default_factory=dict)
    error_status: int = 400
    headers: dict[str, str] = field(default_factory=dict)
    incremental: IncrementalResult | None = None
    """The parts that come later."""

    @classmethod
    def of_request_error(cls, refused: RequestError) -> OperationResult:
        """Build the result of an operation that is not executed."""
        return cls(
            has_data=False,
            errors=refused.errors,
            error_status=refused.status,
            headers=refused.headers,
        )

    @classmethod
    def of_exception(cls, error: Exception) -> OperationResult:
        """Return the result of an operation that failed unexpectedly: it is logged, and others of a batch go on."""
        return cls(has_data=False, errors=masked([GraphQLError("", original_error=error)]), error_status=500)

    def payload(self) -> dict[str, Any]:
        """Return the result as a JSON object."""
        payload: dict[str, Any] = {"data": self.data} if self.has_data else {}
        extensions = self.extensions
        if self.errors:
            payload["errors"], more = shown(self.errors)
            extensions = {**extensions, "furtherErrors": more} if more else extensions
        return {**payload, "extensions": extensions} if extensions else payload

    def status(self, *, drafts: bool) -> int:
        """Return the status in GraphQL's own media type. With `drafts`, the statuses of the draft are used too."""
        if not self.has_data:
            codes = {(error.extensions or {}).get("code") for error in self.errors}
            return INVALID if drafts and codes == {"GRAPHQL_VALIDATION_FAILED"} else self.error_status
        return PARTIAL if drafts and self.errors else 200
