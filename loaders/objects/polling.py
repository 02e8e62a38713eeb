"""Changes that a database does not announce: tables that one process looks through, by a column that grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from loaders.cache.change_source import KeepChange
from loaders.cache.invalidation import Change
from loaders.model.change_feeds import Polls
from loaders.model.names import column_names
from loaders.objects.poll_window import PollWindow
from loaders.objects.polled_column import PolledType
from loaders.objects.polled_table import MAX_ROWS, PolledStore, PolledTable
from loaders.objects.table_changes import TableChanges, merged
from loaders.stores.errors import StoreError, StoreTimeout

_RETRY_S = 1.0
_SHARE_OF_TIME = 0.8
"""Share of the time after which a source counts as lost that a poll may take. It fails before that, and its error names
the table that took too long."""


class TablePoll:
    """Polls of one table in one process, from the greatest value that is there at the start."""

    def __init__(self, table: PolledTable, column: PolledType, window: PollWindow, every_s: float) -> None:
        self.table = table
        self._column = column
        self._window = window
        self._every_s = every_s
        self._next_at = time.monotonic() + every_s
        self.failure: StoreError | None = None
        """Why the last poll failed; None where it did not."""

    @classmethod
    async def start(cls, table: PolledTable, every_s: float) -> TablePoll:
        """Read the column's type and greatest value. Raises StatementFailed where it cannot be polled by."""
        column = await table.type()
        began_s = time.monotonic()
        return cls(table, column, PollWindow(await table.newest(column), began_s), every_s)

    @property
    def next_s(self) -> float:
        """Seconds until the next poll is due; 0 where it is."""
        return max(self._next_at - time.monotonic(), 0.0)

    async def poll(self) -> Change:
        """Return what has changed since the last poll; an empty change where nothing has. Raises StoreError."""
        now_s = time.monotonic()
        rows = await self.table.rows(self._column, self._window.after)
        newest = await self.table.newest(self._column) if len(rows) > MAX_ROWS else None
        self._next_at, self.failure = now_s + self._every_s, None
        if len(rows) > MAX_ROWS:
            self._window.forget(newest, now_s)
            return self.table.changes.whole()
        changed = self._window.changed(rows, now_s)
        return self.table.changes.whole() if self._window.is_settling(now_s) else self.table.change(changed)

    def postpone(self, failure: StoreError) -> None:
        """Note that a poll failed, and try again soon: until it succeeds, it is unknown what has changed."""
        self.failure = failure
        self._next_at = time.monotonic() + min(self._every_s, _RETRY_S)


@dataclass(frozen=True, slots=True)
class PollingSession:
    """Polls of tables of one database, each when it is due."""

    polls: Sequence[TablePoll]
    keep: KeepChange
    within_s: float
    is_lost: bool = False

    @property
    def next_s(self) -> float:
        """Seconds until the next poll is due."""
        return min(poll.next_s for poll in self.polls)

    async def prove(self) -> None:
        """Poll the tables that are due, one after the other, and keep what has changed.

        Raises StoreError while the last poll of any table has failed.
        """
        for poll in self.polls:
            if poll.next_s > 0:
                continue
            try:
                async with _time_limit(poll.table, self.within_s):
                    change = await poll.poll()
            except StoreError as error:
                poll.postpone(error)
            else:
                if change != Change():
                    self.keep(change)
        failures = [poll.failure for poll in self.polls if poll.failure is not None]
        if failures:
            raise failures[0]

    async def keep_alive(self) -> None:
        """Do nothing: each poll takes a connection of the pool."""


@dataclass(frozen=True, slots=True)
class PollingSource:
    """Tables of one database that say polls(…). They are only read, with one statement for each poll."""

    tables: Sequence[TableChanges]
    database: PolledStore
    subject: str
    store: str

    @property
    def whole(self) -> Change:
        """The change of every row of the tables."""
        return merged(each.whole() for each in self.tables)

    @property
    def lost_reason(self) -> str:
        """The sentence for changes that get lost, which a poll never finds."""
        return f"Changes of {self.subject} get lost."

    @asynccontextmanager
    async def listen(self, keep: KeepChange, lost_after_s: float) -> AsyncIterator[PollingSession]:
        """Poll within the block, from the greatest values that are there when it begins."""
        polls = []
        for each in self.tables:
            feed = each.table.options.changes
            if isinstance(feed, Polls):
                (column,) = column_names(feed.column)
                table = PolledTable(each, column, self.database)
                async with _time_limit(table, lost_after_s):
                    polls.append(await TablePoll.start(table, feed.every_s))
        yield PollingSession(polls, keep, _SHARE_OF_TIME * lost_after_s)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self.database.ping()


@asynccontextmanager
async def _time_limit(table: PolledTable, within_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError as error:
        message = (
            f"{table.name} could not be polled by {table.column} within {within_s:g} s: it needs an index on that."
        )
        raise StoreTimeout(table.store_name, message) from error
