"""The errors of stores. Their messages are for the log, and are masked in responses.

StoreError             a store failed
├── StoreUnavailable   there is no connection, or it broke
├── StoreTimeout       the store did not answer in time
└── StatementFailed    the store refused the statement, which is a bug in the gateway
"""

from loaders.errors import GatewayError


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
