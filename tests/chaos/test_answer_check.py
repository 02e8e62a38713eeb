"""The check of the chaos tests finds each kind of what must not be, and nothing in a good answer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.answer_check import Answer, Expectation, FieldPath, check
from tests.chaos.gateway_log import GatewayLog

ROOT = "members"
EVENTS, RECORDS = frozenset({"clickhouse"}), frozenset({"postgres"})
TRUTH: list[Any] = [
    {"id": "1", "name": "Ada", "use": {"count": 4, "share": 0.25}, "days": [{"day": 1}, {"day": 2}]},
    {"id": "2", "name": None, "use": {"count": 0, "share": None}, "days": []},
    None,
    {"id": "4", "name": "Eve", "use": {"count": 1, "share": 1.0}, "days": [{"day": 3}]},
]
PROOFS = [EVENTS | RECORDS, EVENTS | RECORDS, frozenset[str](), EVENTS]


def _stores_of(path: FieldPath) -> frozenset[str]:
    return {"name": RECORDS, "use": EVENTS, "days": EVENTS}.get(path[1] if len(path) > 1 else "", frozenset())


def _expected(*faulty: str) -> Expectation:
    return Expectation(ROOT, TRUTH, PROOFS, _stores_of, frozenset(faulty))


def _error(*path: str | int, **extensions: object) -> dict[str, Any]:
    known = {"code": "STORE_TIMEOUT", "store": "ClickHouse", "section": "Member.use", "affected": 3}
    return {"message": "No answer.", "path": [ROOT, *path], "extensions": {**known, **extensions}}


EXISTENCE = {**_error(2), "extensions": {"code": "STORE_TIMEOUT"}}


def _partial() -> Answer:
    """A good answer without `use`."""
    items = copy.deepcopy(TRUTH)
    for item in items:
        if item is not None:
            item["use"] = None
    return Answer(200, 0.1, items, [_error(0, "use"), EXISTENCE])


def _kinds(answer: Answer, expected: Expectation) -> set[str]:
    return {violation.kind for violation in check(answer, expected)}


def test_whole_and_partial_answers_are_good() -> None:
    assert check(Answer(200, 0.1, TRUTH), _expected()) == []
    assert check(Answer(200, 0.1, TRUTH), _expected("clickhouse")) == []
    assert check(_partial(), _expected("clickhouse")) == []


def test_an_object_that_one_store_alone_knows_may_be_an_error_in_its_place() -> None:
    answer = _partial()
    assert answer.items is not None
    answer.items[3] = None
    errors = [_error(0, "use", affected=2), EXISTENCE, {**EXISTENCE, "path": [ROOT, 3]}]
    assert check(replace(answer, errors=errors), _expected("clickhouse")) == []
    assert _kinds(replace(answer, errors=[_error(0, "use", affected=2)]), _expected("clickhouse")) >= {"UNEXPLAINED"}


def _set(place: int, *steps: Any) -> Callable[[list[Any]], None]:
    def change(items: list[Any]) -> None:
        *way, name, value = steps
        target = items[place]
        for step in way:
            target = target[step]
        target[name] = value

    return change


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("WRONG", _set(0, "name", "Eve")),
        ("WRONG", _set(1, "name", "Eve")),
        ("WRONG", _set(0, "days", 1, "day", 3)),
        ("WRONG", _set(0, "days", [{"day": 1}])),
        ("WRONG", _set(3, "days", [])),
        ("WRONG", _set(0, "use", {"count": 0, "share": 0.25})),
        ("WRONG", lambda items: items.pop()),
        ("WRONG", lambda items: items.__setitem__(2, {"id": "3"})),
        ("WRONG", lambda items: items[0].pop("days")),
        ("MISSING", _set(0, "name", None)),
        ("MISSING", lambda items: items.__setitem__(0, None)),
        ("UNEXPLAINED", _set(0, "days", None)),
        ("UNEXPLAINED", _set(0, "days", 1, None)),
    ],
)
def test_a_falsified_answer_is_seen(kind: str, change: Callable[[list[Any]], object]) -> None:
    answer = _partial()
    assert answer.items is not None
    change(answer.items)
    assert kind in _kinds(answer, _expected("clickhouse"))


@pytest.mark.parametrize(
    "errors",
    [
        [_error(0, "use", code="INTERNAL_SERVER_ERROR"), EXISTENCE],
        [_error(0, "use", store=None), EXISTENCE],
        [_error(0, "use", section=None), EXISTENCE],
        [_error(0, "use", store="PostgreSQL"), EXISTENCE],
        [_error(0, "use", affected=7), EXISTENCE],
        [_error(1, "use"), EXISTENCE],
        [_error(0, "use"), _error(1, "use"), EXISTENCE],
        [_error(0, "use"), _error(0, "name"), EXISTENCE],
    ],
)
def test_an_error_that_is_not_as_documented_is_seen(errors: list[dict[str, Any]]) -> None:
    assert _kinds(replace(_partial(), errors=errors), _expected("clickhouse")) == {"SHAPE"}


def test_what_was_cached_and_is_missing_may_be_explained_by_its_store() -> None:
    """A cache that a busy machine makes late is not served, and then the store's fault is the error's."""
    cached = replace(_expected(), away=frozenset({"clickhouse"}))
    assert _kinds(_partial(), cached) == {"MISSING"}
    assert "SHAPE" in _kinds(_partial(), _expected())


@pytest.mark.parametrize(("affected", "is_good"), [(1, False), (2, True), (3, True), (4, False)])
def test_a_null_that_is_true_may_count_as_affected(affected: int, is_good: bool) -> None:
    """Two objects have names, and one has none, which the cache may know or not."""
    items = copy.deepcopy(TRUTH)
    for item in items:
        if item is not None:
            item["name"] = None
    answer = Answer(200, 0.1, items, [_error(0, "name", store="PostgreSQL", affected=affected), EXISTENCE])
    assert (check(answer, _expected("postgres")) == []) is is_good


def test_a_null_of_unknown_existence_without_an_error_is_seen() -> None:
    answer = replace(_partial(), errors=[_error(0, "use")])
    assert check(answer, _expected("clickhouse")) == [], "its record says that there is none"
    assert check(answer, _expected("clickhouse", "postgres")) == [], "other records were read"
    for item in answer.items or []:
        if item is not None:
            item["name"] = None
    errors = [*answer.errors, _error(0, "name", store="PostgreSQL")]
    assert _kinds(replace(answer, errors=errors), _expected("clickhouse", "postgres")) == {"EXISTENCE"}


def test_a_null_of_unknown_existence_is_seen_where_the_record_was_not_read() -> None:
    """Another answer of the store may have been damaged alone."""
    items = copy.deepcopy(TRUTH)
    for item in items:
        if item is not None:
            item["name"] = None
    brief = replace(_expected("postgres"), is_brief=True)
    for section, kinds in [("Member.other", set[str]()), ("Member.record", {"EXISTENCE"})]:
        error = _error(0, "name", store="PostgreSQL", section=section)
        assert _kinds(Answer(200, 0.1, items, [error]), brief) == kinds


def test_an_error_of_what_came_too_late_may_name_the_store_that_was_not_asked() -> None:
    answer = replace(_partial(), errors=[_error(0, "use", store="PostgreSQL"), EXISTENCE])
    assert check(answer, replace(_expected("clickhouse"), is_late=True)) == []
    other = _error(0, "use", store="PostgreSQL", code="STORE_UNAVAILABLE")
    assert _kinds(replace(answer, errors=[other, EXISTENCE]), replace(_expected("clickhouse"), is_late=True)) == {
        "SHAPE"
    }


def test_what_a_fault_may_not_cost_is_seen() -> None:
    assert "MISSING" in _kinds(_partial(), _expected())
    assert "MISSING" in _kinds(_partial(), _expected("postgres"))
    assert _kinds(Answer(200, 0.1, None), _expected("clickhouse")) == {"MISSING"}
    assert _kinds(Answer(503, 0.1, None, headers={"retry-after": "1"}), _expected()) == {"MISSING"}


def test_a_status_that_is_not_documented_is_seen() -> None:
    for status in (0, 500, 502, 503):
        assert _kinds(Answer(status, 0.1, None), _expected("clickhouse")) == {"STATUS"}
    assert check(Answer(503, 0.1, None, headers={"retry-after": "1"}), _expected("clickhouse")) == []


def test_an_export_is_true_until_it_breaks_off() -> None:
    end = {"error": "No answer.", "extensions": {"code": "STORE_TIMEOUT"}}
    cut = Answer(200, 0.1, TRUTH[:2], [end], is_export=True)
    assert check(cut, _expected("clickhouse")) == []
    assert check(Answer(200, 0.1, TRUTH, is_export=True), _expected("clickhouse")) == []
    assert _kinds(cut, _expected()) == {"MISSING"}
    assert _kinds(replace(cut, errors=[]), _expected("clickhouse")) == {"UNEXPLAINED"}
    assert _kinds(replace(cut, errors=[{"error": "x"}]), _expected("clickhouse")) == {"SHAPE"}
    assert _kinds(replace(cut, items=TRUTH[2:]), _expected("clickhouse")) == {"WRONG"}


JSON_ALERT = (
    '{"time":"2026-01-01T00:00:00.000Z","level":"error","logger":"gateway","message":"A","exception":"Traceback (most'
)
ALERT = "ERROR:gateway:A refresh failed.\nTraceback (most recent call last):\n  File\nValueError\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("WARNING:gateway:PostgreSQL is away.\n", 0),
        (ALERT, 0),
        (f"ERROR:asyncio:{ALERT.partition(':')[2].partition(':')[2]}", 1),
        ("ERROR:asyncio:Task exception was never retrieved\n", 1),
        (f"{ALERT}ERROR:uvicorn.error:Exception in ASGI application\nTraceback (most recent call last):\n", 2),
        ("Traceback (most recent call last):\n", 1),
        ("INFO:gateway.requests:Request operation=Dashboard outcome=hang_up\n", 0),
        (JSON_ALERT, 0),
        (JSON_ALERT.replace('"gateway"', '"asyncio"'), 1),
    ],
)
def test_what_no_log_may_have_is_seen_once(tmp_path: Path, text: str, count: int) -> None:
    (tmp_path / "log").write_text(text)
    log = GatewayLog(tmp_path / "log")
    assert [violation.kind for violation in log.violations()] == ["LOG"] * count
    assert log.violations() == []
