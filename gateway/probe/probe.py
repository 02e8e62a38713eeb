"""Run checks: once, or each on its schedule for as long as the probe runs."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.http_client import HTTPClient, LateAnswerError, TooLargeAnswerError, UnreachableError
from gateway.probe.checks import MAX_TIMEOUT_S
from gateway.probe.history import HistoryError, Result
from gateway.probe.verdict import INVALID, TIMEOUT, UNREACHABLE, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.probe.checks import Check
    from gateway.probe.history import History
    from gateway.probe.metrics import ProbeMetrics

_MAX_ANSWER_BYTES = 64 << 20
"""Bytes of an answer that are read: the maximum of what the gateway answers by default."""
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_log = logging.getLogger("gateway.probe")


def open_client() -> HTTPClient:
    """Return a client for an Asker, to be used in `async with`."""
    return HTTPClient(timeout_s=MAX_TIMEOUT_S, max_bytes=_MAX_ANSWER_BYTES)


class Asker:
    """Asks the gateway at a URL the operation of a check. `credential` is an API key or a token, or empty."""

    def __init__(self, client: HTTPClient, url: str, credential: str = "") -> None:
        self._client = client
        self._url = url
        self._headers = _HEADERS | ({"Authorization": f"Bearer {credential}"} if credential else {})

    async def ask(self, check: Check) -> tuple[Result, Verdict]:
        """Return the result of one run of a check, whatever happens."""
        started_at, begin = time.time(), time.monotonic()
        verdict = await self._verdict(check)
        duration_s = time.monotonic() - begin
        return Result(check.name, check.every_s, started_at, verdict.outcome, verdict.is_ok, duration_s), verdict

    async def _verdict(self, check: Check) -> Verdict:
        try:
            answer = await self._client.request(
                "POST", self._url, body=check.body(), headers=self._headers, timeout_s=check.timeout_s
            )
        except LateAnswerError as error:
            return Verdict(TIMEOUT, str(error))
        except UnreachableError as error:
            return Verdict(UNREACHABLE, str(error))
        except TooLargeAnswerError as error:
            return Verdict(INVALID, str(error))
        return await asyncio.to_thread(judge, check, answer, datetime.now(UTC))  # a large answer takes time to read


class Probe:
    """Runs each check on its schedule, and tells the history and the metrics of it."""

    def __init__(
        self, checks: Sequence[Check], url: str, credential: str, history: History, metrics: ProbeMetrics
    ) -> None:
        self._checks = checks
        self._url = url
        self._credential = credential
        self._history = history
        self._metrics = metrics
        self._outcomes: dict[str, str] = {}
        self._is_history_failing = False

    async def run(self) -> None:
        """Run until cancelled."""
        async with open_client() as client, asyncio.TaskGroup() as tasks:
            asker = Asker(client, self._url, self._credential)
            for index, check in enumerate(self._checks):
                tasks.create_task(self._repeat(asker, check, (index + 1) * check.every_s / len(self._checks)))

    async def _repeat(self, asker: Asker, check: Check, delay_s: float) -> None:
        """Run a check now, after `delay_s`, which keeps checks apart, and then at even intervals."""
        start = time.monotonic() + delay_s
        await self._run(asker, check)
        while True:
            await asyncio.sleep(max(0.0, start - time.monotonic()))
            await self._run(asker, check)
            start += check.every_s * max(1, math.ceil((time.monotonic() - start) / check.every_s))

    async def _run(self, asker: Asker, check: Check) -> None:
        result, verdict = await asker.ask(check)
        self._metrics.record(result, verdict)
        self._log(check, verdict)
        try:
            await self._history.add(result)
            self._is_history_failing = False
        except HistoryError as error:
            self._metrics.history_failures.inc()
            if not self._is_history_failing:
                self._is_history_failing = True
                _log.error("Results are lost to the history until it can be written again: %s", error)

    def _log(self, check: Check, verdict: Verdict) -> None:
        """Log a change for the worse or the better, not each result."""
        before = self._outcomes.get(check.name)
        self._outcomes[check.name] = verdict.outcome
        if verdict.outcome == before:
            return
        if not verdict.is_ok:
            _log.warning("The check %s fails (%s): %s", check.name, verdict.outcome, verdict.reason)
        elif before is not None:
            _log.warning("The check %s passes again.", check.name)
