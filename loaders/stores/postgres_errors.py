"""Errors of PostgreSQL's driver as errors of stores."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from loaders.stores.errors import (
    AccessDenied,
    FailureKind,
    SchemaMismatch,
    StatementFailed,
    StoreTimeout,
    StoreUnavailable,
)
from loaders.stores.poolers import explained
from loaders.stores.urls.postgres import ADVICE, POSTGRES
from loaders.stores.urls.store_url import StoreURL
from loaders.stores.urls.tls import refused_certificate

STORE = POSTGRES.store

_BUSY = (
    asyncpg.InsufficientResourcesError,  # 53: no connection left (53300), no memory, no disk
    asyncpg.OperatorInterventionError,  # 57: the server starts (57P03), stops or crashed; but for 57014, see below
    asyncpg.TransactionRollbackError,  # 40: a standby gave up the statement for its replication, or a deadlock
    asyncpg.LockNotAvailableError,  # 55P03
    asyncpg.PostgresSystemError,  # 58: its files cannot be read
)
"""The server takes no work now, or cannot finish this statement, for reasons of its own."""
_UNREACHABLE = (
    asyncpg.PostgresConnectionError,  # 08, which poolers answer with for what they cannot pass on
    asyncpg.InvalidAuthorizationSpecificationError,  # 28
    asyncpg.InvalidCatalogNameError,  # 3D000: the server is up and its database is not
    asyncpg.IdleInTransactionSessionTimeoutError,  # 25P03
    asyncpg.TargetServerAttributeNotMatched,  # the host is no longer what the URL asks for
)
_MALFORMED = (asyncpg.InternalClientError, BufferError, UnicodeDecodeError, struct.error)
"""The driver read bytes that are not PostgreSQL's."""

_MISMATCH = (
    asyncpg.SyntaxOrAccessError,  # 42: of columns (42703), tables (42P01), functions (42883), types (42704, 42804)
    asyncpg.InvalidSchemaNameError,  # 3F000
    asyncpg.InvalidTextRepresentationError,  # 22P02, of a label that an enum no longer has
    asyncpg.InvalidCachedStatementError,  # 0A000: prepared before a type changed, in a pooler's transaction
    asyncpg.OutdatedSchemaCacheError,  # the driver's own, which then reads the types anew
)
"""The statement does not fit the tables, or is no SQL."""


@contextmanager
def connecting(url: StoreURL, timeout_s: float) -> Iterator[None]:
    """Raise StoreUnavailable with the server's address where a connection cannot be opened."""
    where = url.address
    try:
        yield
    except TimeoutError as error:
        message = f"PostgreSQL at {where} did not accept a connection within {timeout_s:g} s."
        raise StoreUnavailable(STORE, message, FailureKind.SILENT) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, AttributeError, *_MALFORMED) as error:
        # AttributeError is the driver's own, for a server that does not tell its version.
        reason = refused_certificate(error, ADVICE) or getattr(error, "strerror", None) or explained(error)
        raise StoreUnavailable(STORE, f"PostgreSQL at {where} cannot be reached: {reason}", _kind(error)) from error


@contextmanager
def translated() -> Iterator[None]:
    """Raise a StoreError for what the driver raises while a connection is in use."""
    try:
        yield
    except (TimeoutError, asyncpg.QueryCanceledError) as error:
        raise StoreTimeout(STORE, f"PostgreSQL did not answer in time: {error or 'no answer'}") from error
    except (OSError, *_BUSY, *_UNREACHABLE) as error:
        raise StoreUnavailable(STORE, f"The connection to PostgreSQL failed: {error}", _kind(error)) from error
    except _MISMATCH as error:
        raise _refusal(error)(
            STORE, f"PostgreSQL refused the statement: {explained(error)}", _position(error)
        ) from error
    except asyncpg.InterfaceError as error:
        # The driver has one class for its own errors: a connection or pool that closed, and arguments that do not fit.
        broken = "clos" in str(error)
        error_class = StoreUnavailable if broken else StatementFailed
        raise error_class(STORE, f"PostgreSQL's driver refused: {error}") from error
    except _MALFORMED as error:
        message = f"The answer of PostgreSQL cannot be read: {error}"
        raise StoreUnavailable(STORE, message, FailureKind.MALFORMED) from error
    except asyncpg.PostgresError as error:
        message = f"PostgreSQL refused the statement: {explained(error)}"
        raise StatementFailed(STORE, message, _position(error)) from error


def _refusal(error: BaseException) -> type[StatementFailed]:
    """Return the error for what does not fit the tables; PostgreSQL has 42 for mistakes in SQL and for rights, too."""
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return AccessDenied
    return StatementFailed if isinstance(error, asyncpg.PostgresSyntaxError) else SchemaMismatch


def _position(error: BaseException) -> int | None:
    """Return the character of the statement that the server points to, from 0, where it does."""
    said = getattr(error, "position", None)  # counted from 1, as text
    return int(said) - 1 if said and str(said).isdigit() else None


def _kind(error: BaseException) -> FailureKind:
    if isinstance(error, _BUSY):
        return FailureKind.BUSY
    if isinstance(error, (AttributeError, *_MALFORMED)) and not isinstance(error, _UNREACHABLE):
        return FailureKind.MALFORMED
    return FailureKind.UNREACHABLE
