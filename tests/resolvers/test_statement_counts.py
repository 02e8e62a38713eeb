"""How many statements a query takes, counted where loaders meet the stores: the number of ids must not matter."""

import pytest

from tests.asking import SCHEMA, Answer, ask
from tests.conftest import Stores
from tests.queries import DASHBOARD, TRENDS, everything

SIZES = (1, 50, 500)


async def _asked(stores: Stores, query: str, ids: list[str]) -> Answer:
    answer = await ask(stores.postgres, stores.clickhouse, query, {"ids": ids})
    assert answer.errors == []
    return answer


@pytest.mark.parametrize("size", SIZES)
async def test_the_dashboard_takes_three_statements(sample_stores: Stores, busiest: list[str], size: int) -> None:
    answer = await _asked(sample_stores, DASHBOARD, busiest[:size])
    assert (answer.recorder.count("clickhouse"), answer.recorder.count("postgresql")) == (1, 2)
    assert [item["id"] for item in answer.data["aircraftByIds"]] == busiest[:size]


@pytest.mark.parametrize("size", SIZES)
async def test_trends_take_four_statements(sample_stores: Stores, busiest: list[str], size: int) -> None:
    answer = await _asked(sample_stores, TRENDS, busiest[:size])
    assert (answer.recorder.count("clickhouse"), answer.recorder.count("postgresql")) == (2, 2)


@pytest.mark.parametrize("size", [1, 50])
async def test_every_section_at_once_takes_thirteen_statements(
    sample_stores: Stores, busiest: list[str], size: int
) -> None:
    answer = await _asked(sample_stores, everything(SCHEMA._schema), ["N14228", *busiest][:size])
    # ClickHouse: objects and lists of flights, of flights with weather, of the whole fleet; the model's fleet.
    # PostgreSQL: aircraft, registered fleet, revisions, members of models, airports, airlines.
    assert (answer.recorder.count("clickhouse"), answer.recorder.count("postgresql")) == (7, 6)


async def test_five_hundred_of_every_section_take_thirteen_statements_too(
    sample_stores: Stores, busiest: list[str]
) -> None:
    slim = everything(SCHEMA._schema)
    for name in ("daily", "weekly", "cumulativeDistance", "flightLog", "revisions"):
        slim = slim.replace(f" {name} {{", f" {name}(first: 1) {{")
    answer = await _asked(sample_stores, slim, busiest[:500])
    assert answer.statements == 13


async def test_an_id_asked_twice_is_answered_twice_and_bound_once(sample_stores: Stores, busiest: list[str]) -> None:
    first, second = busiest[:2]
    answer = await _asked(sample_stores, DASHBOARD, [first, second, first])
    assert [item["id"] for item in answer.data["aircraftByIds"]] == [first, second, first]
    assert answer.data["aircraftByIds"][0] == answer.data["aircraftByIds"][2]
    (flights,) = [item for item in answer.recorder.sent if item.store == "clickhouse"]
    assert flights.arguments == {"keys_0": [first, second]}


async def test_aliases_and_fragments_of_one_section_cost_nothing_more(
    sample_stores: Stores, busiest: list[str]
) -> None:
    columns = "flights meanArrivalDelay p95ArrivalDelay maxArrivalDelay"
    plain = f"query($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ analysis {{ punctuality {{ {columns} }} }} }} }}"
    doubled = """
    query($ids: [ID!]!) {
      aircraftByIds(ids: $ids) {
        a: analysis { punctuality { flights } again: punctuality { maxArrivalDelay } ...Delays }
        b: analysis { ...Delays ... on Analysis { punctuality { p95ArrivalDelay } } }
      }
      more: aircraftByIds(ids: $ids) { analysis { ...Delays } }
    }
    fragment Delays on Analysis { punctuality { meanArrivalDelay } }
    """
    once = await _asked(sample_stores, plain, busiest[:3])
    twice = await _asked(sample_stores, doubled, busiest[:3])
    assert twice.recorder.sent == once.recorder.sent
    assert twice.data["aircraftByIds"][0]["a"]["punctuality"].keys() == {"flights", "meanArrivalDelay"}


async def test_nothing_that_was_not_asked_for_is_fetched(sample_stores: Stores, busiest: list[str]) -> None:
    query = """
    query($ids: [ID!]!, $no: Boolean = false) {
      aircraftByIds(ids: $ids) {
        id
        operator @include(if: $no) { name }
        analysis { utilization { flights } monthly @skip(if: true) { month } routes @include(if: $no) { origin } }
      }
    }
    """
    answer = await _asked(sample_stores, query, busiest[:2])
    flights, aircraft = sorted(answer.recorder.sent, key=lambda item: item.store)
    assert "utilization__flights" in flights.sql
    assert not any(name in flights.sql for name in ("monthly", "routes", "punctuality", "main_carrier"))
    assert "seats" not in aircraft.sql
    assert answer.statements == 2


