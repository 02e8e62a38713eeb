"""The base class of the gateway's errors, and the errors of the caller, for all floors.

GatewayError
├── CallerError        the request is invalid or not allowed; the message is for the caller
├── StoreError         a store failed; the message is for the log (loaders/stores/errors.py)
└── HTTPError, …       the request is rejected by the HTTP layer (gateway/http/errors.py)
"""

from collections.abc import Iterable
from typing import TypeVar

E = TypeVar("E", bound=BaseException)


class GatewayError(Exception):
    """The base class of all errors that the gateway raises on purpose."""


class CallerError(GatewayError):
    """An error of the caller. Its message is shown as it stands, and names no internals."""


def without_frames(error: E) -> E:
    """Return an error without its traceback, and without those of what it came from: their frames hold a request."""
    drop_frames([error])
    return error


def drop_frames(errors: Iterable[BaseException | None]) -> None:
    """Take the tracebacks of errors, and of what they came from, which thousands of them may share."""
    pending, seen = list(errors), set[int]()
    while pending:
        cause = pending.pop()
        if cause is not None and id(cause) not in seen:  # an error that is raised again may be among its own causes
            seen.add(id(cause))
            cause.__traceback__ = None
            if cause.__cause__ is not None or cause.__context__ is not None:
                pending += (cause.__cause__, cause.__context__)
