"""The error of a request that is refused because there is too much to do."""

from __future__ import annotations

from functools import cache
from random import SystemRandom

from graphql import GraphQLError

from gateway.http.errors import HTTPError
from loaders.errors import GatewayError

_CODE = "OVERLOADED"
_random = SystemRandom()
_MIN_SPREAD_S = 2
_MAX_SPREAD_S = 5
"""Seconds over which refused clients come back: all at once, they would be refused again."""


class OverloadedError(HTTPError):
    """An HTTPError 503 with Retry-After: nothing of the request was executed.

    Clients are told to come back after a time that is longer, and more spread, the longer the queue that they would
    have been in has been standing. Errors are many when it matters, and are made of parts that are made once.
    """

    def __init__(self, standing_s: float = 0.0) -> None:
        spread_s = min(_MAX_SPREAD_S, _MIN_SPREAD_S + int(standing_s))
        self.retry_after_s = 1 + int(_random.random() * spread_s)
        error = overloaded_error(self.retry_after_s)
        GatewayError.__init__(self, error.message)
        self.status = 503
        self.error = error
        self.headers = {"Retry-After": str(self.retry_after_s)}


@cache
def overloaded_error(retry_after_s: int) -> GraphQLError:
    """Return the error that the client is shown."""
    message = f"The gateway has too much to do: try again in {retry_after_s} s."
    return GraphQLError(message, extensions={"code": _CODE, "retryAfter": retry_after_s})
