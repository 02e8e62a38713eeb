"""The object loader: what it sends, in which batches, and what becomes of failures. Databases are hand-written here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from loaders.errors import CallerError
from loaders.model.databases import Kind
from loaders.objects.object_loader import MAX_OBJECTS, ObjectLoader
from loaders.objects.object_record import ObjectRecord
from loaders.objects.object_statements import chunked
from loaders.objects.request_loaders import RequestLoaders
from loaders.objects.section_error import SectionError
from loaders.statements.section_request import SectionRequest, section_request
from loaders.stores.errors import FailureKind, StoreUnavailable
from loaders.stores.protocols import Columns, TypedColumns
from tests.models import loaded_model

MODEL = loaded_model("deploy.fleet.model")
RECORD, PUNCTUALITY, CANCELLATIONS, AIRLINE = (
    section_request(MODEL.bound_sections[name])
    for name in (
        "Aircraft.record",
        "Aircraft.analysis.punctuality",
        "Aircraft.analysis.cancellations",
        "Airline.record",
    )
)


class RecordedAnswers:
    """Both databases: answers each key in reverse order with made-up rows, and notes which keys were asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[list[str]] = []
        self._error = error

    async def columns(self, sql: str, parameters: Mapping[str, Any]) -> Columns:
        keys = parameters["keys_0"]
        self.asked.append(keys)
        if self._error is not None:
            raise self._error
        names = [line.strip().removesuffix(",").rpartition(" as ")[2] for line in sql.splitlines() if " as fw_" in line]
        names = [name for name in names if name.startswith("fw_") and name != "fw_source"]
        known = [key for key in reversed(keys) if key != "unknown"]
        return Columns(tuple(names), [known, *([7] * len(known) for _ in names[1:])])

    async def rows(self, sql: str, *arguments: Any) -> Sequence[Any]:
        self.asked.append(arguments[0])
        width = sum(" as fw_" in line and not line.startswith("from") for line in sql.splitlines())
        return [(key,) * width for key in reversed(arguments[0]) if key != "unknown"]

    async def typed_columns(self, _sql: str, *_arguments: Any) -> TypedColumns:
        raise AssertionError("nothing is sent along")

    async def describe(self, _sql: str, *_arguments: Any, reads_little: bool = False) -> TypedColumns:  # noqa: ARG002
        raise AssertionError("nothing is missing")

    async def explain(self, _sql: str, *_arguments: Any) -> Any:
        raise AssertionError("nothing is missing")


def _loader(postgres: RecordedAnswers, clickhouse: RecordedAnswers) -> ObjectLoader:
    stores = {each: postgres if each.kind is Kind.POSTGRES else clickhouse for each in MODEL.databases}
    return RequestLoaders.over(MODEL, stores).objects


async def _load(loader: ObjectLoader, keys: Sequence[str], *requests: SectionRequest) -> list[ObjectRecord]:
    return await loader.load((requests[0].section.key_space, tuple(keys), frozenset(requests)))


async def test_keys_of_one_tick_are_one_batch_in_the_order_asked() -> None:
    postgres = RecordedAnswers()
    loader = _loader(postgres, RecordedAnswers())
    loaded = await asyncio.gather(*(_load(loader, key, RECORD) for key in ("a", "b", "a", "c")))
    assert postgres.asked == [["a", "b", "c"]]
    assert [[each.key for each in records] for records in loaded] == [["a"], ["b"], ["a"], ["c"]]
    assert [records[0].get(RECORD) for records in loaded] == [("a",), ("b",), ("a",), ("c",)]


async def test_objects_of_one_loader_key_come_in_the_order_asked_and_twice_where_they_are() -> None:
    postgres = RecordedAnswers()
    records = await _load(_loader(postgres, RecordedAnswers()), ["b", "a", "unknown", "b"], RECORD)
    assert postgres.asked == [["b", "a", "unknown"]]
    assert [(each.key, each.get(RECORD)) for each in records] == [
        ("b", ("b",)),
        ("a", ("a",)),
        ("unknown", None),
        ("b", ("b",)),
    ]


async def test_equal_loader_keys_share_their_statements_and_not_their_columns() -> None:
    postgres = RecordedAnswers()
    loader = _loader(postgres, RecordedAnswers())
    (item,), (other,) = await asyncio.gather(_load(loader, "a", RECORD), _load(loader, "a", RECORD))
    assert postgres.asked == [["a"]]
    item.values[RECORD] = [None]
    assert (item.get(RECORD), other.get(RECORD)) == (None, ("a",))


