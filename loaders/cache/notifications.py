"""Changes that PostgreSQL announces on channels, by triggers that are its owner's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from loaders.cache.change_source import KeepChange
from loaders.cache.invalidation import Change
from loaders.stores.echo import Echo, NotificationLostError
from loaders.stores.postgres import STORE, Postgres
from loaders.stores.postgres_session import PostgresSession

_PING_S = 1.0
_PROVE_S = 1.0


@dataclass(frozen=True, slots=True)
class NotificationSession:
    """A connection of its own that listens to the channels, and the test that it hears."""

    session: PostgresSession
    echo: Echo

    @property
    def is_lost(self) -> bool:
        """Whether the connection is closed."""
        return self.session.is_closed

    @property
    def next_s(self) -> float:
        """Seconds until it has to be proven again at the latest."""
        return _PROVE_S

    async def prove(self) -> None:
        """Return when all changes that were committed so far have been kept."""
        await self.echo.prove()

    async def keep_alive(self) -> None:
        """Keep the session in use. Raises NotificationLostError where the connection has fallen silent."""
        try:
            async with asyncio.timeout(_PING_S):
                await self.session.rows("select 1")
        except TimeoutError as error:
            message = f"The connection to PostgreSQL that listens did not answer within {_PING_S:g} s."
            raise NotificationLostError(STORE, message) from error


@dataclass(frozen=True, slots=True)
class NotificationSource:
    """Channels of one database, each with the function that reads its messages.

    Listening takes a connection beside the pool, to the primary itself, which an echo tests before anything else.
    """

    postgres: Postgres
    channels: Mapping[str, Callable[[str], Change]]
    whole: Change
    subject: str
    store: str = STORE

    @property
    def lost_reason(self) -> str:
        """The settings to look at, in a sentence that may be public."""
        url, direct_url = self.postgres.variables
        return (
            f"Notifications of PostgreSQL do not come back: {url} and {direct_url} must lead to the same primary,"
            " the latter past any pooler."
        )

    @asynccontextmanager
    async def listen(self, keep: KeepChange, lost_after_s: float) -> AsyncIterator[NotificationSession]:
        """Listen within the block, and keep each change as soon as it is committed."""
        async with self.postgres.session(lost_after_s=lost_after_s) as session:
            echo = await Echo.start(self.postgres, session)
            # Only now it is certain that the connection is no pooler's, which would lend it to others as it is left.
            await session.end_after_silence(lost_after_s)
            for channel, read in self.channels.items():
                await session.listen(channel, partial(_keep_read, read, keep))
            yield NotificationSession(session, echo)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self.postgres.ping()


def _keep_read(read: Callable[[str], Change], keep: KeepChange, message: str) -> None:
    change = read(message)
    if change != Change():
        keep(change)
