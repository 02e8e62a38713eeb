"""The price of an operation against what it takes: of real queries over the busiest aircraft, with nothing cached."""

from typing import Any, cast

import orjson
import pytest
from graphql import GraphQLField, GraphQLObjectType, get_named_type, get_nullable_type, is_list_type

from loaders.model.shapes import Cardinality
from loaders.statements.section_request import graphql_name
from tests.conftest import Stores
from tests.fleet.served import MODEL, SCHEMA
from tests.gateway.http.conftest import Gateway, NewGateway, kept
from tests.queries import DASHBOARD, TRENDS, everything, leaves

CORE = SCHEMA._schema
EVERYTHING = everything(CORE)
LISTS = {graphql_name(each) for each in MODEL.bound_sections.values() if each.cardinality is not Cardinality.ONE}
FIELDS: dict[str, GraphQLField] = cast("GraphQLObjectType", CORE.type_map["Analysis"]).fields
ACCOUNTED = {"extensions": {"accounting": True}}


@pytest.fixture(scope="module")
async def busiest(sample_stores: Stores) -> list[str]:
    """The aircraft with the most flights, those that the register knows: of the others, less is asked."""
    register = await sample_stores.postgres.rows("select tail_number from aircraft where manufacturer is not null")
    known = {tail_number for (tail_number,) in register}
    flown = "select tail_number from flights group by tail_number order by count() desc, tail_number"
    answer = await sample_stores.clickhouse.columns(flown, {})
    return [key for key in answer.columns[0] if key in known][:500]


async def compared(gateway: Gateway, query: str, ids: list[str]) -> tuple[Any, Any, int]:
    """Return the estimate, the statistics of the request, and the bytes of the answer."""
    body = {"query": query, "variables": {"ids": ids}}
    answer = (await gateway.post(body | ACCOUNTED, graphql_cost="report")).json()
    assert "errors" not in answer
    extensions = answer["extensions"]
    return extensions["cost"]["estimated"], extensions["accounting"], len(orjson.dumps(answer["data"]))


@pytest.mark.parametrize("query", [DASHBOARD, TRENDS, EVERYTHING], ids=["dashboard", "trends", "everything"])
@pytest.mark.parametrize("ids", [1, 50, 200])
async def test_as_many_statements_are_sent_as_were_estimated(
    gateway: Gateway, busiest: list[str], query: str, ids: int
) -> None:
    estimated, account, size = await compared(gateway, query, busiest[:ids])
    assert estimated["statements"] == sum(account["statements"].values())
    assert size / 2 < estimated["bytes"] < size * 2


def _section_query(name: str) -> str:
    below = get_named_type(FIELDS[name].type)
    selected = leaves(CORE, below.name) if isinstance(below, GraphQLObjectType) else ""
    return f"query($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ analysis {{ {name} {selected} }} }} }}"


@pytest.mark.parametrize("name", FIELDS)
async def test_rows_and_bytes_of_a_section_are_about_what_was_estimated(
    gateway: Gateway, busiest: list[str], name: str
) -> None:
    estimated, account, size = await compared(gateway, _section_query(name), busiest[:50])
    is_list = is_list_type(get_nullable_type(FIELDS[name].type)) or name in LISTS
    factor = 3 if is_list else 2
    assert estimated["statements"] == sum(account["statements"].values())
    assert size / factor < estimated["bytes"] < size * factor
    # Which aircraft are of a model is read from the one database and sent to the other: that is estimated as points.
    rows = account["rows"]["clickhouse"] if name == "modelBenchmark" else sum(account["rows"].values())
    assert rows / factor <= estimated["rows"] <= rows * factor


