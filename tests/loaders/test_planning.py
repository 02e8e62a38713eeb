"""Planning: requests to statements, with no store in sight; then every statement on the real stores."""

from collections.abc import Sequence
from datetime import date

import pytest

from loaders.catalogue import ANALYSIS, SECTIONS
from loaders.catalogue.declaration import ConnectionSection, ListSection, Section, Store
from loaders.catalogue.flights import FlightLog
from loaders.catalogue.network import Routes
from loaders.catalogue.register import Known, Registration, Revisions
from loaders.catalogue.schedule import Cancellations, Punctuality
from loaders.catalogue.series import Monthly
from loaders.catalogue.weather import WeatherExposure
from loaders.errors import CallerError
from loaders.planning import Period, SectionRequest, Statement, Values, clickhouse, plan
from loaders.planning.section_request import section_request
from loaders.section_statements import SectionStatements
from loaders.sections import SectionLoader
from loaders.stores.protocols import ANSWER_ROWS
from tests.asking import Recorder
from tests.conftest import Stores

MARCH = Period(date(2013, 3, 1), date(2013, 3, 31))


def test_objects_of_one_source_are_one_statement_and_lists_another() -> None:
    objects, lists = plan(
        [
            section_request(Monthly),
            section_request(Punctuality),
            section_request(Routes),
            section_request(Cancellations),
        ]
    )
    assert [one.section for one in objects.requests] == [Punctuality, Cancellations]
    assert [one.section for one in lists.requests] == [Monthly, Routes]
    assert lists.arguments == {"monthly__first": 120, "routes__first": 10}


def test_object_sections_of_one_relation_share_one_pass() -> None:
    (statement,) = plan([section_request(Punctuality), section_request(Cancellations)])
    assert statement.sql.count("from flights") == 1
    assert "join" not in statement.sql


def test_each_source_and_each_period_is_a_statement_of_its_own() -> None:
    weather, register = section_request(WeatherExposure), [section_request(Known), section_request(Registration)]
    statements = plan([section_request(Punctuality), section_request(Punctuality, MARCH), weather, *register])
    assert [one.source.name for one in statements] == ["flights", "flights", "flights_with_weather", "aircraft"]
    assert [one.arguments for one in statements if one.arguments] == [
        {"period_start": date(2013, 3, 1), "period_end": date(2013, 3, 31)}
    ]


def test_the_same_requests_in_any_order_are_the_same_text() -> None:
    asked = [section_request(section) for section in ANALYSIS]
    assert [one.sql for one in plan(asked)] == [one.sql for one in plan(reversed(asked))]
    assert [one.sql for one in plan([*asked, *asked])] == [one.sql for one in plan(asked)]


def test_one_list_with_two_limits_is_grouped_once() -> None:
    (statement,) = plan([section_request(Monthly, first=2), section_request(Monthly, first=3)])
    assert statement.arguments == {"monthly__first": 2, "monthly_2__first": 3}
    assert statement.sql.count("from flights") == 1


def test_no_value_is_ever_part_of_the_text() -> None:
    period = Period(date(1999, 12, 31), date(2041, 5, 17))
    after = (1_357_016_400, "QQ", 4242, "ZZZ")
    asked = [section_request(section, period, 77 if issubclass(section, ListSection) else None) for section in ANALYSIS]
    asked.append(section_request(FlightLog, period, 77, after))
    for statement in plan(asked):
        for value in ("1999", "2041", "77", "1357016400", "QQ", "4242", "ZZZ"):
            assert value not in statement.sql


def test_the_register_knows_no_period() -> None:
    assert section_request(Registration, MARCH) == section_request(Registration)


def test_a_period_without_ends_is_none() -> None:
    assert section_request(Punctuality, Period()) == section_request(Punctuality)


@pytest.mark.parametrize("first", [-1, 1_001])
def test_a_first_out_of_bounds_is_the_callers_fault(first: int) -> None:
    with pytest.raises(CallerError, match="monthly: first must be from 0 to 1,000"):
        section_request(Monthly, first=first)


@pytest.mark.parametrize("first", [0, 1_000])
def test_a_first_at_its_bounds_is_taken(first: int) -> None:
    assert section_request(Monthly, first=first).first == first


def test_a_period_that_ends_before_it_begins_is_the_callers_fault() -> None:
    with pytest.raises(CallerError, match="must not end before it begins"):
        section_request(Punctuality, Period(date(2013, 2, 1), date(2013, 1, 31)))


def test_a_page_asks_for_one_row_more_than_it_shows() -> None:
    (statement,) = plan([section_request(FlightLog, first=7)])
    assert statement.arguments == {"flight_log__first": 8}


def test_names_of_sections_and_columns_are_unique() -> None:
    assert len({section.graphql_name() for section in SECTIONS.values()}) == len(SECTIONS)
    assert len({section.type_name for section in ANALYSIS}) == len(ANALYSIS)
    for section in SECTIONS.values():
        assert len({column.name for column in section.columns}) == len(section.columns)


