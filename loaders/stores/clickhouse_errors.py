"""Errors of ClickHouse's driver as errors of stores, without the values that ClickHouse repeats in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from clickhouse_connect.driver import exceptions

from loaders.stores.errors import StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.urls.clickhouse import ADVICE, STORE
from loaders.stores.urls.tls import refused_certificate

# Where ClickHouse's errors repeat the values that were bound: those are the caller's, and for no log. The statement is
# not needed there: which field asked for it is enough. The name of the error, at the end, is kept.
_VALUES = re.compile(
    r"(?P<before>In scope |[Ww]hile (?:executing '|processing ))(?:.*(?=\. \([A-Z_]+\) \(version)|.*)"
    r"|(?P<value>[Vv]alue ).*(?= cannot be parsed as)"
    r"|(?P<text>Cannot parse string ).*(?= as \w+: )",
    re.DOTALL,
)

_TIMEOUT_CODES = frozenset({159, 160})  # TIMEOUT_EXCEEDED, TOO_SLOW
_UNAVAILABLE_CODES = frozenset(
    {
        81,  # UNKNOWN_DATABASE: the server is up and its data is not
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT, between servers
        210,  # NETWORK_ERROR, between servers
        236,  # ABORTED: the server is stopping
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        394,  # QUERY_WAS_CANCELLED
        516,  # AUTHENTICATION_FAILED
    }
)


@contextmanager
def connecting(where: str, timeout_s: float) -> Iterator[None]:
    """Raise StoreUnavailable with the server's address where a connection cannot be opened."""
    try:
        yield
    except TimeoutError as error:
        message = f"ClickHouse at {where} did not answer within {timeout_s:g} s."
        raise StoreUnavailable(STORE, message) from error
    except (exceptions.Error, aiohttp.ClientError, OSError) as error:
        reason = refused_certificate(error, ADVICE) or str(error)
        raise StoreUnavailable(STORE, f"ClickHouse at {where} cannot be reached: {reason}") from error


@contextmanager
def decoding() -> Iterator[None]:
    """Translate the driver's errors, which are of any type, for an answer that is not in ClickHouse's format."""
    try:
        yield
    except (exceptions.Error, aiohttp.ClientError, OSError, StoreUnavailable):
        raise
    except Exception as error:
        message = f"The answer of ClickHouse cannot be read: {type(error).__name__}. Look at the proxies on its way."
        raise StoreUnavailable(STORE, message) from error


@contextmanager
def translated() -> Iterator[None]:
    """Raise a StoreError for what the driver raises while a connection is in use."""
    try:
        yield
    except TimeoutError as error:
        raise StoreTimeout(STORE, "ClickHouse did not answer in time.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise StoreUnavailable(STORE, f"The connection to ClickHouse failed: {error}") from error
    except exceptions.Error as error:
        raise _fault(error) from error


def _fault(error: exceptions.Error) -> StoreTimeout | StoreUnavailable | StatementFailed:
    code: Any = error.code
    said = _VALUES.sub(r"\g<before>\g<value>\g<text>…", str(error))
    if code in _TIMEOUT_CODES or isinstance(error.__cause__, TimeoutError):
        return StoreTimeout(STORE, f"ClickHouse did not answer in time: {said}")
    # Without a code the server did not speak: the network failed, or a proxy answered in its place.
    silent = code is None and (
        isinstance(error, exceptions.OperationalError | exceptions.InternalError)  # the latter: an unknown format
        or type(error) is exceptions.DatabaseError
    )
    if silent or code in _UNAVAILABLE_CODES:
        return StoreUnavailable(STORE, f"ClickHouse cannot serve the statement: {said}")
    return StatementFailed(STORE, f"ClickHouse refused the statement: {said}")
