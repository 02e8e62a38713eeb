"""Errors of PostgreSQL's driver as errors of stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.poolers import explained
from loaders.stores.urls.postgres import ADVICE, POSTGRES
from loaders.stores.urls.store_url import StoreURL
from loaders.stores.urls.tls import refused_certificate

STORE = POSTGRES.store

# A statement that the server could not take or finish for reasons of its own: starting, stopping, out of connections.
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
)


@contextmanager
def connecting(url: StoreURL, timeout_s: float) -> Iterator[None]:
    """Raise StoreUnavailable with the server's address where a connection cannot be opened."""
    where = url.address
    try:
        yield
    except TimeoutError as error:
        message = f"PostgreSQL at {where} did not accept a connection within {timeout_s:g} s."
        raise StoreUnavailable(STORE, message) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = refused_certificate(error, ADVICE) or getattr(error, "strerror", None) or explained(error)
        raise StoreUnavailable(STORE, f"PostgreSQL at {where} cannot be reached: {reason}") from error


@contextmanager
def translated() -> Iterator[None]:
    """Raise a StoreError for what the driver raises while a connection is in use."""
    try:
        yield
    except (TimeoutError, asyncpg.QueryCanceledError) as error:
        raise StoreTimeout(STORE, f"PostgreSQL did not answer in time: {error or 'no answer'}") from error
    except (OSError, *_UNAVAILABLE) as error:
        raise StoreUnavailable(STORE, f"The connection to PostgreSQL failed: {error}") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # The driver has one class for its own errors: a connection or pool that closed, and arguments that do not fit.
        broken = "clos" in str(error)
        error_class = StoreUnavailable if broken else StatementFailed
        raise error_class(STORE, f"PostgreSQL's driver refused: {error}") from error
    except asyncpg.PostgresError as error:
        raise StatementFailed(STORE, f"PostgreSQL refused the statement: {explained(error)}") from error
