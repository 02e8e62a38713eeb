"""Runs queries on the engine, in the calling thread."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.embedded.clickhouse_http import statement
from deploy.embedded.clickhouse_http.connections import Connection, Connections, literal
from deploy.embedded.clickhouse_http.errors import (
    INTO_OUTFILE_NOT_ALLOWED,
    QUERY_WAS_CANCELLED,
    READONLY,
    ClickHouseError,
    EngineError,
    syntax_error,
)
from deploy.embedded.clickhouse_http.query import Query

APPEND_BYTES: Final = 1 << 20  # the engine copies what it is given: a piece at a time, not the whole body
_ALLOWED_IN_READONLY: Final = re.compile(rb"\s*(?:set|use|kill|create\s+temporary)\b", re.IGNORECASE)
_READS: Final = re.compile(rb"\s*(?:select|with|\()", re.IGNORECASE)
# The engine's classes of statements, in its order of restriction.
_READ_ONLY, _CONTROL = 0, 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A query's result; `format` is None where the statement answers nothing."""

    body: bytes
    format: str | None
    summary: str


class Job:
    """A query on its way: it can be cancelled before it runs and while it runs."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.cancelled = threading.Event()


class Engine:
    """One engine on one directory, with a default database that is created when absent.

    `run` may be called from any number of threads at once.
    """

    def __init__(self, directory: Path, database: str, max_idle: int) -> None:
        self._connections = Connections(directory, database, max_idle)
        self.timezone = self._value("select timezone()")
        self.version = self._value("select version()")

    def run(self, job: Job) -> Answer:
        """Run a query to its end; raises ClickHouseError."""
        if job.cancelled.is_set():
            raise ClickHouseError(QUERY_WAS_CANCELLED, "QUERY_WAS_CANCELLED", "Query was cancelled.")
        with self._connections.connection(job.query) as connection:
            insert = statement.parse_insert(job.query.text)
            try:
                return _insert(connection, job.query, insert) if insert else _query(connection, job.query)
            except RuntimeError as error:
                raise EngineError(error, statement.marker(job.query.query_id).decode()) from error

    def cancel(self, job: Job) -> None:
        """End a query of this engine, running or not; returns without waiting for it."""
        job.cancelled.set()
        if statement.marker(job.query.query_id):
            self._value(statement.kill_statement(job.query.query_id).decode())

    def cancel_all(self) -> None:
        """End every query that runs, and wait until they have ended."""
        self._value("kill query where 1 sync")

    def close(self) -> None:
        """Close the engine; no query may be running."""
        self._connections.close()

    def _value(self, sql: str) -> str:
        with self._connections.connection(Query(b"", "")) as connection:
            return str(connection.raw.query(sql, "TabSeparated").bytes().decode().rstrip("\n"))


def _query(connection: Connection, query: Query) -> Answer:
    text = statement.without_end(query.text)
    kind = _classify(connection, query, text)
    connection.reusable = kind < _CONTROL
    out = statement.output_format(text, query.default_format)
    if kind == _CONTROL and statement.is_kill(text):
        text = statement.kill_by_marker(text)
    text += statement.marker(query.query_id)
    result = connection.raw.query(text, query.default_format, params=query.parameters)
    body = result.bytes()
    return Answer(body, out if body or kind == _READ_ONLY else None, _summary(result, int(result.rows_written())))


def _classify(connection: Connection, query: Query, text: bytes) -> int:
    """Return the kind of the statement. Raises ClickHouseError for none, several, and those not allowed here."""
    if not text:
        raise syntax_error("Empty query")
    matches = connection.raw.classify_query(text)
    kind = int(matches["query_class"])
    if matches["statement_count"] > 1:
        raise syntax_error("Multi-statements are not allowed")
    if query.readonly and kind != _READ_ONLY and matches["statement_count"] and not _ALLOWED_IN_READONLY.match(text):
        raise ClickHouseError(READONLY, "READONLY", "Cannot execute query in readonly mode.")
    if kind == _CONTROL and _READS.match(text):
        raise ClickHouseError(INTO_OUTFILE_NOT_ALLOWED, "INTO_OUTFILE_NOT_ALLOWED", "INTO OUTFILE is not allowed.")
    return kind


def _insert(connection: Connection, query: Query, insert: statement.Insert) -> Answer:
    if query.readonly:
        raise ClickHouseError(READONLY, "READONLY", "Cannot execute query in readonly mode.")
    if query.parameters:  # an insert's stream takes none, so they become the connection's
        connection.reusable = False
        connection.execute("set " + ", ".join(f"param_{name} = {literal(v)}" for name, v in query.parameters.items()))
    raw = connection.raw
    stream = raw.send_insert(insert.head, insert.format)
    try:
        for start in range(0, len(insert.data), APPEND_BYTES):
            raw.insert_append(stream, bytes(insert.data[start : start + APPEND_BYTES]))
    except BaseException:
        connection.reusable = False
        raise
    result = raw.insert_done(stream)
    return Answer(b"", None, _summary(result, int(result.rows_written())))


def _summary(result: Any, written: int) -> str:
    """X-ClickHouse-Summary: what the query read, wrote and answered, every number as a string."""
    read = (result.storage_rows_read(), result.storage_bytes_read())
    fields = {
        "read_rows": read[0] or written,
        "read_bytes": read[1] or result.bytes_written(),
        "written_rows": written,
        "written_bytes": result.bytes_written(),
        "total_rows_to_read": read[0],
        "result_rows": written or result.rows_read(),
        "result_bytes": result.bytes_written() or result.bytes_read(),
        "elapsed_ns": int(result.elapsed() * 1e9),
    }
    return json.dumps({name: str(value) for name, value in fields.items()}, separators=(",", ":"))
