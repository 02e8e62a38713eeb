"""Every section of the analysis answers what plain Python says, alone and fused with all others."""

import random
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from tests.truth.case import Case, Row
from tests.truth.compare import differences
from tests.truth.data import Sample
from tests.truth.gateway import AnswerError, Gateway, period_variable
from tests.truth.records import Period
from tests.truth.sections import (
    OF_AIRCRAFT,
    SELECTION,
    TRUTH,
    analysis_fields,
    arguments,
    expected,
    expected_of_aircraft,
)

pytestmark = pytest.mark.engine

SAMPLE_SIZE = 200
PAGE = 50
ALWAYS = Period()
SPRING = Period(date(2013, 3, 10), date(2013, 6, 20))
SAMPLES = {
    "always": (ALWAYS, 1),
    "always_others": (ALWAYS, 20131231),
    "spring": (SPRING, 2),
    "from": (Period(first=date(2013, 9, 1)), 3),
    "to": (Period(last=date(2013, 2, 8)), 4),
    "one_day": (Period(date(2013, 11, 3), date(2013, 11, 3)), 5),
    "before_all_flights": (Period(date(2012, 1, 1), date(2012, 12, 31)), 6),
}
PAGE_INFO = "pageInfo { hasNextPage endCursor }"
LISTS = [name for name, field in analysis_fields().items() if "first" in arguments(field)]


def chosen(sample: Sample, seed: int) -> list[str]:
    """Aircraft at random, with the same ones for the same seed."""
    return random.Random(seed).sample(sorted(sample.flights_of), SAMPLE_SIZE)


def expected_row(sample: Sample, tail_number: str, period: Period, sections: Sequence[str], first: int | None) -> Row:
    """What the gateway must answer for an aircraft."""
    case, always = Case(sample, tail_number, period), Case(sample, tail_number, ALWAYS)
    return {
        "id": tail_number,
        "tailNumber": tail_number,
        **{name: expected_of_aircraft(name, always) for name in OF_AIRCRAFT},
        "analysis": {name: expected(name, case, first) for name in sections},
    }


async def disagreements(
    gateway: Gateway,
    sample: Sample,
    ids: Sequence[str],
    period: Period,
    sections: Sequence[str],
    first: int | None = None,
) -> list[str]:
    """Where the gateway and the truth differ, `N725MQ.analysis.punctuality.flights: 574, expected 575`."""
    answers = await gateway.aircraft(ids, period, sections, first, fields=list(OF_AIRCRAFT))
    assert [answer["id"] for answer in answers] == list(ids)
    return [
        difference
        for tail_number, answer in zip(ids, answers, strict=True)
        for difference in differences(answer, expected_row(sample, tail_number, period, sections, first), tail_number)
    ]


def assert_none(result: Sequence[str]) -> None:
    """Prints each disagreement on a line; a comparison of the lists would say less and take minutes."""
    assert not result, "\n".join([f"{len(result)} disagreements", *result])


def pages(ids: Sequence[str]) -> list[Sequence[str]]:
    """The ids in questions of a size that a dashboard asks."""
    return [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]


def test_the_truth_knows_every_section() -> None:
    assert set(TRUTH) == set(analysis_fields())


@pytest.mark.parametrize("period", [ALWAYS, SPRING], ids=["always", "spring"])
@pytest.mark.parametrize("section", TRUTH)
async def test_a_section_alone_is_true(section: str, period: Period, gateway: Gateway, sample: Sample) -> None:
    assert_none(await disagreements(gateway, sample, chosen(sample, seed=1), period, [section]))


@pytest.mark.parametrize(("period", "seed"), SAMPLES.values(), ids=SAMPLES)
async def test_all_sections_together_are_true(period: Period, seed: int, gateway: Gateway, sample: Sample) -> None:
    result = [
        difference
        for ids in pages(chosen(sample, seed))
        for difference in await disagreements(gateway, sample, ids, period, list(TRUTH))
    ]
    assert_none(result)


@pytest.mark.parametrize("first", [0, 1, 3, 1000])
async def test_lists_are_true_at_any_length(first: int, gateway: Gateway, sample: Sample) -> None:
    assert_none(await disagreements(gateway, sample, chosen(sample, seed=2)[:PAGE], ALWAYS, LISTS, first))


async def test_the_busiest_aircraft_are_true(gateway: Gateway, sample: Sample) -> None:
    busiest = sorted(sample.flights_of, key=lambda tail_number: -len(sample.flights_of[tail_number]))[:10]
    assert_none(await disagreements(gateway, sample, busiest, ALWAYS, list(TRUTH), first=1000))


