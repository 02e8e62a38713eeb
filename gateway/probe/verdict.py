"""Judge an answer: what is wrong with it, if anything, and how old it says that its data are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from gateway.probe.answer_paths import NoSuchPlaceError

if TYPE_CHECKING:
    from gateway.http_client import HTTPAnswer
    from gateway.probe.checks import Check

OK = "ok"
UNREACHABLE, TIMEOUT, STATUS, INVALID = "unreachable", "timeout", "status", "invalid"
ERRORS, NULL, UNEXPECTED, STALE = "errors", "null", "unexpected", "stale"
OUTCOMES = (OK, UNREACHABLE, TIMEOUT, STATUS, INVALID, ERRORS, NULL, UNEXPECTED, STALE)
"""The outcomes of a check, in the order in which it is judged."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a check: one of the outcomes, and the ages of declared fields in seconds, by path.

    `reason` is for the operator; it names paths of the manifest, and holds nothing of the answer.
    """

    outcome: str
    reason: str = ""
    ages: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Whether all was as expected."""
        return self.outcome == OK


def judge(check: Check, answer: HTTPAnswer, now: datetime) -> Verdict:
    """Judge an answer: the first thing that is wrong with it decides."""
    if answer.status != 200:
        return Verdict(STATUS, f"The status is {answer.status}.")
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return Verdict(INVALID, "The answer is no JSON.")
    if not isinstance(content, dict) or not isinstance(content.get("errors", []), list):
        return Verdict(INVALID, "The answer is no GraphQL response.")
    if content.get("errors"):
        return Verdict(ERRORS, f"The answer has {len(content['errors'])} errors.")
    data = content.get("data")
    if not isinstance(data, dict):
        return Verdict(INVALID, "The answer has no data.")
    return _judged(check, data, now)


def _judged(check: Check, data: dict[str, Any], now: datetime) -> Verdict:
    ages, stale = dict[str, float](), list[str]()
    for path in (*check.not_null, *check.max_ages):
        try:
            values = path.values(data)
        except NoSuchPlaceError:
            return Verdict(NULL, f"There is nothing at {path.text}.")
        if None in values:
            return Verdict(NULL, f"{path.text} is null.")
        if path in check.max_ages:
            age = _oldest(values, now)
            if age is None:
                return Verdict(INVALID, f"{path.text} is no time.")
            ages[path.text] = age
            stale += [path.text] if age > check.max_ages[path] else []
    if check.expected is not None and not _holds(data, check.expected):
        return Verdict(UNEXPECTED, "The answer does not hold what is expected.", ages)
    if stale:
        return Verdict(STALE, f"{stale[0]} is older than it may be.", ages)
    return Verdict(OK, ages=ages)


def _oldest(values: list[Any], now: datetime) -> float | None:
    """Return the age of the oldest value in seconds, negative in the future; None where one is no time.

    A date without a time is its midnight, and a time without an offset is taken as UTC's.
    """
    try:
        times = [datetime.fromisoformat(value) for value in values]
    except (TypeError, ValueError):
        return None
    return max((now - (each if each.tzinfo else each.replace(tzinfo=UTC))).total_seconds() for each in times)


def _holds(value: Any, expected: Any) -> bool:
    """Return whether a value holds what is expected: of objects the fields that are named, of lists all items."""
    if isinstance(expected, dict):
        return isinstance(value, dict) and all(
            name in value and _holds(value[name], item) for name, item in expected.items()
        )
    if isinstance(expected, list):
        return isinstance(value, list) and len(value) == len(expected) and all(map(_holds, value, expected))
    is_same_kind = isinstance(value, bool) == isinstance(expected, bool)  # 1 == True in Python
    return is_same_kind and bool(value == expected)
