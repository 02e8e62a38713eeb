"""Shapes of requests for pages, nodes, the schema; of batches, parts, denied fields, told prices and exports."""

from collections.abc import Iterator

from graphql import GraphQLSchema, get_introspection_query

from benchmarks.calibration.shapes import SIZES, Shape, aircraft
from tests.queries import DASHBOARD, everything, leaves

_CODES = ("JFK", "LGA", "EWR", "ATL", "ORD", "LAX", "BOS", "MCO", "CLT", "SFO", "FLL", "MIA", "DCA", "DTW", "DFW")
_PAGES = {
    "": "nodes { id }",
    " with cursors": "edges { cursor node { id } } pageInfo { hasNextPage endCursor }",
    " and count": "totalCount nodes { id }",
    " of punctuality": "nodes { analysis { punctuality { flights onTimeShare } } }",
    " of registration": "nodes { registration { model manufacturer year seats } }",
    " twice": "nodes { id } edges { node { id registration { model } } }",
}
_VALIDATE = {"graphql-cost": "validate"}
_CHOSEN = {
    "filtered and ordered": "filter: {seats: {from: 99}, year: {from: 1990}}, orderBy: {field: SEATS, direction: DESC}",
    "by prefix": 'filter: {tailNumberPrefix: "N9"}, orderBy: {field: REVISED_AT}',
}


def other_shapes(schema: GraphQLSchema) -> Iterator[Shape]:
    """All of them."""
    yield from _roots()
    yield from _nodes(schema)
    yield from _pages()
    yield from _mixed(schema)
    yield from _modes(schema)
    yield from _parts()
    yield from _denied()


def _roots() -> Iterator[Shape]:
    punctuality = "analysis { punctuality { flights } }"
    yield Shape("__typename", "{ __typename }")
    yield Shape("aircraft", '{ aircraft(tailNumber: "N725MQ") { id } }')
    yield Shape("unknown aircraft", '{ aircraft(tailNumber: "nothing") { id registration { model } } }')
    yield Shape("airport", '{ airport(code: "JFK") { name } }')
    yield Shape("airline", '{ airline(code: "UA") { name } }')
    many = " ".join(f'{code}: airport(code: "{code}") {{ name }}' for code in _CODES)
    yield Shape("15 airports", f"{{ {many} }}")
    for name, selected in (("id", "id"), ("punctuality", punctuality)):
        many = " ".join(f'a{index}: aircraft(tailNumber: "N{index}") {{ {selected} }}' for index in range(20))
        yield Shape(f"20 root fields of {name}", f"{{ {many} }}")
    yield Shape("small introspection", "{ __schema { queryType { name } } }")
    yield Shape("type", '{ __type(name: "Analysis") { fields { name } } }')
    yield Shape("introspection", get_introspection_query())


def _nodes(schema: GraphQLSchema) -> Iterator[Shape]:
    few = "query($nodes: [ID!]!) { nodes(ids: $nodes) { id __typename } }"
    records = f"... on Airport {leaves(schema, 'Airport')} ... on Airline {leaves(schema, 'Airline')}"
    wide = f"query($nodes: [ID!]!) {{ nodes(ids: $nodes) {{ id {records} }} }}"
    for size in SIZES:
        airports = [f"Airport:{_CODES[index % len(_CODES)]}" for index in range(size)]
        airlines = [f"Airline:{('UA', 'B6', 'EV')[index % 3]}" for index in range(size)]
        mixed = [item for pair in zip(airports, airlines, strict=True) for item in pair][:size]
        yield Shape(f"nodes of airports, {size} ids", few, variables={"nodes": airports})
        yield Shape(f"nodes of airlines, {size} ids", few, variables={"nodes": airlines})
        yield Shape(f"nodes, mixed, {size} ids", wide, variables={"nodes": mixed})


def _pages() -> Iterator[Shape]:
    for size in SIZES:
        for name, text in _PAGES.items():
            yield Shape(f"fleet{name}, first {size}", f"{{ fleet(first: {size}) {{ {text} }} }}")
        for name, text in _CHOSEN.items():
            query = f"{{ fleet(first: {size}, {text}) {{ totalCount nodes {{ id }} }} }}"
            yield Shape(f"fleet, {name}, first {size}", query)
    counts = " ".join(f"a{index}: totalCount" for index in range(10))
    yield Shape("fleet, 10 counts", f"{{ fleet(first: 1) {{ {counts} }} }}")
    many = " ".join(f"a{index}: fleet(first: 1) {{ nodes {{ id }} }}" for index in range(12))
    yield Shape("12 fleets", f"{{ {many} }}")


