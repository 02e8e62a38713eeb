"""What keeps a request, or one of its operations, from being executed."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError


class HTTPError(Exception):
    """The request as a whole is answered with this status, one error, and these headers."""

    def __init__(
        self, status: int, message: str, code: str, headers: Mapping[str, str] | None = None, **extensions: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = GraphQLError(message, extensions={"code": code, **extensions})
        self.headers = dict(headers or {})


def bad_request(message: str) -> HTTPError:
    """400 for what is no GraphQL request."""
    return HTTPError(400, message, "BAD_REQUEST")


class RequestError(Exception):
    """One operation is refused before it is executed: what GraphQL calls a request error.

    `status` is that of an answer in GraphQL's own media type; `headers` go with the whole answer.
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
    """With one error."""
    return RequestError(
        [GraphQLError(message, extensions={"code": code, **extensions})], status=status, headers=headers
    )
