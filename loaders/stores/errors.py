"""What can go wrong, in two trees: the caller's faults, which are shown, and the system's, which are masked.

GatewayError
├── CallerError            the request asks for something that it may not or cannot have; its text is for the caller
└── SystemFault            a store did not do its part; its text is for the log
    ├── StoreUnavailable   no connection, or it broke
    ├── StoreTimeout       no answer in time
    └── StatementFailed    the store refused the statement, which is a bug of ours
"""


class GatewayError(Exception):
    """The root of everything that the gateway raises on purpose."""


class CallerError(GatewayError):
    """The caller's fault. The message is shown as it stands and names no internals."""


class SystemFault(GatewayError):
    """The system's fault. The caller learns which store is concerned, the log learns the rest."""

    def __init__(self, store: str, message: str) -> None:
        super().__init__(message)
        self.store = store


class StoreUnavailable(SystemFault):
    """The store cannot be reached, or the connection broke."""


class StoreTimeout(SystemFault):
    """The store did not answer in time."""


class StatementFailed(SystemFault):
    """The store refused the statement."""
