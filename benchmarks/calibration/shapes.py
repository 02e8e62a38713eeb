"""Shapes of requests for aircraft: every section by itself, then what makes requests differ otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

from deploy import SAMPLE_MODEL
from loaders.model.bound_sections import BoundSection
from loaders.model.loading import load_model
from loaders.model.names import camel
from loaders.model.shapes import Cardinality
from loaders.statements.section_request import graphql_name
from tests.queries import DASHBOARD, TRENDS, everything, leaves

ANALYSIS = [
    section
    for name, section in load_model(SAMPLE_MODEL).bound_sections.items()
    if name.startswith("Aircraft.analysis.")
]
SIZES = (1, 50, 500)
_FIRST_DAY = date(1950, 1, 1)
_days = iter(range(40_000))


def unseen_period() -> dict[str, str]:
    """A period over all flights that no statement has had: so nothing of it is cached or planned."""
    return {"from": str(_FIRST_DAY + timedelta(days=next(_days)))}


@dataclass(frozen=True, slots=True)
class Shape:
    """A request; `periods` of its variables ($p0, $p1, …) are new ones each time that it is asked."""

    name: str
    query: str
    size: int = 1
    periods: int = 0
    variables: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    operations: int = 1
    """How often it is in one batch."""
    anonymous: str = "all"
    path: str = ""
    """Of another request than GraphQL's; `$ids` stands for the ids."""

    def body(self, ids: Sequence[str]) -> Any:
        """The request's JSON, for the first of these ids."""
        periods = {f"p{index}": unseen_period() for index in range(self.periods)}
        value = {"ids": list(ids[: self.size])} if "$ids" in self.query else {}
        item = {"query": self.query, "variables": {**value, **periods, **self.variables}}
        if self.extensions:
            item["extensions"] = dict(self.extensions)
        return item if self.operations == 1 else [item] * self.operations


def aircraft(selected: str, name: str, size: int, periods: int = 0, **options: Any) -> Shape:
    """A shape for aircraft by their ids."""
    declared = "".join(f", $p{index}: Period" for index in range(periods))
    query = f"query($ids: [ID!]!{declared}) {{ aircraftByIds(ids: $ids) {{ {selected} }} }}"
    return Shape(f"{name}, {size} ids", query, size, periods, **options)


def section_shapes(schema: GraphQLSchema) -> Iterator[Shape]:
    """Of documents, sections, lists, aliases, links, and what else is asked of aircraft by their ids."""
    yield from _documents(schema)
    yield from _sections(schema)
    yield from _lists(schema)
    yield from _aliases(schema)
    yield from _links()
    yield from _wide(schema)


def _documents(schema: GraphQLSchema) -> Iterator[Shape]:
    named = {"dashboard": DASHBOARD, "trends": TRENDS, "everything": everything(schema)}
    for name, query in named.items():
        for size in SIZES:
            yield Shape(f"{name}, {size} ids", query, size)


def selected(schema: GraphQLSchema, section: BoundSection, arguments: str = "", *, few: bool = False) -> str:
    """The section with all of its leaves, or with its first one."""
    declared = cast("GraphQLObjectType", schema.type_map["Analysis"])
    below = get_named_type(declared.fields[graphql_name(section)].type).name
    if few:
        item = camel(section.columns[0].name)
        body = f"{{ edges {{ node {{ {item} }} }} }}" if section.cardinality is Cardinality.PAGE else f"{{ {item} }}"
    else:
        body = leaves(schema, below)
    return f"{graphql_name(section)}{arguments} {body}"


def _sections(schema: GraphQLSchema) -> Iterator[Shape]:
    for section in ANALYSIS:
        name, whole = graphql_name(section), selected(schema, section)
        for size in SIZES:
            yield aircraft(f"analysis {{ {whole} }}", name, size)
            yield aircraft(f"analysis(period: $p0) {{ {whole} }}", f"{name}, new period", size, 1)
            yield aircraft(f"analysis {{ {selected(schema, section, few=True)} }}", f"{name}, one leaf", size)


def _lists(schema: GraphQLSchema) -> Iterator[Shape]:
    for section in ANALYSIS:
        if section.cardinality is Cardinality.ONE:
            continue
        for first in (1, min(section.max, 1_000)):
            for size in SIZES:
                text = selected(schema, section, f"(first: {first})")
                yield aircraft(f"analysis {{ {text} }}", f"{graphql_name(section)} first {first}", size)


