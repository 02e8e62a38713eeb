"""The history of checks in a file: for each day, how long a check passed and failed, and how long nobody knows.

A result stands for the time since the one before it. Where results were missed, since the probe or its machine was
down, the whole gap is unknown, which is neither up nor down.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from loaders.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

DAYS = 90
"""Days that are kept and shown, today among them."""
DAY_S = 86_400.0
ON_TIME = 1.5
"""A result is on time up to so many intervals after the one before it: none was missed then."""
_VERSION = 1
_TABLES = """
create table if not exists days (
    name text not null,
    day text not null,
    up_s real not null default 0,
    down_s real not null default 0,
    passed integer not null default 0,
    failed integer not null default 0,
    duration_s real not null default 0,
    primary key (name, day)
) strict, without rowid;
create table if not exists latest (
    name text primary key,
    started_at real not null,
    outcome text not null
) strict, without rowid;
"""


_ADD_TIME = """
insert into days (name, day, up_s, down_s) values (?, ?, ?, ?)
on conflict do update set up_s = up_s + excluded.up_s, down_s = down_s + excluded.down_s
"""
_ADD_RUN = """
insert into days (name, day, passed, failed, duration_s) values (?, ?, ?, ?, ?)
on conflict do update set
    passed = passed + excluded.passed, failed = failed + excluded.failed, duration_s = duration_s + excluded.duration_s
"""
_SET_LATEST = """
insert into latest (name, started_at, outcome) values (?, ?, ?)
on conflict do update set started_at = excluded.started_at, outcome = excluded.outcome
"""
_DAYS = "select day, up_s, down_s, passed, failed, duration_s from days where name = ? and day >= ?"

_Answer = TypeVar("_Answer")


class HistoryError(GatewayError):
    """The file of the history cannot be used. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run of a check: when it started (seconds since 1970), its outcome, and how long it took in seconds."""

    name: str
    every_s: float
    started_at: float
    outcome: str
    is_ok: bool
    duration_s: float


@dataclass(frozen=True, slots=True)
class Day:
    """The results of a check on one day of UTC; `length_s` is how much of the day has passed, in seconds."""

    day: date
    length_s: float
    up_s: float = 0.0
    down_s: float = 0.0
    passed: int = 0
    failed: int = 0
    duration_s: float = 0.0

    @property
    def unknown_s(self) -> float:
        """Seconds of which nothing is known."""
        return max(0.0, self.length_s - self.up_s - self.down_s)


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest result of a check: when it started, in seconds since 1970, and its outcome."""

    started_at: float
    outcome: str


class History:
    """Keeps results in a file of SQLite, which one probe uses at a time; close it in the end.

    It is bounded: a row for each check and day of the last 90. Statements run in a thread, so that a slow disk does not
    keep other checks from starting.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, and make it where it is missing. Raises HistoryError."""
        self._lock = asyncio.Lock()
        with ExitStack() as opened:
            try:
                self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
                opened.callback(self._database.close)
                self._prepare(path)
            except sqlite3.Error as error:
                raise HistoryError(f"The history {path} cannot be used ({error}): {_remedy(error)}") from error
            opened.pop_all()

    def _prepare(self, path: Path) -> None:
        """Make the tables where they are missing."""
        self._database.execute("pragma locking_mode = exclusive")  # two probes would count each second twice
        with self._transaction() as execute:
            self._require_version(path)
            for statement in _TABLES.split(";"):
                execute(statement)
            execute(f"pragma user_version = {_VERSION}")

    def _require_version(self, path: Path) -> None:
        (version,) = self._database.execute("pragma user_version").fetchone()
        if version not in (0, _VERSION):
            raise HistoryError(f"The history {path} is of another release: name another file with --history.")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    async def add(self, result: Result) -> None:
        """Add a result, and drop what is older than is kept. Raises HistoryError."""
        await self._call(lambda: self._add(result))

    async def days(self, name: str, now: datetime) -> list[Day]:
        """Return the last 90 days of a check, the oldest first; one without results is all unknown."""
        return await self._call(lambda: self._days(name, now))

    async def latest(self) -> Mapping[str, Latest]:
        """Return the latest result of each check, by its name."""
        rows = await self._call(
            lambda: self._database.execute("select name, started_at, outcome from latest").fetchall()
        )
        return {name: Latest(started_at, outcome) for name, started_at, outcome in rows}

    async def _call(self, function: Callable[[], _Answer]) -> _Answer:
        async with self._lock:
            try:
                return await asyncio.to_thread(function)
            except sqlite3.Error as error:
                raise HistoryError(f"The history cannot be used ({error}): {_remedy(error)}") from error

    def _add(self, result: Result) -> None:
        with self._transaction() as execute:
            row = execute("select started_at from latest where name = ?", (result.name,)).fetchone()
            for day, length_s in _by_day(_covered_from(result, row and row[0]), result.started_at):
                up_s, down_s = (length_s, 0.0) if result.is_ok else (0.0, length_s)
                execute(_ADD_TIME, (result.name, day.isoformat(), up_s, down_s))
            today = _day(result.started_at)
            passed, duration_s = (1, result.duration_s) if result.is_ok else (0, 0.0)
            execute(_ADD_RUN, (result.name, today.isoformat(), passed, 1 - passed, duration_s))
            execute(_SET_LATEST, (result.name, result.started_at, result.outcome))
            execute("delete from days where day < ?", ((today - timedelta(days=DAYS - 1)).isoformat(),))
            execute("delete from latest where started_at < ?", (result.started_at - DAYS * DAY_S,))

    def _days(self, name: str, now: datetime) -> list[Day]:
        today = now.astimezone(UTC).date()
        rows = self._database.execute(_DAYS, (name, (today - timedelta(days=DAYS - 1)).isoformat())).fetchall()
        known = {date.fromisoformat(day): values for day, *values in rows}
        passed_s = now.timestamp() - _midnight(today)
        days = (today - timedelta(days=DAYS - 1 - index) for index in range(DAYS))
        return [Day(day, passed_s if day == today else DAY_S, *known.get(day, ())) for day in days]

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """Yield what executes statements, all of which are kept, or none where one fails."""
        execute = self._database.execute
        execute("begin immediate")
        try:
            yield execute
            execute("commit")
        except BaseException:
            if self._database.in_transaction:
                execute("rollback")
            raise


def _covered_from(result: Result, before: float | None) -> float:
    """Return since when a result stands for a check: since the one before, unless there is none or some were missed."""
    if before is None or not 0 <= result.started_at - before <= ON_TIME * result.every_s:  # below 0: a clock set back
        return result.started_at
    return before


def _by_day(start: float, end: float) -> Iterator[tuple[date, float]]:
    """Yield each day of UTC between two times, with how many seconds of it lie between them."""
    while start < end:
        day = _day(start)
        until = min(end, _midnight(day) + DAY_S)
        yield day, until - start
        start = until


def _day(seconds: float) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _remedy(error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return "another probe uses it, so name another file with --history."
    return "make sure that the disk has room and that its folder can be written to, or name another file."