@pytest.mark.parametrize("section", SECTIONS.values(), ids=lambda section: section.name)
def test_a_declaration_is_complete(section: type[Section]) -> None:
    assert section.description
    assert all(column.description for column in section.columns)
    if section.present_by:
        assert section.present_by in [column.name for column in section.columns]
    if issubclass(section, ListSection):
        grouped = [column.grouped for column in section.columns]
        assert grouped == sorted(grouped, reverse=True), "grouped columns come first"
        assert section.order or any(grouped), "a list has an order"
        assert 0 < section.first <= section.most
    if issubclass(section, ConnectionSection):
        assert len(section.cursor) == len(section.order)


@pytest.mark.parametrize("period", [None, MARCH], ids=["ever", "march"])
@pytest.mark.parametrize("section", SECTIONS.values(), ids=lambda section: section.name)
async def test_a_section_alone_is_one_call_of_its_store(
    sample_stores: Stores, section: type[Section], period: Period | None
) -> None:
    recorder = Recorder()
    loader = SectionLoader(
        SectionStatements(recorder.relational(sample_stores.postgres), recorder.analytical(sample_stores.clickhouse))
    )
    asked = section_request(section, period)
    (loaded,) = await loader.load((("N14228",), frozenset([asked])))
    value = loaded.get(asked)
    assert value, "this aircraft has something to say in every section"
    rows = value if issubclass(section, ListSection) else [value]
    assert all(len(row) == len(section.columns) for row in rows)
    assert len(recorder.sent) == (2 if section.relation.source.cohort else 1)


async def test_revisions_are_one_statement_for_all_aircraft(sample_stores: Stores) -> None:
    recorder = Recorder()
    loader = SectionLoader(
        SectionStatements(recorder.relational(sample_stores.postgres), recorder.analytical(sample_stores.clickhouse))
    )
    asked = section_request(Revisions, first=1)
    loaded = await loader.load((("N10156", "N725MQ", "N102UW"), frozenset([asked])))
    assert [[row[0] for row in one.get(asked)] for one in loaded] == [[1], [], [2]]
    assert len(recorder.sent) == 1


_ALONE = [one for one in ANALYSIS if issubclass(one, ListSection) and one.relation.source.store is Store.CLICKHOUSE]
_SOME = ["N725MQ", "N10156", "nothing", "N14228"]


def _read(statement: Statement, columns: Sequence[Sequence[object]]) -> dict[SectionRequest, Values]:
    return dict(filter(None, statement.read(columns, _SOME)))


def _rounded(lists: Values) -> list[list[tuple[object, ...]]]:
    """The rows with floats to nine digits: a sum depends on the order in which threads add."""
    return [[tuple(f"{v:.9g}" if isinstance(v, float) else v for v in row) for row in rows] for rows in lists]


@pytest.mark.parametrize("first", [0, 1, 7, 1_000])
@pytest.mark.parametrize("section", _ALONE, ids=lambda section: section.name)
async def test_a_list_on_its_own_has_the_rows_that_it_has_among_others(
    sample_stores: Stores, section: type[ListSection], first: int
) -> None:
    asked = section_request(section, MARCH, first)
    alone, among = clickhouse.rows(asked), clickhouse.fused([asked, section_request(section, MARCH, 5)])
    answers = [
        _read(one, (await sample_stores.clickhouse.columns(one.sql, {"ids": _SOME, **one.arguments})).columns)
        for one in (alone, among)
    ]
    assert _rounded(answers[0][asked]) == _rounded(answers[1][asked])
    assert any(answers[0][asked]) == (first > 0 or issubclass(section, ConnectionSection))


@pytest.mark.parametrize("section", _ALONE, ids=lambda section: section.name)
async def test_clickhouse_aggregates_in_the_tables_order_where_a_section_says_that_it_can(
    sample_stores: Stores, section: type[ListSection]
) -> None:
    (statement,) = plan([section_request(section)])
    steps = await sample_stores.clickhouse.columns(
        f"select explain, count() over () as {ANSWER_ROWS} from (explain pipeline {statement.sql})",
        {"ids": _SOME, **statement.arguments},
    )
    assert any("AggregatingInOrder" in step for step in steps.columns[0]) == section.in_order


async def test_a_joined_answer_comes_in_small_blocks(sample_stores: Stores) -> None:
    """The driver decodes a block in calls that let no other thread run."""
    (statement,) = plan([section_request(Monthly), section_request(Routes)])
    asked = {"ids": [f"N{at}" for at in range(600)], **statement.arguments}
    blocks = await sample_stores.clickhouse._client.query_column_block_stream(statement.sql, asked)
    async with blocks as stream:
        assert [len(block[0]) async for block in stream] == [256, 256, 88]


def test_a_long_list_is_read_with_pauses() -> None:
    (statement,) = plan([section_request(Monthly)])
    keys = [f"N{at}" for at in range(500) for _ in range(100)]
    read = list(statement.read([keys, *[range(len(keys))] * len(Monthly.columns)], ["N499", "nothing", "N0"]))
    assert sum(one is None for one in read) == 4
    assert read[-1] is not None
    (last, nothing, first) = read[-1][1]
    assert (first[0], last[-1], nothing) == ((0,) * len(Monthly.columns), (49_999,) * len(Monthly.columns), [])