def _aliases(schema: GraphQLSchema) -> Iterator[Shape]:
    for section in ANALYSIS:
        name, whole = graphql_name(section), selected(schema, section)
        if section.is_periodic:
            for count, size in ((10, 1), (4, 50), (2, 500)):
                text = " ".join(f"a{index}: analysis(period: $p{index}) {{ {whole} }}" for index in range(count))
                yield aircraft(text, f"{name}, {count} new periods", size, count)
        same = " ".join(f"a{index}: {whole}" for index in range(20))
        yield aircraft(f"analysis {{ {same} }}", f"{name}, 20 aliases", 50)
        if section.cardinality is not Cardinality.ONE:
            text = " ".join(f"a{index}: {selected(schema, section, f'(first: {index + 1})')}" for index in range(10))
            yield aircraft(f"analysis {{ {text} }}", f"{name}, 10 firsts", 50)
        leaf = camel(section.columns[0].name)
        many = " ".join(f"a{index}: {leaf}" for index in range(25))
        body = f"{{ edges {{ node {{ {many} }} }} }}" if section.cardinality is Cardinality.PAGE else f"{{ {many} }}"
        yield aircraft(f"analysis {{ {name} {body} }}", f"{name}, leaf 25 times", 50)


def _links() -> Iterator[Shape]:
    airport = "{ id code name latitude longitude altitudeFeet utcOffsetHours timeZone }"
    for size in SIZES:
        yield aircraft("operator { id code name }", "operator", size)
        yield aircraft(f"homeBase {airport}", "homeBase", size)
        yield aircraft("operator { name } homeBase { name }", "operator and homeBase", size)
        for name, below in (("operator", "{ name }"), ("homeBase", airport)):
            text = " ".join(f"a{index}: {name} {below}" for index in range(25))
            yield aircraft(text, f"{name}, 25 aliases", size)
        for count, below in ((25, "{ name }"), (25, airport), (1, airport)):
            text = " ".join(f"a{index}: airport {below}" for index in range(count))
            wide = "wide " if below == airport else ""
            yield aircraft(
                f"analysis {{ airportsServed {{ {text} }} }}", f"airportsServed, {count} {wide}airports", size
            )
        text = " ".join(f"a{index}: airportsServed {{ airport {{ name }} }}" for index in range(25))
        yield aircraft(f"analysis {{ {text} }}", "airportsServed, 25 aliases with airport", size)
        text = " ".join(f"a{index}: airline {{ name }}" for index in range(25))
        yield aircraft(f"analysis {{ carriers {{ {text} }} }}", "carriers, 25 airlines", size)
        yield aircraft(f"analysis {{ carrierBenchmark {{ {text} }} }}", "carrierBenchmark, 25 airlines", size)
        yield aircraft("analysis { airportsServed { airport { __typename } } }", "airportsServed, __typename", size)


def _wide(schema: GraphQLSchema) -> Iterator[Shape]:
    registration = leaves(schema, "Registration")
    for size in SIZES:
        yield aircraft("id", "id", size)
        yield aircraft(" ".join(f"a{index}: id" for index in range(28)), "28 ids", size)
        yield aircraft(" ".join(f"a{index}: __typename" for index in range(28)), "28 __typename", size)
        flood = " ".join(f"a{index}: __typename" for index in range(28))
        yield aircraft(f"analysis {{ {flood} }}", "28 __typename of analysis", size)
        yield aircraft(f"analysis {{ daily {{ {flood} }} }}", "28 __typename of daily", size)
        yield aircraft(f"registration {registration}", "registration", size)
        yield aircraft(f"revisions {leaves(schema, 'Revision')}", "revisions", size)
        yield aircraft("revisions(first: 1000) { reason }", "revisions first 1000", size)
        firsts = " ".join(
            f"a{index}: revisions(first: {index + 1}) {leaves(schema, 'Revision')}" for index in range(20)
        )
        yield aircraft(firsts, "revisions, 20 firsts", size)
        same = " ".join(f"a{index}: analysis {{ punctuality {{ flights }} }}" for index in range(28))
        yield aircraft(same, "28 analyses", size)
        yield aircraft(" ".join(f"a{index}: registration {{ model }}" for index in range(28)), "28 registrations", size)
        skipped = " ".join(f"{graphql_name(item)} @skip(if: true) {{ __typename }}" for item in ANALYSIS[:40])
        yield aircraft(f"id analysis {{ __typename {skipped} }}", "40 skipped sections", size)
        yield aircraft("id analysis @include(if: false) { punctuality { flights } }", "left out", size)
        yield aircraft(
            f"id analysis {{ {' '.join(selected(schema, item) for item in ANALYSIS[:10])} }}", "10 sections", size
        )
