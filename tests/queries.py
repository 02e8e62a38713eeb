"""Queries that several tests ask: the acceptance queries, and every section of the analysis at once."""

from pathlib import Path

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

_QUERIES = Path(__file__).parents[1] / "benchmarks" / "queries"
DASHBOARD = (_QUERIES / "dashboard.graphql").read_text()
TRENDS = (_QUERIES / "trends.graphql").read_text()


def leaves(schema: GraphQLSchema, type_name: str) -> str:
    """The selection set of a type: all of its leaves, and those of the objects that it leads to."""
    declared = schema.type_map[type_name]
    assert isinstance(declared, GraphQLObjectType)
    selected = []
    for name, field in declared.fields.items():
        below = get_named_type(field.type)
        selected.append(f"{name} {leaves(schema, below.name)}" if isinstance(below, GraphQLObjectType) else name)
    return "{ " + " ".join(selected) + " }"


def everything(schema: GraphQLSchema) -> str:
    """A query for every section of the analysis with all of its leaves, and all else that an aircraft has."""
    return "query Everything($ids: [ID!]!) { aircraftByIds(ids: $ids) " + leaves(schema, "Aircraft") + " }"
