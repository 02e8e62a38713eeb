"""The errors that loaders raise: those of the caller, whose message is shown, and those of a store, which are masked.

GatewayError
├── CallerError            the request is invalid or not allowed; the message is for the caller
└── StoreError             a store failed; the message is for the log
    ├── StoreUnavailable   there is no connection, or it broke
    ├── StoreTimeout       the store did not answer in time
    └── StatementFailed    the store refused the statement, which is a bug in the gateway
"""


class GatewayError(Exception):
    """The base class of all errors that the gateway raises on purpose."""


class CallerError(GatewayError):
    """An error of the caller. Its message is shown as it stands, and names no internals."""


class StoreError(GatewayError):
    """A failure of a store. The caller is told which store it was; the message goes to the log."""

    def __init__(self, store: str, message: str) -> None:
        super().__init__(message)
        self.store = store


class StoreUnavailable(StoreError):
    """The store cannot be reached, or the connection broke."""


class StoreTimeout(StoreError):
    """The store did not answer in time."""


class StatementFailed(StoreError):
    """The store refused the statement."""
