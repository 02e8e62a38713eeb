"""The errors of this package, as one tree.

GatewayError
├── TransportError   no answer came
├── ResponseError    an answer came that is no GraphQL result
└── GraphQLErrors    a result came that has errors
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One error of a GraphQL answer; the path is empty where the error concerns the request as a whole."""

    message: str
    path: tuple[str | int, ...] = ()
    locations: tuple[Mapping[str, int], ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str | None:
        """Return the error's code (`extensions.code`), for programs; None where the gateway names none."""
        code = self.extensions.get("code")
        return code if isinstance(code, str) else None

    def __str__(self) -> str:
        where = ".".join(map(str, self.path))
        details = ", ".join(filter(None, (self.code, where and f"at {where}")))
        return f"{self.message} ({details})" if details else self.message


class GatewayError(Exception):
    """The root of all errors of this package but those of invalid arguments (ValueError, TypeError)."""


class TransportError(GatewayError):
    """No answer came that can be read, and asking again was not safe or did not help. Its cause is httpx' exception."""


class ResponseError(GatewayError):
    """The answer is no GraphQL result, by its status or its body.

    `errors` are those of the body where it is GraphQL. `retry_after_s` is how long to wait before the next attempt, at
    most a day; None if the answer does not say.
    """

    def __init__(
        self, status: int, errors: Sequence[ErrorDetail] = (), retry_after_s: float | None = None, reason: str = ""
    ) -> None:
        super().__init__(status, tuple(errors), retry_after_s, reason)  # all of them, so that it can be pickled
        self.status = status
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.reason = reason

    def __str__(self) -> str:
        said = self.reason or "; ".join(map(str, self.errors))
        return f"The gateway answered {_named(self.status)}{': ' if said else '.'}{said}"


class GraphQLErrors(GatewayError):  # noqa: N818 - it holds several
    """The result has errors; there is at least one of them."""

    def __init__(self, errors: Sequence[ErrorDetail]) -> None:
        super().__init__(tuple(errors))
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "; ".join(map(str, self.errors))


def _named(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}" if status in HTTPStatus._value2member_map_ else str(status)