async def test_columns_that_nobody_asked_for_are_not_computed(sample_stores: Stores) -> None:
    query = """{
      a: aircraft(tailNumber: "N14228") { registration { model } analysis { punctuality { p95ArrivalDelay } } }
      b: aircraft(tailNumber: "N14228") { registration { seats } analysis { punctuality { flights } } }
      c: aircraft(tailNumber: "N14228") { analysis { punctuality { __typename } peers { __typename } } }
    }"""
    answer = await _asked(sample_stores, query, [])
    analysis = {name: answer.data[name]["analysis"]["punctuality"] for name in "abc"}
    assert analysis == {"a": {"p95ArrivalDelay": 83.0}, "b": {"flights": 111}, "c": {"__typename": "Punctuality"}}
    assert [answer.data[name]["registration"] for name in "ab"] == [{"model": "737-824"}, {"seats": 149}]
    assert answer.data["c"]["analysis"]["peers"] == {"__typename": "Peers"}
    text = " ".join(item.sql for item in answer.recorder.sent)
    assert all(f"punctuality__{name}" in text for name in ("p95_arrival_delay", "flights"))
    assert not any(f"punctuality__{name}" in text for name in ("p50_arrival_delay", "on_time_share"))
    assert "registration__engines" not in text
    assert answer.statements == 3  # flights, aircraft, registered fleet


async def test_an_id_alone_asks_only_whether_the_aircraft_is_known(sample_stores: Stores) -> None:
    answer = await _asked(sample_stores, "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } }", ["N725MQ", "no"])
    assert answer.data == {"aircraftByIds": [{"id": "N725MQ"}, None]}
    assert answer.statements == 1


async def test_periods_of_one_query_do_not_mix(sample_stores: Stores) -> None:
    query = """
    {
      aircraft(tailNumber: "N725MQ") {
        year: analysis { punctuality { flights } }
        january: analysis(period: {from: "2013-01-01", to: "2013-01-31"}) { punctuality { flights } }
        later: analysis(period: {from: "2013-02-01"}) { punctuality { flights } }
        open: analysis(period: {}) { punctuality { flights } }
        never: analysis(period: {from: "2014-01-01"}) { punctuality { flights meanArrivalDelay } monthly { month } }
      }
    }
    """
    answer = await ask(sample_stores.postgres, sample_stores.clickhouse, query)
    aircraft = answer.data["aircraft"]
    flights = {name: aircraft[name]["punctuality"]["flights"] for name in ("year", "january", "later", "open")}
    assert flights == {"year": 575, "january": 65, "later": 510, "open": 575}
    assert aircraft["never"] == {"punctuality": {"flights": 0, "meanArrivalDelay": None}, "monthly": []}
    assert answer.recorder.count("clickhouse") == 5  # a period without ends is none; the last has a list too
    assert answer.recorder.count("postgresql") == 1


async def test_root_fields_of_one_query_share_their_statements(sample_stores: Stores, busiest: list[str]) -> None:
    item, two, three = busiest[:3]
    query = f"""
    {{
      a: aircraft(tailNumber: "{item}") {{ analysis {{ punctuality {{ flights }} }} }}
      b: aircraft(tailNumber: "{two}") {{ operator {{ code }} analysis {{ monthly {{ flights }} }} }}
      node(id: "Aircraft:{three}") {{ ... on Aircraft {{ homeBase {{ code }} analysis {{ age {{ years }} }} }} }}
    }}
    """
    answer = await ask(sample_stores.postgres, sample_stores.clickhouse, query)
    assert answer.errors == []
    assert (answer.recorder.count("clickhouse"), answer.recorder.count("postgresql")) == (2, 3)


async def test_a_page_of_the_fleet_takes_one_statement_more(sample_stores: Stores) -> None:
    query = DASHBOARD.replace("$ids: [ID!]!", "$n: Int").replace(
        "aircraftByIds(ids: $ids) {", "fleet(first: $n) { nodes {"
    )
    answer = await ask(sample_stores.postgres, sample_stores.clickhouse, query + "}", {"n": 50})
    assert answer.errors == []
    assert len(answer.data["fleet"]["nodes"]) == 50
    assert answer.statements == 4
