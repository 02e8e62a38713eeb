"""Errors of ClickHouse's driver as errors of stores, without the values that ClickHouse repeats in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp
from clickhouse_connect.driver import exceptions

from loaders.stores.errors import (
    AccessDenied,
    FailureKind,
    SchemaMismatch,
    StatementFailed,
    StoreTimeout,
    StoreUnavailable,
)
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
_BUSY_CODES = frozenset(
    {
        173,  # CANNOT_ALLOCATE_MEMORY
        201,  # QUOTA_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION, between servers
        236,  # ABORTED: the server is stopping
        241,  # MEMORY_LIMIT_EXCEEDED
        364,  # RECEIVED_ERROR_TOO_MANY_REQUESTS
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        696,  # ASYNC_LOAD_CANCELED: a table that is being loaded while the server starts or stops
        700,  # USER_SESSION_LIMIT_EXCEEDED
        733,  # TABLE_IS_BEING_RESTARTED
        735,  # QUERY_WAS_CANCELLED_BY_CLIENT
        745,  # SERVER_OVERLOADED
        749,  # TCP_CONNECTION_LIMIT_REACHED
        762,  # HTTP_CONNECTION_LIMIT_REACHED
        776,  # RESOURCE_LIMIT_EXCEEDED
        777,  # MEMORY_RESERVATION_KILLED
        778,  # MEMORY_RESERVATION_FAILED
        1019,  # QUERY_SLOT_ACQUISITION_TIMEOUT
        1020,  # MEMORY_RESERVATION_ACQUISITION_TIMEOUT
    }
)
"""The server answers, and takes no work now."""
_UNAVAILABLE_CODES = _BUSY_CODES | frozenset(
    {
        3,  # UNEXPECTED_END_OF_FILE, of another server or of its storage, as the next five
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        74,  # CANNOT_READ_FROM_FILE_DESCRIPTOR
        75,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR
        76,  # CANNOT_OPEN_FILE
        81,  # UNKNOWN_DATABASE: the server is up and its data is not
        86,  # RECEIVED_ERROR_FROM_REMOTE_IO_SERVER
        95,  # CANNOT_READ_FROM_SOCKET
        96,  # CANNOT_WRITE_TO_SOCKET
        192,  # UNKNOWN_USER
        193,  # WRONG_PASSWORD
        198,  # DNS_ERROR
        209,  # SOCKET_TIMEOUT, between servers
        210,  # NETWORK_ERROR, between servers
        218,  # TABLE_IS_DROPPED, and may be there again
        225,  # NO_ZOOKEEPER
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        254,  # NO_ACTIVE_REPLICAS
        265,  # NO_AVAILABLE_REPLICA
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        297,  # SHARD_HAS_NO_CONNECTIONS
        369,  # ALL_REPLICAS_ARE_STALE
        415,  # ALL_REPLICAS_LOST
        425,  # SYSTEM_ERROR
        499,  # S3_ERROR
        500,  # AZURE_BLOB_STORAGE_ERROR
        516,  # AUTHENTICATION_FAILED
        614,  # POSTGRESQL_CONNECTION_FAILURE, of a table that is there
        660,  # HDFS_ERROR
        904,  # TOO_MANY_UNAVAILABLE_SHARDS
        999,  # KEEPER_EXCEPTION
    }
)
"""The server cannot finish a statement for reasons that are not the statement's."""
_MISMATCH_OR_VALUE_CODES = frozenset(
    {
        43,  # ILLEGAL_TYPE_OF_ARGUMENT
        50,  # UNKNOWN_TYPE
        53,  # TYPE_MISMATCH
        70,  # CANNOT_CONVERT_TYPE
        386,  # NO_COMMON_TYPE
        691,  # UNKNOWN_ELEMENT_OF_ENUM
    }
)
"""A mismatch, or a wrong value: ClickHouse computes what it can while it analyzes a statement."""
_MISMATCH_CODES = _MISMATCH_OR_VALUE_CODES | frozenset(
    {
        8,  # THERE_IS_NO_COLUMN
        10,  # NOT_FOUND_COLUMN_IN_BLOCK
        16,  # NO_SUCH_COLUMN_IN_TABLE
        42,  # NUMBER_OF_ARGUMENTS_DOESNT_MATCH, of a function that was replaced
        44,  # ILLEGAL_COLUMN
        46,  # UNKNOWN_FUNCTION
        47,  # UNKNOWN_IDENTIFIER
        48,  # NOT_IMPLEMENTED, of a name that is not in the table and is therefore taken from a row further out
        60,  # UNKNOWN_TABLE
        352,  # AMBIGUOUS_COLUMN_NAME
    }
)
"""The statement does not fit the tables: a table, column, function, type or label is not as it was."""

_ACCESS_DENIED = 497


def unproven(why: str) -> StoreUnavailable:
    """Return the error for an answer that is not proven to be whole and the statement's own."""
    message = f"The answer of ClickHouse is not whole: {why}. Look at the proxies on its way."
    return StoreUnavailable(STORE, message, FailureKind.MALFORMED)


def require_query_id(summary: Mapping[str, Any]) -> None:
    """Raise StoreUnavailable unless the answer has ClickHouse's header for the query's id, as all of its answers do."""
    if not summary.get("query_id"):
        message = "The answer lacks the header X-ClickHouse-Query-Id: something answers in the place of ClickHouse."
        raise StoreUnavailable(STORE, message, FailureKind.MALFORMED)


@contextmanager
def connecting(where: str, timeout_s: float) -> Iterator[None]:
    """Raise StoreUnavailable with the server's address where a connection cannot be opened."""
    try:
        yield
    except TimeoutError as error:
        message = f"ClickHouse at {where} did not answer within {timeout_s:g} s."
        raise StoreUnavailable(STORE, message, FailureKind.SILENT) from error
    except (exceptions.Error, aiohttp.ClientError, OSError) as error:
        reason = refused_certificate(error, ADVICE) or str(error)
        message = f"ClickHouse at {where} cannot be reached: {reason}"
        raise StoreUnavailable(STORE, message, _kind(error)) from error


@contextmanager
def decoding() -> Iterator[None]:
    """Translate the driver's errors, which are of any type, for an answer that is not in ClickHouse's format."""
    try:
        yield
    except (exceptions.Error, aiohttp.ClientError, OSError, StoreUnavailable):
        raise
    except Exception as error:
        message = f"The answer of ClickHouse cannot be read: {type(error).__name__}. Look at the proxies on its way."
        raise StoreUnavailable(STORE, message, FailureKind.MALFORMED) from error


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
        return StoreUnavailable(STORE, f"ClickHouse cannot serve the statement: {said}", _kind(error))
    message = f"ClickHouse refused the statement: {said}"
    if code == _ACCESS_DENIED:
        return AccessDenied(STORE, message)
    if code in _MISMATCH_CODES:
        return SchemaMismatch(STORE, message, may_be_of_value=code in _MISMATCH_OR_VALUE_CODES)
    return StatementFailed(STORE, message)


def _kind(error: Exception) -> FailureKind:
    code = error.code if isinstance(error, exceptions.Error) else None
    if code in _BUSY_CODES:
        return FailureKind.BUSY
    is_network = isinstance(error, OSError | aiohttp.ClientError | exceptions.OperationalError) or code is not None
    return FailureKind.UNREACHABLE if is_network else FailureKind.MALFORMED
