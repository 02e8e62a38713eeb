"""Answers are judged by what was declared, and no verdict repeats anything of an answer."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.http_client import HTTPAnswer
from gateway.probe.answer_paths import AnswerPath
from gateway.probe.checks import Check
from gateway.probe.verdict import judge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "s3cret-value"


def _check(**options: Any) -> Check:
    not_null = tuple(map(AnswerPath.parse, options.pop("not_null", ())))
    max_ages = {AnswerPath.parse(path): age for path, age in options.pop("max_ages", {}).items()}
    return Check("orders", "{ orders { id } }", 60, 10, not_null=not_null, max_ages=max_ages, **options)


def _answer(data: Any, status: int = 200, **members: Any) -> HTTPAnswer:
    return HTTPAnswer(status, orjson.dumps({"data": data, **members}))


ORDERS = {"orders": [{"id": SECRET, "at": "2026-03-01T11:59:00Z"}, {"id": None, "at": "2026-03-01T11:00:00+00:00"}]}


@pytest.mark.parametrize(
    ("check", "answer", "outcome", "reason"),
    [
        (_check(), _answer(ORDERS), "ok", ""),
        (_check(), _answer(ORDERS, 503), "status", "The status is 503."),
        (_check(), HTTPAnswer(200, SECRET.encode()), "invalid", "The answer is no JSON."),
        (_check(), HTTPAnswer(200, b"[]"), "invalid", "The answer is no GraphQL response."),
        (_check(), _answer(None), "invalid", "The answer has no data."),
        (_check(), _answer(ORDERS, errors=[{"message": SECRET}]), "errors", "The answer has 1 errors."),
        (_check(not_null=["orders.0.id"]), _answer(ORDERS), "ok", ""),
        (_check(not_null=["orders.*.id"]), _answer(ORDERS), "null", "orders.*.id is null."),
        (_check(not_null=["orders.*.id"]), _answer({"orders": []}), "null", "There is nothing at orders.*.id."),
        (_check(expected={"orders": [{"id": SECRET}, {}]}), _answer(ORDERS), "ok", ""),
        (_check(expected={"orders": [{"id": SECRET}]}), _answer(ORDERS), "unexpected", None),
        (_check(expected={"orders": [{"id": "other"}, {}]}), _answer(ORDERS), "unexpected", None),
        (_check(expected={"n": 1}), _answer({"n": True}), "unexpected", None),
        (_check(expected={"n": None}), _answer({}), "unexpected", None),
        (_check(max_ages={"orders.0.at": 60}), _answer(ORDERS), "ok", ""),
        (_check(max_ages={"orders.*.at": 3_599}), _answer(ORDERS), "stale", "orders.*.at is older than it may be."),
        (_check(max_ages={"orders.0.id": 60}), _answer(ORDERS), "invalid", "orders.0.id is no time."),
        (_check(max_ages={"orders.1.id": 60}), _answer(ORDERS), "null", "orders.1.id is null."),
    ],
)
def test_an_answer_is_judged(check: Check, answer: HTTPAnswer, outcome: str, reason: str | None) -> None:
    verdict = judge(check, answer, NOW)
    assert verdict.outcome == outcome
    assert verdict.is_ok == (outcome == "ok")
    assert reason is None or verdict.reason == reason
    assert SECRET not in repr(verdict)


def test_the_age_of_a_path_is_that_of_its_oldest_value() -> None:
    verdict = judge(_check(max_ages={"orders.*.at": 3_599, "orders.0.at": 60}), _answer(ORDERS), NOW)
    assert verdict.ages == {"orders.*.at": 3_600, "orders.0.at": 60}


@pytest.mark.parametrize(("value", "age_s"), [("2026-03-01", 43_200), ("2026-03-01T11:00:00", 3_600)])
def test_a_date_is_its_midnight_and_a_time_without_offset_is_utcs(value: str, age_s: float) -> None:
    assert judge(_check(max_ages={"at": 1}), _answer({"at": value}), NOW).ages == {"at": age_s}
