"""The interface between a process that listens to changes and the source that they come from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from loaders.cache.invalidation import Change

KeepChange = Callable[[Change], None]


class ChangeSession(Protocol):
    """Listening to one source, in one process."""

    @property
    def is_lost(self) -> bool:
        """Whether nothing more will be heard, as far as is known without asking."""
        ...

    @property
    def next_s(self) -> float:
        """Seconds until it has to be proven again at the latest."""
        ...

    async def prove(self) -> None:
        """Return when everything that this source promises to have told by now has been kept.

        Raises NotificationLostError where changes get lost, or StoreError where it is unknown.
        """
        ...

    async def keep_alive(self) -> None:
        """Keep the session in use. Raises NotificationLostError where it has fallen silent."""
        ...


class ChangeSource(Protocol):
    """A source that tells of changes of some tables.

    `subject` is what messages call the tables, `store` the kind of their database, and `whole` the change that stands
    for every row of them. `lost_reason` says publicly what is wrong where changes get lost.
    """

    @property
    def subject(self) -> str: ...
    @property
    def store(self) -> str: ...
    @property
    def whole(self) -> Change: ...
    @property
    def lost_reason(self) -> str: ...

    def listen(self, keep: KeepChange, lost_after_s: float) -> AbstractAsyncContextManager[ChangeSession]:
        """Listen within the block: no change is missed that is committed in it, and each is given to `keep`.

        Raises like `ChangeSession.prove`.
        """
        ...

    async def ping(self) -> None:
        """Return when the database answers. Raises StoreError."""
        ...
