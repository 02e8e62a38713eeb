"""The section loader: what it sends, in which batches, and what becomes of failures. Stores are hand-written here."""

import asyncio
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from loaders.catalogue.comparison import ModelBenchmark
from loaders.catalogue.register import Known, Registration
from loaders.catalogue.schedule import Cancellations, Punctuality
from loaders.errors import CallerError
from loaders.planning import SectionRequest
from loaders.planning.section_request import section_request
from loaders.section_statements import SectionStatements
from loaders.sections import MAX_IDS, Loaded, SectionLoader
from loaders.stores.errors import StoreTimeout, StoreUnavailable
from loaders.stores.protocols import ANSWER_ROWS, Columns

PUNCTUALITY, CANCELLATIONS = section_request(Punctuality), section_request(Cancellations)
KNOWN, REGISTRATION, MODEL = section_request(Known), section_request(Registration), section_request(ModelBenchmark)


class Answers:
    """Both stores: answers each id with made-up rows, in reverse order, and notes which ids were asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[list[str]] = []
        self._error = error

    async def columns(self, sql: str, parameters: Mapping[str, Any]) -> Columns:
        ids = parameters["ids"]
        self.asked.append(ids)
        if self._error is not None:
            raise self._error
        names = tuple(name for name in re.findall(r" as (\w+)", sql) if name not in ("flights", ANSWER_ROWS))
        keys = [key for key in reversed(ids) if key != "unknown"]
        return Columns(names, [keys, *([f"{key}.{at}" for key in keys] for at in range(1, len(names)))])

    async def rows(self, _sql: str, *arguments: Any) -> Sequence[Any]:
        self.asked.append(arguments[0])
        return [(key, key) for key in reversed(arguments[0]) if key != "unknown"]


def _loader(postgres: Answers, clickhouse: Answers) -> SectionLoader:
    return SectionLoader(SectionStatements(postgres, clickhouse))


async def _one(loader: SectionLoader, tail_number: str, *requests: SectionRequest) -> Loaded:
    (loaded,) = await loader.load(((tail_number,), frozenset(requests)))
    return loaded


async def test_keys_of_one_tick_are_one_batch_in_the_order_asked() -> None:
    clickhouse = Answers()
    loader = _loader(Answers(), clickhouse)
    loaded = await asyncio.gather(*(_one(loader, key, CANCELLATIONS) for key in ("a", "b", "a", "c")))
    assert clickhouse.asked == [["a", "b", "c"]]
    assert [one.get(CANCELLATIONS)[0] for one in loaded] == ["a.1", "b.1", "a.1", "c.1"]


async def test_aircraft_of_one_key_come_in_the_order_asked() -> None:
    clickhouse = Answers()
    loaded = await _loader(Answers(), clickhouse).load((("b", "a", "b"), frozenset([CANCELLATIONS])))
    assert clickhouse.asked == [["b", "a"]]
    assert [(one.tail_number, one.get(CANCELLATIONS)[0]) for one in loaded] == [
        ("b", "b.1"),
        ("a", "a.1"),
        ("b", "b.1"),
    ]


async def test_different_sets_of_sections_are_fused() -> None:
    clickhouse = Answers()
    loader = _loader(Answers(), clickhouse)
    one, other = await asyncio.gather(_one(loader, "a", CANCELLATIONS), _one(loader, "b", PUNCTUALITY))
    assert clickhouse.asked == [["a", "b"]]
    assert one.get(CANCELLATIONS)[0].startswith("a.")
    assert other.get(PUNCTUALITY)[0].startswith("b.")


async def test_an_id_without_rows_gets_the_empty_value() -> None:
    loader = _loader(Answers(), Answers())
    loaded = await _one(loader, "unknown", PUNCTUALITY, KNOWN)
    assert loaded.get(PUNCTUALITY) == (0, None, None, None, None, None)
    assert loaded.get(KNOWN) is None


async def test_an_aircraft_of_two_keys_is_bound_once() -> None:
    clickhouse = Answers()
    loader = _loader(Answers(), clickhouse)
    await asyncio.gather(_one(loader, "a", CANCELLATIONS), _one(loader, "a", PUNCTUALITY))
    assert clickhouse.asked == [["a"]]


async def test_more_aircraft_than_a_statement_can_bind_are_the_callers_error() -> None:
    clickhouse = Answers()
    loader = _loader(Answers(), clickhouse)
    ids = tuple(f"N{number}" for number in range(MAX_IDS + 1))
    with pytest.raises(CallerError, match="A request can be for 10,000 different aircraft, and this one is for 10,001"):
        await loader.load((ids, frozenset([PUNCTUALITY])))
    await loader.load((ids[1:], frozenset([CANCELLATIONS])))
    assert [len(asked) for asked in clickhouse.asked] == [MAX_IDS]


async def test_no_keys_are_no_statement() -> None:
    postgres, clickhouse = Answers(), Answers()
    assert await _loader(postgres, clickhouse).load_many([]) == []
    assert (postgres.asked, clickhouse.asked) == ([], [])


@pytest.mark.parametrize("key", ["", "\0", "N1\0", "\ud800", "N" * 13, "N1\n"])
async def test_a_key_that_no_store_can_hold_is_answered_without_being_sent(key: str) -> None:
    postgres = Answers()
    loaded = await _loader(postgres, Answers()).load(((key, "N1"), frozenset([KNOWN])))
    assert postgres.asked == [["N1"]]
    assert [one.get(KNOWN) for one in loaded] == [None, ("N1",)]


async def test_a_failed_statement_fails_its_own_sections_alone() -> None:
    error = StoreUnavailable("clickhouse", "gone")
    loaded = await _one(_loader(Answers(), Answers(error)), "a", PUNCTUALITY, KNOWN)
    assert loaded.get(KNOWN) == ("a",)
    with pytest.raises(StoreUnavailable, match="gone"):
        loaded.get(PUNCTUALITY)


async def test_a_failure_that_nobody_foresaw_fails_the_batch_and_is_forgotten() -> None:
    clickhouse = Answers(RuntimeError("a bug"))
    loader = _loader(Answers(), clickhouse)
    key = (("a",), frozenset([PUNCTUALITY]))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a bug"):
            await loader.load(key)
    assert len(clickhouse.asked) == 2


async def test_aircraft_without_a_model_ask_for_no_models_flights() -> None:
    class NoModels(Answers):
        async def rows(self, _sql: str, *arguments: Any) -> Sequence[Any]:
            self.asked.append(arguments[0])
            return []

    postgres, clickhouse = NoModels(), Answers()
    loaded = await _one(_loader(postgres, clickhouse), "a", MODEL)
    assert loaded.get(MODEL) is None
    assert (postgres.asked, clickhouse.asked) == ([["a"]], [])


async def test_a_slow_store_that_times_out_is_named() -> None:
    loaded = await _one(_loader(Answers(), Answers(StoreTimeout("clickhouse", "late"))), "a", PUNCTUALITY)
    with pytest.raises(StoreTimeout) as raised:
        loaded.get(PUNCTUALITY)
    assert raised.value.store == "clickhouse"


@pytest.mark.parametrize(("ids", "pauses"), [(201, 2), (200, 0)])
async def test_others_get_their_turn_between_the_sections_of_many_aircraft(
    ids: int, pauses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses_of: list[float] = []
    here, pause = threading.get_ident(), asyncio.sleep

    async def noted(delay: float) -> None:
        if threading.get_ident() == here:
            pauses_of.append(delay)
        else:  # of a server that another test's fixture has in a thread
            await pause(delay)

    loader = _loader(Answers(), Answers())
    monkeypatch.setattr("loaders.sections.asyncio.sleep", noted)
    await loader.load((tuple(f"N{at}" for at in range(ids)), frozenset([PUNCTUALITY, CANCELLATIONS])))
    assert pauses_of == [0] * pauses
    await loader.release()
    assert pauses_of == [0] * pauses * 2
    assert not loader._loaded


async def test_what_comes_after_the_release_is_not_kept() -> None:
    loader = _loader(Answers(), Answers())
    loading = asyncio.ensure_future(loader.load((("a",), frozenset([PUNCTUALITY]))))
    await loader.release()
    await loading
    assert not loader._loaded