@pytest.mark.parametrize(
    ("query", "statements", "objects"),
    [
        ('{ airline(code: "UA") { name } }', 1, 1),
        ('{ airport(code: "JFK") { name } a: airport(code: "LGA") { name } }', 1, 2),
        ('{ airport(code: "JFK") { name } airline(code: "UA") { name } }', 2, 2),
        ('{ airport(code: "LGA") { name } aircraft(tailNumber: "N14228") { homeBase { name } } }', 4, 2),
        ('{ node(id: "Airline:UA") { id } }', 1, 1),
        ('{ nodes(ids: ["Airline:UA", "Airport:JFK", "Aircraft:N14228", "Aircraft:N725MQ"]) { id } }', 3, 4),
        (
            '{ node(id: "Airport:JFK") { id ... on Aircraft { analysis { daily(first: -1) { date } } } }'
            ' nodes(ids: ["Airline:UA"]) { id ... on Aircraft { analysis { daily(first: -1) { date } } } } }',
            2,
            2,
        ),
        ('{ aircraft(tailNumber: "N14228") { id } }', 1, 1),
        ("{ fleet(first: 3) { edges { cursor } } }", None, 3),
        ("{ fleet(first: 3) { totalCount edges { node { registration { model } } } } }", None, 3),
        ("{ fleet(first: 1) { a: totalCount b: totalCount ... { c: totalCount } } }", 2, 1),
        ("{ fleet { nodes { analysis { punctuality { flights } } } } }", None, 50),
        ("{ __typename }", 0, 0),
        ("{ __schema { types { name } } }", 0, 0),
    ],
)
async def test_every_root_field_has_a_price(
    new_gateway: NewGateway, query: str, statements: int | None, objects: int
) -> None:
    async with new_gateway() as item:
        asked = {"query": query, **ACCOUNTED}
        extensions = (await item.post(asked, graphql_cost="report")).json()["extensions"]
        estimated, account = extensions["cost"]["estimated"], extensions["accounting"]
        assert estimated["statements"] == sum(account["statements"].values()) == len(item.recorder.sent)
        assert statements in (None, estimated["statements"])
        assert estimated["rows"] >= objects
        assert estimated["points"] >= 80 + 25 * estimated["statements"]


@pytest.mark.parametrize(
    "fields",
    [
        "analysis { a: daily { ...D } b: daily { ...D } c: daily { ...D } d: daily { ...D } }",
        "a: analysis { daily { ...D } } b: analysis { c: daily { ...D } d: daily { ...D } e: daily { ...D } }",
    ],
)
async def test_the_same_by_other_names_is_answered_again_and_weighs_as_much(
    gateway: Gateway, busiest: list[str], fields: str
) -> None:
    query = f"query($ids: [ID!]!) {{ aircraftByIds(ids: $ids) {{ {fields} }} }} fragment D on Day"
    query += f" {leaves(CORE, 'Day')}"
    estimated, account, size = await compared(gateway, query, busiest[:20])
    assert estimated["statements"] == sum(account["statements"].values())
    assert size / 2 < estimated["bytes"] < size * 2


async def test_a_node_id_is_priced_as_the_other_leaves_of_an_object_are(gateway: Gateway, busiest: list[str]) -> None:
    query = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { FIELDS operator { FIELDS } } }"
    prices, sizes = [], []
    for fields in ("id", "nodeId", "id nodeId"):
        estimated, _, size = await compared(gateway, query.replace("FIELDS", fields), busiest[:50])
        prices.append(estimated)
        sizes.append(size)
    assert prices[0]["points"] == prices[1]["points"] <= prices[2]["points"] <= prices[0]["points"] + 10
    assert all(size / 2 < item["bytes"] < size * 2 for size, item in zip(sizes, prices, strict=True))


async def test_each_page_pays_for_the_statements_of_its_own_aircraft(new_gateway: NewGateway) -> None:
    section = "{ nodes { analysis { punctuality { flights } carriers { airline { name } } } } }"
    pages = " ".join(f"p{index}: fleet(first: {1 + 40 * index}) {section}" for index in range(5))
    query = f'{{ {pages} aircraft(tailNumber: "N14228") {{ analysis {{ punctuality {{ flights }} }} }} }}'
    async with new_gateway() as item:
        answer = (await item.post({"query": query}, graphql_cost="report")).json()
        assert "errors" not in answer
        assert answer["extensions"]["cost"]["estimated"]["statements"] >= len(item.recorder.sent)


@pytest.mark.parametrize("first", ["-1", "1000000"])
async def test_what_is_refused_for_its_arguments_costs_nothing_and_asks_nothing(
    new_gateway: NewGateway, first: str
) -> None:
    query = f"{{ fleet(first: 2) {{ totalCount nodes {{ analysis {{ daily(first: {first}) {{ date }} }} }} }} }}"
    async with new_gateway() as item:
        answer = (await item.post({"query": query}, graphql_cost="report")).json()
        assert answer["errors"][0]["path"] == ["fleet"]
        assert answer["extensions"]["cost"]["estimated"]["statements"] == len(item.recorder.sent) == 0


