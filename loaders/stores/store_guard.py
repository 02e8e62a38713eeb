"""Watch the statements of one database, and keep them away from it while it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import TYPE_CHECKING

from loaders.concurrency import cancel_and_wait, is_cancelled
from loaders.deadline import seconds_left
from loaders.stores.circuit_breaker import CircuitBreaker
from loaders.stores.errors import FailureKind, StatementFailed, StoreError, StoreTimeout, StoreUnavailable

if TYPE_CHECKING:
    from loaders.metrics import StoreMetrics
    from loaders.stores.circuit_breaker import Outage

_SILENCE_S = 1.0
"""How long statements may be without an answer before the store is suspected of being away."""
_PROBE_TIMEOUT_S = 1.0
"""How long the store may take to answer a probe."""
_LATE_PROBES = 2
"""Probes in a row that have to be late, with no statement answered meanwhile, for the store to be away: a busy one may
take longer than a second to accept a connection."""
_MAX_LAG_S = 0.25
"""How much later than its time a timer may be before this process is too busy to judge a store by the clock."""
_PROBES_IN_LAG = 5
"""Probes in a row that this process may be too busy for. After them, the store is away all the same."""
_REFUSED_WITHIN_S = 0.3
"""How long a busy server may take to refuse a statement: it executes those that are under way for longer."""
_EMPTY = Context()
"""The context of timers, so that none keeps a request alive."""


class StoreGuard:
    """The circuit breaker of a database, and a watchdog over its statements.

    A statement that fails, and a second in which none is answered, are a suspicion. Then `probe` asks the store on a
    new connection. Where this fails, the breaker opens: `drop` closes the store's connections, statements under way
    raise StoreUnavailable, and others do so at once. Slow statements alone never open it, since the probe is answered.

    `probe` is called with whether the store was away. Only then does it use new connections, and maybe another host.
    """

    def __init__(
        self,
        metrics: StoreMetrics,
        name: str,
        *,
        probe: Callable[[bool], Awaitable[object]],
        drop: Callable[[], None],
    ) -> None:
        self._metrics = metrics
        self._store = metrics.store
        self._name = name
        self._probe = probe
        self._drop = drop
        self._breaker = CircuitBreaker(lambda: probe(True), _PROBE_TIMEOUT_S, name=name)
        self._under_way: set[asyncio.Timeout] = set()
        self._unanswered_since: float | None = None
        self._answered_at = -_SILENCE_S
        self._watch: asyncio.TimerHandle | None = None
        self._check: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def outage(self) -> Outage | None:
        """Why the store is away; None while it is not."""
        return self._breaker.outage

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[None]:
        """Watch one statement, from its wait for a connection on.

        Raises StoreUnavailable at once while the store is away, and as soon as it is found to be. Raises StoreTimeout
        where the deadline has passed already.
        """
        metrics = self._metrics
        timeout, outcome = asyncio.timeout(None), metrics.cancelled
        try:
            self._check_sendable()
            async with timeout:
                self._sent(timeout)
                try:
                    yield
                finally:
                    self._under_way.discard(timeout)
            outcome = metrics.ok
            self._answered()
        except TimeoutError as error:
            outcome = metrics.unavailable if timeout.expired() else metrics.timeout
            if timeout.expired():
                raise self._away() from error
            raise
        except StatementFailed:
            outcome = metrics.refused
            self._answered()
            raise
        except StoreUnavailable:
            outcome = metrics.unavailable
            self.suspect()
            raise
        except StoreTimeout:
            outcome = metrics.timeout
            raise
        finally:
            outcome.value += 1

    def suspect(self) -> None:
        """Probe the store, unless it is being probed."""
        if self._check is None and not self._breaker.is_open and not self._is_closed:
            self._check = asyncio.create_task(self._verify(), context=Context())

    def open(self, error: StoreError) -> None:
        """Take the store to be away because of an error, until a probe succeeds."""
        if self._is_closed or self._breaker.is_open:
            return
        self._breaker.trip(error)
        self._unanswered_since = None
        self._end_statements()
        self._drop()

    async def check(self) -> None:
        """Return if the store has answered within the last second, or answers a probe. Raises StoreUnavailable."""
        if self._is_closed:
            raise StoreUnavailable(self._store, f"The client of {self._name} is closed.")
        if not self._breaker.is_open and asyncio.get_running_loop().time() - self._answered_at > _SILENCE_S:
            if self._check is None:
                self._check = asyncio.create_task(self._verify(), context=Context())
            await asyncio.shield(self._check)  # which others may wait for
        if self._breaker.is_open:
            raise self._away()

    async def close(self) -> None:
        """Stop watching and probing."""
        self._is_closed = True
        if self._watch is not None:
            self._watch.cancel()
        await self._breaker.close()
        if self._check is not None:
            await cancel_and_wait([self._check])

    def _check_sendable(self) -> None:
        if self._breaker.is_open:
            raise self._away()
        if seconds_left(1.0) <= 0:
            raise StoreTimeout(self._store, f"The deadline passed before a statement was sent to {self._name}.")

    def _away(self) -> StoreUnavailable:
        outage = self._breaker.outage
        if outage is None:  # it came back in this moment
            return StoreUnavailable(self._store, f"{self._name} was away.")
        return StoreUnavailable(self._store, f"{self._name} is away: {outage.reason}", outage.kind)

    def _end_statements(self) -> None:
        now = asyncio.get_running_loop().time()
        for timeout in self._under_way:
            if not timeout.expired():
                timeout.reschedule(now)

    def _sent(self, timeout: asyncio.Timeout) -> None:
        self._under_way.add(timeout)
        if self._unanswered_since is None:
            loop = asyncio.get_running_loop()
            self._unanswered_since = loop.time()
            if self._watch is None:
                self._watch = loop.call_later(_SILENCE_S, self._look, context=_EMPTY)

    def _answered(self) -> None:
        self._answered_at = asyncio.get_running_loop().time()
        self._unanswered_since = self._answered_at if self._under_way else None

    def _look(self) -> None:
        """Suspect the store where nothing was answered for long. Statements that were given up count too."""
        self._watch = None
        if self._unanswered_since is None or self._breaker.is_open:
            return
        loop = asyncio.get_running_loop()
        silent_s = loop.time() - self._unanswered_since
        if silent_s >= _SILENCE_S:
            self.suspect()
        self._watch = loop.call_later(max(_SILENCE_S - silent_s, _SILENCE_S / 10), self._look, context=_EMPTY)

    async def _verify(self) -> None:
        """Probe the store, and open the breaker where it does not answer."""
        try:
            error = await self._probe_error()
            is_away = error is not None and (error.kind is not FailureKind.BUSY or not await self._executes())
        finally:
            self._check = None
        if error is None:
            self._answered()
        elif is_away:
            self.open(error)

    async def _executes(self) -> bool:
        """Return whether a busy server has answered lately, or does not refuse all statements that are under way."""
        loop = asyncio.get_running_loop()
        refused_by = loop.time() + _REFUSED_WITHIN_S
        sent = set(self._under_way)
        while loop.time() - self._answered_at >= _SILENCE_S:
            if not sent & self._under_way:
                return False
            if loop.time() >= refused_by:
                break
            await asyncio.sleep(_REFUSED_WITHIN_S / 10)
        return True

    async def _probe_error(self) -> StoreError | None:
        """Return why probes failed; None where one was answered, or was late while statements were answered."""
        loop = asyncio.get_running_loop()
        late = 0
        for _ in range(_PROBES_IN_LAG):
            started = loop.time()
            error = await self._error_of_one_probe()
            if error is None or error.kind is not FailureKind.SILENT:
                return error
            if self._answered_at >= started:
                return None  # it is busy, and answers others
            late += loop.time() - started < _PROBE_TIMEOUT_S + _MAX_LAG_S
            if late == _LATE_PROBES:
                break
        return StoreTimeout(self._store, f"{self._name} did not answer within {_PROBE_TIMEOUT_S:g} s, twice.")

    async def _error_of_one_probe(self) -> StoreError | None:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await self._probe(False)
        except TimeoutError:
            return StoreTimeout(self._store, f"{self._name} was late.")
        except StatementFailed:
            return None  # the server answers
        except StoreError as error:
            return error
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            return self._malformed(error)
        except Exception as error:  # the driver's, of any type, for what is not the store's answer
            return self._malformed(error)
        return None

    def _malformed(self, error: BaseException) -> StoreUnavailable:
        reason = f"{self._name} cannot be understood: {type(error).__name__}."
        return StoreUnavailable(self._store, reason, FailureKind.MALFORMED)
