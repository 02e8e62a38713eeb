"""The lines of requests: which have one, and what it says."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from gateway.observability.log_format import FACTS
from gateway.observability.operation_names import EXPORT
from gateway.observability.request_log import RequestLog
from gateway.observability.request_observation import (
    CACHED,
    CLIENT_ERROR,
    HANG_UP,
    OK,
    OUTCOMES,
    PARTIAL,
    RequestObservation,
)
from gateway.settings import Settings
from loaders.request_tracker import RequestTracker
from loaders.statement_record import StatementRecord

TRACE = "1234567890abcdef1234567890abcdef"


async def _send(_message: Any) -> None: ...


def _observation(outcome: str = OK, **values: Any) -> RequestObservation:
    observation = RequestObservation(_send)
    observation.operation, observation.operation_type, observation.status = "Dashboard", "query", 200
    observation.viewer, observation.points, observation.outcome = "key:7", 40, outcome
    for name, value in values.items():
        setattr(observation, name, value)
    return observation


def _tracker() -> RequestTracker:
    tracker = RequestTracker()
    stats = tracker.stats
    stats.statements.update(postgresql=1, clickhouse=2)
    stats.rows.update(postgresql=3, clickhouse=400)
    stats.waited_s = 0.01
    stats.count("Aircraft.record", "fresh", 3)
    stats.count('Aircraft.log first=5 filters=[["model","SECRET"]]', "missed", 2)
    stats.count("Aircraft.log first=7", "stale", 1)
    record = StatementRecord(("Aircraft.log", "Aircraft.seats"), "clickhouse", 2)
    record.rows, record.seconds, record.waited_s = 400, 1.5, 0.25
    stats.begin_statement(record)
    late = StatementRecord(("Aircraft.record",), "postgresql", 2)
    stats.begin_statement(late)
    return tracker


def _lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [(record.name, getattr(record, FACTS)) for record in caplog.records]


def test_a_line_has_the_accounting_of_a_request(caplog: pytest.LogCaptureFixture) -> None:
    RequestLog("all", 0, 100).write(_observation(tracker=_tracker(), trace_id=TRACE, queued_s=0.5), [], 0.25)
    assert _lines(caplog) == [
        (
            "gateway.requests",
            {
                "operation": "Dashboard",
                "operation_type": "query",
                "viewer": "key:7",
                "outcome": "ok",
                "status": 200,
                "duration_s": 0.25,
                "queued_s": 0.5,
                "cost": 40,
                "statements": {"postgresql": 1, "clickhouse": 2},
                "rows": {"postgresql": 3, "clickhouse": 400},
                "cache": {"fresh": 3, "missed": 2, "stale": 1},
                "waited_s": 0.01,
                "trace_id": TRACE,
            },
        )
    ]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("requests", ["none", "failed", "all"])
def test_the_setting_says_which_requests_have_a_line(
    caplog: pytest.LogCaptureFixture, requests: str, outcome: str
) -> None:
    RequestLog(requests, 0, 100).write(_observation(outcome), [], 60)
    is_written = requests == "all" or (requests == "failed" and outcome not in (OK, CACHED))
    assert [facts["outcome"] for _, facts in _lines(caplog)] == [outcome] * is_written


def test_a_slow_operation_has_its_plan_and_no_value_of_an_argument(caplog: pytest.LogCaptureFixture) -> None:
    log = RequestLog("none", 1.0, 100)
    log.write(_observation(tracker=_tracker()), [], 0.99)
    assert caplog.records == []
    observation = _observation(PARTIAL)
    observation.tracker = _tracker()
    log.write(observation, [], 1.0)
    ((logger, facts),) = _lines(caplog)
    assert caplog.records[0].levelno == logging.WARNING
    assert logger == "gateway.operations"
    assert facts["cached"] == {"Aircraft.record": {"fresh": 3}, "Aircraft.log": {"missed": 2, "stale": 1}}
    first, second = facts["plan"]
    assert 0 < first.pop("began_s") < second.pop("began_s") < 1
    assert second.pop("duration_s") < 1
    assert first == {
        "sections": ["Aircraft.log", "Aircraft.seats"],
        "store": "clickhouse",
        "keys": 2,
        "rows": 400,
        "duration_s": 1.5,
        "waited_s": 0.25,
    }
    assert second == {
        "sections": ["Aircraft.record"],
        "store": "postgresql",
        "keys": 2,
        "rows": 0,
        "waited_s": 0.0,
        "error": "under way",
    }
    assert "SECRET" not in repr(facts)


def test_an_export_is_never_slow(caplog: pytest.LogCaptureFixture) -> None:
    RequestLog("none", 1.0, 100).write(_observation(operation=EXPORT), [], 600)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        (f"00-{TRACE}-fedcba0987654321-00", TRACE),
        (f"00-{TRACE}", None),
        (f"00-{TRACE}-fedcba0987654321-00\nforged", None),
        ("", None),
    ],
)
def test_the_trace_of_a_client_is_told_where_nothing_is_traced(
    caplog: pytest.LogCaptureFixture, header: str, trace_id: str | None
) -> None:
    RequestLog("all", 0, 100).write(_observation(HANG_UP), [(b"traceparent", header.encode())], 1)
    assert _lines(caplog)[0][1].get("trace_id") == trace_id


def test_names_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    RequestLog("all", 0, 100).write(_observation(CLIENT_ERROR, operation="a" * 5_000, viewer="b" * 5_000), [], 1)
    facts = _lines(caplog)[0][1]
    assert (len(facts["operation"]), len(facts["viewer"])) == (200, 200)


def test_nothing_is_logged_unless_a_setting_asks_for_it() -> None:
    assert RequestLog.of(Settings()) is None
    assert RequestLog.of(Settings(log_requests="failed")) is not None
    assert RequestLog.of(Settings(slow_operation_s=0.5)) is not None
