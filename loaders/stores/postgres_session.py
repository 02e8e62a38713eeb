"""A connection to PostgreSQL of its own, for what lasts longer than a statement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import asyncpg

from loaders.stores.postgres_errors import translated


class PostgresSession:
    """One connection, for one task, on which locks and transactions last. Raises like Postgres."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    @property
    def is_closed(self) -> bool:
        """Whether the server or the network has ended the connection, as far as is known without asking."""
        return self._connection.is_closed()

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement; its rows in the statement's order, `[]` where none."""
        with translated():
            return await self._connection.fetch(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> str:
        """Run one statement for its effect. Returns the server's tag, such as `INSERT 0 1`."""
        with translated():
            return await self._connection.execute(sql, *arguments)

    async def execute_script(self, sql: str) -> None:
        """Run several statements, separated by semicolons: all or none of them, unless a transaction is open."""
        with translated():
            await self._connection.execute(sql)

    async def end_after_silence(self, silence_s: float) -> None:
        """Have the server end this session when it sends nothing for so long. Only for a connection of one's own."""
        await self.execute(f"set idle_session_timeout = {round(silence_s * 1000)}")

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Listen to the channel: call `heard` with each message, in commit order.

        A connection that is lost says nothing of it here: only the next statement does.
        """

        def hear(_connection: object, _process: int, _channel: str, message: object) -> None:
            heard(str(message))

        with translated():
            await self._connection.add_listener(channel, hear)

    async def copy_records(self, table: str, column_names: Sequence[str], records: Iterable[Sequence[object]]) -> None:
        """Append rows to a table with one COPY. Each record holds its values in the order of the names."""
        with translated():
            await self._connection.copy_records_to_table(table, columns=list(column_names), records=records)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Commit at the end of the block, or roll back what it did where it raised."""
        transaction = self._connection.transaction()
        with translated():
            await transaction.start()
        try:
            yield
        except BaseException:
            if not self._connection.is_closed():  # else the server has rolled back already
                with translated():
                    await transaction.rollback()
            raise
        with translated():
            await transaction.commit()
