"""The errors of stores. Their messages are for the log, and are masked in responses.

StoreError               a store failed
├── StoreUnavailable     there is no connection, it broke, or the store takes no work now
├── StoreTimeout         the store did not answer in time
├── StatementFailed      the store refused the statement, which is a bug in the gateway
│   └── SchemaMismatch   the statement names a table, column, function or type that the store does not have so
│       └── AccessDenied the statement names a table, column or function that the account may not read
└── ColumnUnavailable    the statement was not sent, since what it names is known to be missing
"""

from enum import StrEnum

from loaders.errors import GatewayError


class FailureKind(StrEnum):
    """How a store fails, as far as its client can tell."""

    UNREACHABLE = "unreachable"
    """Connections are refused or break."""
    SILENT = "silent"
    """Nothing is answered in time."""
    MALFORMED = "malformed"
    """The answer is not whole, or is not the store's."""
    BUSY = "busy"
    """The server answers that it takes no work now: it has no connection left, or starts, or stops."""


class StoreError(GatewayError):
    """A failure of a store. The caller is told which store it was; the message goes to the log."""

    kind = FailureKind.UNREACHABLE

    def __init__(self, store: str, message: str) -> None:
        super().__init__(message)
        self.store = store


class StoreUnavailable(StoreError):
    """The store cannot be reached, the connection broke, or the store takes no work now."""

    def __init__(self, store: str, message: str, kind: FailureKind = FailureKind.UNREACHABLE) -> None:
        super().__init__(store, message)
        self.kind = kind


class StoreTimeout(StoreError):
    """The store did not answer in time."""

    kind = FailureKind.SILENT


class StatementFailed(StoreError):
    """The store refused the statement. `position` is the character that it points to, from 0; None where to none."""

    def __init__(self, store: str, message: str, position: int | None = None) -> None:
        super().__init__(store, message)
        self.position = position


class SchemaMismatch(StatementFailed):
    """The store refused the statement for what it names: a table, column, function, type or label is not as it was.

    `may_be_of_value` says that a value which the statement was sent with may be why, with all that it names in place.
    """

    def __init__(self, store: str, message: str, position: int | None = None, *, may_be_of_value: bool = False) -> None:
        super().__init__(store, message, position)
        self.may_be_of_value = may_be_of_value


class AccessDenied(SchemaMismatch):
    """The store refused the statement, since its account may not read a table or column, or call a function."""


class ColumnUnavailable(StoreError):
    """The statement was not sent, since what it names is missing, has changed, or is not the account's to read."""