async def test_what_is_denied_costs_nothing_and_is_not_told_of(new_gateway: NewGateway) -> None:
    query = '{ airport(code: "JFK") { name } nodes(ids: ["Airline:UA", "Airport:LGA"]) { id } }'
    async with new_gateway(anonymous="analysis:read explain") as item:
        body = {"query": query, "extensions": {"explain": True}}
        answer = (await item.post(body, graphql_cost="report")).json()
        assert answer["data"] == {"airport": None, "nodes": [None, None]}
        assert [each["statements"] for each in answer["extensions"]["explain"]["fields"]] == [[], []]
        assert answer["extensions"]["cost"]["estimated"]["statements"] == len(item.recorder.sent) == 0


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ('{ aircraftByIds(ids: ["a"]) { id } }', '{ aircraftByIds(ids: ["a", "b"]) { id } }'),
        ("{ fleet(first: 1) { edges { node { id } } } }", "{ fleet(first: 100) { edges { node { id } } } }"),
        (
            '{ aircraft(tailNumber: "a") { analysis { daily(first: 1) { date } } } }',
            '{ aircraft(tailNumber: "a") { analysis { daily(first: 100) { date } } } }',
        ),
        (
            '{ aircraft(tailNumber: "a") { analysis { punctuality { flights } } } }',
            '{ aircraft(tailNumber: "a") { analysis { punctuality { flights } speed { maxMph } } } }',
        ),
        (
            '{ aircraft(tailNumber: "a") { analysis { punctuality { flights } } } }',
            '{ aircraft(tailNumber: "a") { analysis { punctuality { flights } } '
            'other: analysis(period: {from: "2013-06-01"}) { punctuality { flights } } } }',
        ),
    ],
)
async def test_who_asks_for_more_pays_more(gateway: Gateway, less: str, more: str) -> None:
    cheap, dear = [
        (await gateway.post({"query": query}, graphql_cost="validate")).json()["extensions"]["cost"]["estimated"]
        for query in (less, more)
    ]
    assert cheap["points"] < dear["points"]
    assert cheap["bytes"] < dear["bytes"]


async def test_the_same_twice_costs_what_it_takes_once(gateway: Gateway) -> None:
    section = "analysis { punctuality { flights } }"
    once = '{ aircraft(tailNumber: "a") { ' + section + " } }"
    twice = '{ aircraft(tailNumber: "a") { ' + f"{section} {section} ...A" + " } } fragment A on Aircraft { " + section
    prices = [(await gateway.post({"query": item}, graphql_cost="validate")).json() for item in (once, twice + " }")]
    assert prices[0] == prices[1]


@pytest.mark.parametrize("skipped", ["@skip(if: true)", "@include(if: false)", "@include(if: $no)"])
async def test_what_is_left_out_costs_nothing(gateway: Gateway, skipped: str) -> None:
    query = (
        f'query($no: Boolean = false) {{ a: __typename @skip(if: $no) aircraft(tailNumber: "a") {skipped} {{ id }} }}'
    )
    answer = (await gateway.post({"query": query}, graphql_cost="validate")).json()
    assert answer["extensions"]["cost"]["estimated"]["statements"] == 0


async def test_validate_asks_nothing_and_has_no_data(new_gateway: NewGateway) -> None:
    body = {"query": DASHBOARD, "variables": {"ids": ["N14228"]}}
    async with new_gateway() as item:
        answer = await item.post(body, graphql_cost="validate")
        assert set(answer.json()) == {"data", "extensions"}
        assert answer.json()["data"] is None
        assert set(answer.json()["extensions"]["cost"]["estimated"]) == {"statements", "rows", "bytes", "points"}
        assert answer.headers["cache-control"] in ("no-store", "no-cache")
        assert item.recorder.sent == []


async def test_validate_of_what_would_be_refused_is_refused(new_gateway: NewGateway) -> None:
    async with new_gateway(max_statements=1) as item:
        answer = await item.post({"query": DASHBOARD, "variables": {"ids": ["N14228"]}}, graphql_cost="validate")
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_report_is_the_answer_and_its_cost(gateway: Gateway) -> None:
    body = {"query": DASHBOARD, "variables": {"ids": ["N14228"]}}
    plain, reported = await gateway.post(body), await gateway.post(body, graphql_cost="Report")
    assert "extensions" not in plain.json()
    assert reported.json()["data"] == plain.json()["data"]
    assert reported.json()["extensions"]["cost"]["estimated"]["statements"] == 3


@pytest.mark.parametrize("mode", ["validate", "report"])
async def test_who_wants_a_cost_has_it_where_the_answer_is_kept(new_gateway: NewGateway, mode: str) -> None:
    body = {"query": DASHBOARD, "variables": {"ids": ["N14228", mode]}}
    async with new_gateway(cache=True) as item:
        assert "extensions" not in (await kept(lambda: item.post(body))).json()
        answer = await item.post(body, graphql_cost=mode)
        assert "cost" in answer.json()["extensions"]
        assert "public" not in answer.headers["cache-control"]
        assert "extensions" not in (await item.post(body)).json()