async def test_different_sets_of_sections_are_fused_and_each_has_its_own() -> None:
    clickhouse = RecordedAnswers()
    loader = _loader(RecordedAnswers(), clickhouse)
    (item,), (other,) = await asyncio.gather(_load(loader, "a", CANCELLATIONS), _load(loader, "b", PUNCTUALITY))
    assert clickhouse.asked == [["a", "b"]]
    assert (item.place, list(item.values)) == (0, [CANCELLATIONS])
    assert (other.place, list(other.values)) == (0, [PUNCTUALITY])
    assert item.get(CANCELLATIONS)[0] == 7


async def test_key_spaces_of_one_tick_are_loaded_each_on_its_own() -> None:
    postgres = RecordedAnswers()
    loader = _loader(postgres, RecordedAnswers())
    await asyncio.gather(_load(loader, ["a"], RECORD), _load(loader, ["UA"], AIRLINE))
    assert sorted(postgres.asked) == [["UA"], ["a"]]


async def test_a_section_is_null_or_empty_where_an_object_has_no_rows() -> None:
    (record,) = await _load(_loader(RecordedAnswers(), RecordedAnswers()), ["unknown"], PUNCTUALITY, RECORD)
    assert record.get(PUNCTUALITY) == (0, None, None, None, None, None)
    assert record.get(RECORD) is None


async def test_a_failed_statement_fails_its_own_sections_alone() -> None:
    error = StoreUnavailable("clickhouse", "gone")
    (record,) = await _load(_loader(RecordedAnswers(), RecordedAnswers(error)), ["a"], PUNCTUALITY, RECORD)
    assert record.get(RECORD) == ("a",)
    with pytest.raises(SectionError, match="gone") as raised:
        record.get(PUNCTUALITY)
    assert (raised.value.section, raised.value.store, raised.value.cause) == (
        "Aircraft.analysis.punctuality",
        "clickhouse",
        error,
    )
    assert raised.value.__cause__ is None, "a failure that many share holds no request's frames"


async def test_a_failure_that_nobody_foresaw_fails_the_batch_and_is_forgotten() -> None:
    clickhouse = RecordedAnswers(RuntimeError("a bug"))
    loader = _loader(RecordedAnswers(), clickhouse)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a bug"):
            await _load(loader, ["a"], PUNCTUALITY)
    assert len(clickhouse.asked) == 2


async def test_a_key_that_no_database_can_hold_is_unknown_and_is_not_sent() -> None:
    postgres, clickhouse = RecordedAnswers(), RecordedAnswers()
    records = await _load(_loader(postgres, clickhouse), ["a\0b", "a"], RECORD, PUNCTUALITY)
    assert (postgres.asked, clickhouse.asked) == ([["a"]], [["a"]])
    assert [each.get(RECORD) for each in records] == [None, ("a",)]
    assert records[0].get(PUNCTUALITY) == (0, None, None, None, None, None)


async def test_an_answer_with_other_columns_is_malformed() -> None:
    class OtherColumns(RecordedAnswers):
        async def columns(self, sql: str, parameters: Mapping[str, Any]) -> Columns:
            answer = await super().columns(sql, parameters)
            return Columns(("other", *answer.names[1:]), answer.columns)

    (record,) = await _load(_loader(RecordedAnswers(), OtherColumns()), ["a"], PUNCTUALITY, RECORD)
    with pytest.raises(SectionError, match="other columns") as raised:
        record.get(PUNCTUALITY)
    cause = raised.value.cause
    assert (cause.store, cause.kind) == ("clickhouse", FailureKind.MALFORMED)


async def test_more_objects_than_can_be_loaded_at_once_are_the_callers_error() -> None:
    keys = [f"N{number}" for number in range(MAX_OBJECTS + 1)]
    with pytest.raises(CallerError, match="for 10,000 different objects of a type, and this one is for 10,001"):
        await _load(_loader(RecordedAnswers(), RecordedAnswers()), keys, RECORD)


async def test_keys_are_sent_in_chunks_of_so_many_bytes() -> None:
    keys = [f"{number:040}" for number in range(5_000)]
    postgres = RecordedAnswers()
    records = await _load(_loader(postgres, RecordedAnswers()), keys, RECORD)
    assert [len(asked) for asked in postgres.asked] == [2_325, 2_325, 350]
    assert [each.get(RECORD) for each in records] == [(key,) for key in keys]


def test_chunks_hold_all_keys_in_order() -> None:
    key = loaded_model("deploy.analytics.model").bound_sections["Member.record"].key
    keys = [str(UUID(int=number)) for number in range(10_000)]
    chunks = chunked(key, keys)
    assert [each for chunk in chunks for each in chunk] == keys
    assert max(map(len, chunks)) <= 100_000 // 39


async def test_whoever_waits_at_the_release_is_cancelled_and_nothing_is_kept() -> None:
    loader = _loader(RecordedAnswers(), RecordedAnswers())
    loading = asyncio.ensure_future(_load(loader, ["a"], RECORD))
    await asyncio.sleep(0)
    await loader.release()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert not loader._handed_out