async def test_aircraft_with_flights_at_one_instant_are_true(gateway: Gateway, sample: Sample) -> None:
    assert_none(await disagreements(gateway, sample, twice_at_once(sample), ALWAYS, list(TRUTH), first=1000))


def twice_at_once(sample: Sample) -> list[str]:
    """Aircraft that were scheduled to depart twice at one instant."""
    return sorted(
        tail_number
        for tail_number, flights in sample.flights_of.items()
        if len({flight.scheduled_departure for flight in flights}) < len(flights)
    )


async def test_registration_and_fixed_sections_of_the_whole_fleet_are_true(gateway: Gateway, sample: Sample) -> None:
    everyone = sorted(sample.flights_of)
    sections = ["punctuality", "utilization", "cancellations", "monthly", "registration", "revisions", "seatRank"]
    assert_none(await disagreements(gateway, sample, everyone, ALWAYS, sections))


async def test_two_periods_in_one_question_are_true(gateway: Gateway, sample: Sample) -> None:
    ids = chosen(sample, seed=3)[:PAGE]
    query = f"""query Both($ids: [ID!]!, $spring: Period) {{ aircraftByIds(ids: $ids) {{
      always: analysis {{ punctuality {{ {SELECTION["punctuality"]} }} few: routes(first: 2) {{ {SELECTION["routes"]} }} }}
      spring: analysis(period: $spring) {{
        punctuality {{ {SELECTION["punctuality"]} }} few: routes(first: 1) {{ {SELECTION["routes"]} }}
      }} }} }}"""
    answers = await gateway.ask(query, ids=ids, spring=period_variable(SPRING))
    truths = [
        {
            "always": {"punctuality": expected("punctuality", always), "few": expected("routes", always, 2)},
            "spring": {"punctuality": expected("punctuality", spring), "few": expected("routes", spring, 1)},
        }
        for always, spring in ((Case(sample, item, ALWAYS), Case(sample, item, SPRING)) for item in ids)
    ]
    assert_none(differences(answers["aircraftByIds"], truths))


async def test_aircraft_without_registration_answer(gateway: Gateway, sample: Sample) -> None:
    unregistered = sorted(sample.flights_of.keys() - sample.register.keys())[:PAGE]
    assert len(unregistered) == PAGE
    assert_none(await disagreements(gateway, sample, unregistered, ALWAYS, list(TRUTH)))
    answers = await gateway.aircraft(unregistered, ALWAYS, ["punctuality"], fields=["registration"])
    assert {answer["registration"] for answer in answers} == {None}


async def test_unknown_ids_are_null_in_their_places(gateway: Gateway) -> None:
    answers = await gateway.aircraft(["NA", "N725MQ", "n725mq", "", "N725MQ"], ALWAYS, ["punctuality"])
    assert [answer and answer["id"] for answer in answers] == [None, "N725MQ", None, None, "N725MQ"]


async def test_an_unknown_aircraft_is_null(gateway: Gateway) -> None:
    assert await gateway.ask('{ aircraft(tailNumber: "N0") { id } }') == {"aircraft": None}


async def test_a_period_that_ends_before_it_begins_is_refused(gateway: Gateway) -> None:
    backwards = Period(SPRING.last, SPRING.first)
    with pytest.raises(AnswerError, match="must not end before it begins"):
        await gateway.aircraft(["N725MQ"], backwards, ["punctuality"])


async def test_flight_log_pages_are_all_of_the_flights_in_order(gateway: Gateway, sample: Sample) -> None:
    case = Case(sample, twice_at_once(sample)[0], ALWAYS)
    walked: list[Any] = []
    after = None
    while True:
        page = await one_page(gateway, case.tail_number, after)
        walked += page["edges"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert differences({"edges": [{"node": edge["node"]} for edge in walked]}, expected("flightLog", case, 1000)) == []


async def one_page(gateway: Gateway, tail_number: str, after: str | None) -> Any:
    """Seven flights of the log."""
    query = f"""
        query Page($id: ID!, $after: String) {{
          aircraft(tailNumber: $id) {{
            analysis {{ flightLog(first: 7, after: $after) {{ {SELECTION["flightLog"]} {PAGE_INFO} }} }}
          }}
        }}"""
    answer = await gateway.ask(query, id=tail_number, after=after)
    return answer["aircraft"]["analysis"]["flightLog"]
