"""A self-test of LISTEN: a notification that the pool sends, as a trigger would, must arrive on a session."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress

from loaders.stores.errors import StatementFailed, StoreError, StoreUnavailable
from loaders.stores.postgres import STORE, Postgres
from loaders.stores.postgres_session import PostgresSession

CHANNEL = "gateway_echo"
"""The same for all processes, and not that of changes: a pooler's connection may be left listening to it."""
_WITHIN_S = 1.0
"""How long a notification may take. PostgreSQL sends it when its transaction commits, within milliseconds."""


class NotificationLostError(StoreError):
    """A session does not hear what the pool's database notifies."""


class Echo:
    """Notifications from the pool to one session, which sends nothing while it waits for them.

    An echo proves two things. The session is a connection of its own: a pooler passes nothing on to a client that only
    waits, and lends its connection to others. And all changes that were committed before the test have been heard,
    since PostgreSQL delivers notifications in the order of the commits.
    """

    def __init__(self, postgres: Postgres, session: PostgresSession) -> None:
        self._postgres = postgres
        self._session = session
        self._token = ""
        self._arrived = asyncio.Event()

    @classmethod
    async def start(cls, postgres: Postgres, session: PostgresSession) -> Echo:
        """Listen, and pass the first test. Raises NotificationLostError, and leaves a pooler's connection clean."""
        echo = cls(postgres, session)
        await session.listen(CHANNEL, echo._hear)
        try:
            await echo.prove()
        except NotificationLostError:
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(_WITHIN_S):
                    await session.execute(f"unlisten {CHANNEL}")  # most poolers lend the connection used last
            raise
        return echo

    async def prove(self) -> None:
        """Return when a notification has arrived. Raises NotificationLostError, or like `Postgres.rows`."""
        self._token = secrets.token_hex(8)
        self._arrived.clear()
        try:
            await self._postgres.execute("select pg_notify($1, $2)", CHANNEL, self._token)
        except StatementFailed as error:  # a server that only reads
            raise NotificationLostError(STORE, f"PostgreSQL cannot notify: {error}") from error
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._arrived.wait()
        except TimeoutError as error:
            if self._session.is_closed:
                raise StoreUnavailable(STORE, "The connection to PostgreSQL that listens was closed.") from error
            message = (
                f"A notification did not arrive within {_WITHIN_S:g} s: the connection is a pooler's, leads to another"
                f" database or has fallen silent. Set {self._postgres.variables[1]} to PostgreSQL itself, past any"
                " pooler."
            )
            raise NotificationLostError(STORE, message) from error

    def _hear(self, token: str) -> None:
        if token == self._token:
            self._arrived.set()
