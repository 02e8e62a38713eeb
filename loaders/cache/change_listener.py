"""Listen to changes of a source, whoever makes them, and invalidate them in all caches.

One process listens, and invalidates what has changed. Changes are lost while no process listens, so a process that
starts to listen treats everything that the source tells of as changed.

The listening process tests each second that changes arrive, and shares the result with the others. While no process has
proven it, every process caches what the source tells of for a short time only (`ListenerHealth`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from loaders.cache.change_source import ChangeSession, ChangeSource
from loaders.cache.invalidation import RETRY_S, Change
from loaders.cache.listener_health import UNHEALTHY_AGE_S, ListenerHealth
from loaders.cache.listener_lease import LeaseState
from loaders.cache.pending_changes import PendingChanges
from loaders.concurrency import cancel_and_wait
from loaders.metrics import INVALIDATION_LAGS
from loaders.stores.echo import NotificationLostError
from loaders.stores.errors import StoreError

_GATHER_S = 0.005
"""How long changes are gathered before they are invalidated together; a transaction may announce several."""

_PROOF_S = 10.0
"""How long a passed test counts as proof, and how long the process that passed it has the lease. A process that died
delays an invalidation by three seconds, which must not look like a change that is not heard."""
_INVALIDATION_TIMEOUT_S = 5.0
_PING_S = 1.0

_log = logging.getLogger("gateway")


class _UnprovenError(StoreError):
    """Another process has the lease, and has not proven that it hears."""


class Lease(Protocol):
    """The lease that says which process of a group listens: see `ListenerLease`."""

    async def look(self) -> LeaseState:
        """Return whether this process may listen, and for how long it is proven that any process hears."""

    async def renew(self, lease_s: float, proof_s: float) -> bool:
        """Take or keep the lease, with how long the proof lasts. Return whether it is this process's."""

    async def end(self) -> None:
        """Leave the lease to others, and take the proof back."""


