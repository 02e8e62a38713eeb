"""Connections to the engine: a pool for queries on their own, and one for each session."""

from __future__ import annotations

import importlib
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.embedded.clickhouse_http.errors import (
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    UNKNOWN_SETTING,
    ClickHouseError,
    EngineError,
)
from deploy.embedded.clickhouse_http.query import Query, Session

# Each session keeps a connection and its temporary tables: without a bound, clients that come and go fill memory.
MAX_SESSIONS: Final = 256
_SETTING_NAME: Final = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "'": "\\'", "`": "\\`", "\n": "\\n", "\t": "\\t", "\0": "\\0"})


def literal(text: str) -> str:
    """`text` as a string literal of ClickHouse's SQL."""
    return f"'{text.translate(_ESCAPES)}'"


@dataclass(slots=True)
class Connection:
    """A connection and the state that requests gave it; `reusable` turns false when a query may have changed more."""

    raw: Any
    database: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    reusable: bool = True
    expires_at: float = math.inf  # of a session; it has no end while a query uses it

    def execute(self, sql: str) -> None:
        """Run a statement that answers nothing; raises ClickHouseError."""
        try:
            self.raw.query(sql, "Null")
        except RuntimeError as error:
            raise EngineError(error) from error

    def move_to(self, database: str, settings: dict[str, str]) -> None:
        """Give the connection this database and exactly these settings; raises ClickHouseError."""
        if database and database != self.database:
            self.execute(f"use `{database.translate(_ESCAPES)}`")
            self.database = database
        if settings != self.settings:
            try:
                self._change(settings)
            except ClickHouseError:
                self._forget({**self.settings, **settings})
                raise
            self.settings = settings

    def _change(self, settings: dict[str, str]) -> None:
        gone = [f"{name} = default" for name in self.settings if name not in settings]
        new = {name: value for name, value in settings.items() if self.settings.get(name) != value}
        changes = [f"{_checked(name)} = {literal(value)}" for name, value in new.items()]
        for part in (gone, changes):
            if part:
                self.execute(f"set {', '.join(part)}")

    def _forget(self, settings: dict[str, str]) -> None:
        """Back to the defaults after a change that failed half-way."""
        self.settings = {}
        for name in filter(_SETTING_NAME.fullmatch, settings):
            with suppress(ClickHouseError):
                self.execute(f"set {name} = default")


def _checked(name: str) -> str:
    if not _SETTING_NAME.fullmatch(name):
        raise ClickHouseError(UNKNOWN_SETTING, "UNKNOWN_SETTING", f"Unknown setting '{name}'.")
    return name


class Connections:
    """Hands out connections, each to one query at a time; every method may be called from any thread.

    Opening one is cheap (0.1 ms), so the pool keeps no more than `max_idle` and prefers one that already has the
    query's database and settings: most queries then need no statement but their own.
    """

    def __init__(self, directory: Path, database: str, max_idle: int) -> None:
        engine: Any = importlib.import_module("chdb._chdb")  # here, since importing it starts an engine (0.1 s)
        engine.set_signal_handlers_enabled(0)  # signals are the server's, not the engine's
        engine.reset_signal_handlers()
        self._open_raw: Callable[[], Any] = lambda: engine.connect(str(directory))
        self._root = Connection(self._open_raw())  # the engine lives while it has a connection
        self._root.execute(f"create database if not exists `{database}`")
        self._database = database
        self._max_idle = max_idle
        self._idle: list[Connection] = []
        self._sessions: dict[str, Connection] = {}
        self._lock = threading.Lock()

    @contextmanager
    def connection(self, query: Query) -> Iterator[Connection]:
        """A connection in the query's state; raises ClickHouseError."""
        connection = self._of_session(query.session) if query.session else self._pooled(query)
        kept = False
        try:
            # A session stays where its last USE left it.
            connection.move_to(query.database or ("" if query.session else self._database), query.settings)
            yield connection
            kept = connection.reusable
        finally:
            if query.session:
                self._release_session(connection, query.session)
            else:
                self._release(connection, kept)

    def close(self) -> None:
        """Close every connection, and with the last one the engine; no query may be running."""
        with self._lock:
            for connection in (*self._idle, *self._sessions.values()):
                connection.raw.close()
            self._idle.clear()
            self._sessions.clear()
            self._root.raw.close()

    def _pooled(self, query: Query) -> Connection:
        with self._lock:
            for index in reversed(range(len(self._idle))):
                result = self._idle[index]
                if result.settings == query.settings and result.database == (query.database or self._database):
                    return self._idle.pop(index)
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _open(self) -> Connection:
        connection = Connection(self._open_raw())
        connection.move_to(self._database, {})
        return connection

    def _release(self, connection: Connection, kept: bool) -> None:
        with self._lock:
            if kept and len(self._idle) < self._max_idle:
                self._idle.append(connection)
                return
        connection.raw.close()

    def _of_session(self, session: Session) -> Connection:
        with self._lock:
            self._expire_sessions()
            connection = self._sessions.get(session.id)
            if connection is None:
                connection = self._sessions[session.id] = self._new_session(session)
            elif connection.expires_at == math.inf:
                message = f"Session {session.id} is locked by a concurrent client."
                raise ClickHouseError(SESSION_IS_LOCKED, "SESSION_IS_LOCKED", message)
            connection.expires_at = math.inf
            return connection

    def _new_session(self, session: Session) -> Connection:
        if session.must_exist:
            message = f"Session {session.id} not found."
            raise ClickHouseError(SESSION_NOT_FOUND, "SESSION_NOT_FOUND", message)
        if len(self._sessions) >= MAX_SESSIONS:
            self._close_session(min(self._sessions, key=lambda name: self._sessions[name].expires_at))
        return self._open()

    def _release_session(self, connection: Connection, session: Session) -> None:
        with self._lock:
            connection.expires_at = time.monotonic() + session.timeout_s
            if not connection.reusable:
                connection.database = ""  # it may have changed: the next query says it again
                connection.reusable = True

    def _expire_sessions(self) -> None:
        now = time.monotonic()
        for name in [name for name, connection in self._sessions.items() if connection.expires_at < now]:
            self._close_session(name)

    def _close_session(self, name: str) -> None:
        self._sessions.pop(name).raw.close()