def _mixed(schema: GraphQLSchema) -> Iterator[Shape]:
    """Fields that are loaded together: every aircraft is asked all that any of them is."""
    item = f"analysis {leaves(schema, 'Analysis')}"
    many = "a: aircraftByIds(ids: $ids) { id }"
    for size in (50, 500):
        single = f'b: aircraft(tailNumber: "N725MQ") {{ {item} }}'
        yield Shape(f"ids beside everything of one, {size} ids", f"query($ids: [ID!]!) {{ {many} {single} }}", size)
        section = "{ analysis { punctuality { flights } daily { date flights } } }"
        twice = f"a: aircraftByIds(ids: $ids) {section} b: aircraftByIds(ids: $ids) {section}"
        yield Shape(f"daily twice, {size} ids", f"query($ids: [ID!]!) {{ {twice} }}", size)


def _modes(schema: GraphQLSchema) -> Iterator[Shape]:
    """Yield what is told of operations, and operations in batches and exports."""
    yield from _told(everything(schema))
    yield from _new_periods(leaves(schema, "Analysis"))
    for size in SIZES:
        yield Shape(f"batch of 10 dashboards, {size} ids", DASHBOARD, size, operations=10)
    yield Shape("batch of 10 __typename", "{ __typename }", operations=10)
    yield Shape("export of 1", "$ids", 1, path="/export/analysis?ids=$ids")
    yield Shape("export of 50", "$ids", 50, path="/export/analysis?ids=$ids")


def _told(whole: str) -> Iterator[Shape]:
    """Yield costs, explanations and accounting of the dashboard and of everything."""
    explain, accounting = {"explain": True}, {"accounting": True}
    for size in SIZES:
        for name, query in (("dashboard", DASHBOARD), ("everything", whole)):
            for mode in ("validate", "report"):
                yield Shape(f"{mode} of {name}, {size} ids", query, size, headers={"graphql-cost": mode})
            label = f"explain {name}, validate, {size} ids"
            yield Shape(label, query, size, headers=_VALIDATE, extensions=explain)
            yield Shape(f"explain {name}, {size} ids", query, size, extensions=explain)
            yield Shape(f"accounting of {name}, {size} ids", query, size, extensions=accounting)


def _new_periods(inside: str) -> Iterator[Shape]:
    """Yield estimates of operations whose periods were never asked for, so that each is read again."""
    many = " ".join(
        f"a{index}: analysis(period: $p{index}) {{ routeBenchmark {{ origin }} punctuality {{ flights }} }}"
        for index in range(15)
    )
    for size in SIZES:
        section = "analysis(period: $p0) { punctuality { flights } }"
        yield aircraft(section, "validate, new period", size, 1, headers=_VALIDATE)
        every = f"analysis(period: $p0) {inside}"
        yield aircraft(every, "validate of all sections, new period", size, 1, headers=_VALIDATE)
        yield aircraft(many, "validate, 15 new periods", size, 15, headers=_VALIDATE)


def _parts() -> Iterator[Shape]:
    accept = {"accept": "multipart/mixed"}
    section = "analysis { ... @defer { punctuality { flights onTimeShare } } }"
    whole = "query($ids: [ID!]!) { __typename ... @defer { aircraftByIds(ids: $ids) { id registration { model } } } }"
    streamed = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) @stream(initialCount: 1) { id } }"
    beside = "analysis { daily { date flights } ... @defer { punctuality { flights } } }"
    for size in SIZES:
        yield aircraft(f"id {section}", "deferred punctuality", size, headers=accept)
        yield aircraft("id ... @defer { registration { model } }", "deferred registration", size, headers=accept)
        yield aircraft(beside, "daily beside what is deferred", size, headers=accept)
        yield Shape(f"deferred aircraft, {size} ids", whole, size, headers=accept)
        yield Shape(f"streamed aircraft, {size} ids", streamed, size, headers=accept)
    for size in (1, 20):
        yield aircraft("analysis { daily @stream { date } }", "streamed daily", size, headers=accept)
        rows = "analysis { daily { date ... @defer { flights } } }"
        yield aircraft(rows, "daily with deferred flights", size, headers=accept)


def _denied() -> Iterator[Shape]:
    twenty = " ".join(f"a{index}: operator {{ name }}" for index in range(20))
    daily = "analysis { daily { date flights } airportsServed { airport { name } } }"
    for size in SIZES:
        yield aircraft(f"id {twenty}", "20 denied", size, anonymous="analysis:read")
        yield aircraft("id operator { name }", "1 denied", size, anonymous="analysis:read")
        yield aircraft(daily, "daily beside denied airports", size, anonymous="analysis:read")
    yield Shape("airport, denied", '{ airport(code: "JFK") { name } }', anonymous="analysis:read")