class ChangeListener:
    """Listens in one process, or checks that the process which holds the lease has proven that it hears.

    `invalidate` is that of an Invalidator, and `lease` is shared by the processes that it reaches. A change whose
    invalidation fails is kept and tried again.

    A session is tested before the lease is taken, and then every `pause_s`, or more often where the source says so, as
    often as anything that failed is tried again. A source that does not answer for `lost_after_s` counts as lost.
    """

    def __init__(
        self,
        source: ChangeSource,
        invalidate: Callable[[Change], Awaitable[None]],
        lease: Lease,
        listener_health: ListenerHealth,
        *,
        pause_s: float = 1.0,
        lost_after_s: float = 5.0,
    ) -> None:
        self._source = source
        self._lost = source.lost_reason
        self._unproven = f"No process has shown lately that it hears of changes in {source.subject}: the log says why."
        self._unheard = f"Changes of {source.subject} cannot be listened to, which is tried again"
        self._untold = f"Changes of {source.subject} cannot be made known, and are kept until they can"
        self._invalidate = invalidate
        self._lease = lease
        self._health = listener_health
        self._pause_s = pause_s
        self._lost_after_s = lost_after_s
        self._pending = PendingChanges(source.whole)
        self._any_pending = asyncio.Event()
        self._invalidated = asyncio.Event()
        self._pending_since: float | None = None
        """When the oldest of the pending changes was heard."""
        self._received_count = self._invalidated_count = 0
        """Number of changes that were received, and of those among them that have been invalidated."""
        self._failing: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._patient_until = 0.0
        self._settled = asyncio.Event()

    def start(self) -> None:
        """Start without waiting for any store; one that is away is tried again until it is there."""
        self._stopping = False
        self._patient_until = time.monotonic() + 5 * self._pause_s
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._invalidate_pending())]

    async def settle(self, within_s: float) -> None:
        """Wait until it is known whether changes are heard, or until the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._settled.wait()

    async def stop(self) -> None:
        """End the connection and the lease. Pending changes are dropped: the next listener invalidates all."""
        self._stopping = True
        await cancel_and_wait(self._tasks)
        self._tasks.clear()

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._look_or_listen()
            except Exception as error:  # whatever it is, nothing would be heard of any change for good
                await self._handle_failure(error)
            begins = not self._health.is_healthy and time.monotonic() < self._patient_until
            await asyncio.sleep(self._pause_s / 10 if begins else self._pause_s)

    async def _look_or_listen(self) -> None:
        looked_at = time.monotonic()
        state = await self._lease.look()
        if state.proof_s > 0:
            self._health.mark_healthy(looked_at + state.proof_s)
        if state.is_free:
            async with self._source.listen(self._keep, self._lost_after_s) as session:
                await self._listen_on(session)
        elif state.proof_s > 0:
            self._report_healthy()
        else:
            raise _UnprovenError(self._source.store, "the process that listens has not proven that it hears")

    async def _listen_on(self, session: ChangeSession) -> None:
        """Return when another process has the lease; raise when nothing is heard or the session is lost."""
        if not await self._lease.renew(_PROOF_S, 0):
            return
        self._keep(self._source.whole)  # after it listens: between the two, a change would be in neither
        _log.info("This process listens to changes of %s.", self._source.subject)
        try:
            while True:
                if not await self._prove(session):
                    return
                await session.keep_alive()
                await asyncio.sleep(min(self._pause_s, session.next_s))
        finally:
            with suppress(StoreError, TimeoutError):  # then it ends by itself
                async with asyncio.timeout(_PING_S):
                    await self._lease.end()

    async def _prove(self, session: ChangeSession) -> bool:
        """Prove that all changes so far were heard and invalidated. Return whether this process still has the lease."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._lost_after_s):
                await session.prove()
            await self._until_invalidated()
            if not await self._lease.renew(_PROOF_S, max(began + _PROOF_S - time.monotonic(), 0.001)):
                return False
        except NotificationLostError:
            raise
        except (StoreError, TimeoutError) as error:  # nothing is proven, and nothing is missed: it goes on listening
            if session.is_lost:
                raise
            await self._handle_failure(error)
        else:
            self._health.mark_healthy(began + _PROOF_S)
            self._report_healthy()
        return True

    async def _until_invalidated(self) -> None:
        """Return when all changes received so far have been invalidated. Raises TimeoutError."""
        count = self._received_count
        async with asyncio.timeout(_INVALIDATION_TIMEOUT_S):
            while self._invalidated_count < count:
                self._invalidated.clear()
                await self._invalidated.wait()

    def _report_healthy(self) -> None:
        self._settled.set()
        if self._failing & {self._lost, self._unproven}:
            _log.warning("Changes of %s are heard again.", self._source.subject)
        self._failing -= {self._unheard, self._lost, self._unproven}

    def _report_unhealthy(self, reason: str, error: Exception) -> None:
        self._health.mark_unhealthy(reason)
        self._settled.set()
        if reason not in self._failing:
            self._failing.add(reason)
            _log.error(
                "Changes of %s are not heard; what is read there is cached for %d s only: %s",
                self._source.subject,
                UNHEALTHY_AGE_S,
                error,
            )

    async def _handle_failure(self, error: Exception) -> None:
        """Count changes as unheard: at once where notifications get lost, else when the last proof ends.

        While the database does not answer, it is unknown, and what was proven goes on holding.
        """
        if not isinstance(
            error, NotificationLostError | _UnprovenError
        ):  # whoever listens may be beginning: it is looked at again
            self._settled.set()
            self._fail(self._unheard, error)
        if not await self._database_answers():
            self._health.extend(time.monotonic() + _PROOF_S + self._lost_after_s)
        elif isinstance(error, NotificationLostError):
            self._report_unhealthy(self._lost, error)
        elif not self._health.is_healthy and time.monotonic() > self._patient_until:
            self._report_unhealthy(self._unproven, error)

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(_PING_S):
                await self._source.ping()
        except (StoreError, TimeoutError):
            return False
        return True

    def _keep(self, change: Change) -> None:
        self._pending.add(change)
        self._pending_since = self._pending_since or time.monotonic()
        self._received_count += 1
        self._any_pending.set()

    async def _invalidate_pending(self) -> None:
        while not self._stopping:
            await self._any_pending.wait()
            await asyncio.sleep(_GATHER_S)
            self._any_pending.clear()
            change, count = self._pending.take(), self._received_count
            since, self._pending_since = self._pending_since, None
            try:
                await self._invalidate(change)
            except Exception as error:  # whatever it is, what has changed must not be forgotten
                self._keep(change)
                self._pending_since = since
                self._fail(self._untold, error)
                await asyncio.sleep(RETRY_S)
            else:
                self._failing.discard(self._untold)
                if since is not None:
                    INVALIDATION_LAGS.observe(time.monotonic() - since)
                self._invalidated_count = count
                self._invalidated.set()

    def _fail(self, what: str, error: Exception) -> None:
        """Log a failure once, until it succeeds again."""
        if what not in self._failing:
            self._failing.add(what)
            _log.warning("%s: %s", what, str(error)[:500] or type(error).__name__)
