"""The errors that keep a request, or one of its operations, from being executed.

GatewayError
├── HTTPError       the whole request is answered with one status and one error
└── RequestError    one operation is rejected before execution: a request error in GraphQL's specification
"""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from loaders.errors import GatewayError


class HTTPError(GatewayError):
    """Rejects the whole request with a status, one error, and headers."""

    def __init__(
        self, status: int, message: str, code: str, headers: Mapping[str, str] | None = None, **extensions: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = GraphQLError(message, extensions={"code": code, **extensions})
        self.headers = dict(headers or {})


def bad_request(message: str) -> HTTPError:
    """Return an HTTPError 400 for a request that is malformed."""
    return HTTPError(400, message, "BAD_REQUEST")


class RequestError(GatewayError):
    """Rejects one operation before it is executed.

    `status` is that of a response in GraphQL's own media type. `headers` are those of the whole response.
    """

    def __init__(
        self,
        errors: list[GraphQLError],
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(errors[0].message)
        self.errors = errors
        self.status = status
        self.headers = dict(headers or {})


def request_error(
    message: str, code: str, *, status: int = 400, headers: Mapping[str, str] | None = None, **extensions: Any
) -> RequestError:
    """Return a RequestError with one error."""
    return RequestError(
        [GraphQLError(message, extensions={"code": code, **extensions})], status=status, headers=headers
    )
