"""The fleet's model says what the fleet's schema says: types, fields, nullability and descriptions."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, build_schema, print_ast

from loaders.model.class_reader import DeclaredField
from loaders.model.loading import load_model
from loaders.model.model import Model
from loaders.model.shapes import Cardinality, ValueKind
from loaders.statements.request_shape import never_null

SCHEMA = build_schema((Path(__file__).parents[3] / "schema.graphql").read_text())


@pytest.fixture(scope="module")
def model() -> Model:
    """The fleet's."""
    return load_model("deploy.fleet.model")


def _graphql_type(declared: DeclaredField) -> str:
    """The type in the schema that follows from a field's shape and word."""
    shape, word = declared.shape, declared.word
    assert shape is not None
    name = shape.scalar.name if shape.scalar is not None else shape.type.__name__
    may_fail = word is not None and word.name == "section" and not declared.option("required")
    end = "" if shape.nullable or may_fail else "!"
    if shape.cardinality is Cardinality.LIST:
        return f"[{name}{'' if shape.items_nullable else '!'}]{end}"
    if shape.cardinality is Cardinality.PAGE:
        return f"{name}Connection{end}"
    return f"{name}{end}"


def test_sections_have_the_fields_of_the_schema(model: Model) -> None:
    for section in model.sections.values():
        declared = SCHEMA.type_map[section.name]
        assert isinstance(declared, GraphQLObjectType)
        expected = [(name, str(field.type), field.description or "") for name, field in declared.fields.items()]
        result = [(field.graphql_name, _graphql_type(field), field.description) for field in section.fields]
        assert expected == result, section.name


def test_the_analysis_has_every_section_in_order(model: Model) -> None:
    declared = SCHEMA.type_map["Analysis"]
    assert isinstance(declared, GraphQLObjectType)
    fields = model.groups["Analysis"].fields
    assert [(name, str(field.type)) for name, field in declared.fields.items()] == [
        (field.graphql_name, _graphql_type(field)) for field in fields
    ]
    for field in fields:
        assert field.shape is not None
        section = model.sections[field.shape.type.__name__]
        assert declared.fields[field.graphql_name].description == section.description
        arguments = declared.fields[field.graphql_name].args
        if "first" in arguments:
            node = arguments["first"].ast_node
            assert node is not None
            assert print_ast(node).endswith(f"first: Int = {field.option('first')}")
            assert f"0 to {field.option('max'):,}" in str(arguments["first"].description)
        assert ("first" in arguments) == (field.shape.cardinality is not Cardinality.ONE)


def test_objects_have_the_fields_of_the_schema(model: Model) -> None:
    for name, object_type in model.objects.items():
        declared = SCHEMA.type_map[name]
        assert isinstance(declared, GraphQLObjectType)
        expected = {key: str(field.type) for key, field in declared.fields.items() if key not in ("id", "nodeId")}
        assert {field.graphql_name: _graphql_type(field) for field in object_type.fields} == expected


def test_filters_and_orders_have_the_members_of_the_schema(model: Model) -> None:
    filters, members = SCHEMA.type_map["FleetFilter"], SCHEMA.type_map["FleetOrderField"]
    assert isinstance(filters, GraphQLInputObjectType)
    assert isinstance(members, GraphQLEnumType)
    assert [field.graphql_name for field in model.filters["FleetFilter"].fields] == list(filters.fields)
    assert [field.name.upper() for field in model.orders["FleetOrder"].fields] == list(members.values)


def test_orders_of_the_fleet_are_never_null_and_so_read_along_their_indexes(model: Model) -> None:
    page = model.bound_sections["Query.fleet"]
    terms = {name: page.with_tie_break((member.term(),)) for name, member in page.orders.items()}
    assert set(terms) == {"tail_number", "revised_at", "seats", "year"}
    assert [name for name, order in terms.items() if not all(never_null(page, term) for term in order)] == []


def test_the_ways_in_are_those_of_the_schema(model: Model) -> None:
    assert SCHEMA.query_type is not None
    assert [root.graphql_name for root in model.roots] == list(SCHEMA.query_type.fields)
    for root in model.roots:
        assert root.shape is not None
        answer = "Node" if root.shape.kind is ValueKind.NODE else root.shape.type.__name__
        assert answer in str(SCHEMA.query_type.fields[root.graphql_name].type)


def test_a_period_narrows_the_sections_that_read_flights(model: Model) -> None:
    uses = {
        name.removeprefix("Aircraft.analysis."): use
        for name, use in model.bound_sections.items()
        if ".analysis." in name
    }
    periodic = {name for name, use in uses.items() if use.is_periodic}
    assert {name for name in uses if name not in periodic} == {
        *("peers", "registration", "revisions", "age", "manufacturer_share", "seat_rank")
    }
    assert {"streaks", "rotations", "fleet_rank", "model_benchmark"} <= periodic
