"""The schema of a model: types, arguments, defaults, nullability, scopes, and the model's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, assert_valid_schema, parse, validate

from loaders.model.loading import load_model
from loaders.model.places import Place
from loaders.model.problems import ModelError
from resolvers.descriptions import describe
from resolvers.scopes import missing_scope
from tests.loaders.model.models import RIGHT, load
from tests.resolvers.schemas import named, schema_of

FLEET_SCHEMA = Path(__file__).parents[2] / "schema.graphql"
CORE, TYPES = named("deploy.analytics.model")


def field(path: str) -> Any:
    """Return a field by `Type.field`."""
    type_name, name = path.split(".")
    declared = CORE.type_map[type_name]
    return declared.fields[name]


def test_the_model_of_the_fleet_has_the_schema_of_the_fleet() -> None:
    schema, _ = schema_of(load_model("deploy.fleet.model"))
    assert schema.as_str() + "\n" == FLEET_SCHEMA.read_text()


def test_the_schema_of_tenants_is_valid() -> None:
    assert_valid_schema(CORE)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Member.id", "ID!"),
        ("Member.nodeId", "ID!"),
        ("Member.email", "String"),
        ("Member.role", "Role!"),
        ("Member.tags", "[String!]!"),
        ("Member.settings", "JSON!"),
        ("Member.avatar", "Base64"),
        ("Member.label", "String!"),
        ("Member.invoices", "InvoiceConnection"),
        ("Member.lastInvoice", "Invoice"),
        ("Member.projects", "[Project!]"),
        ("Member.billing", "Billing"),
        ("Member.usage", "Usage!"),
        ("Usage.byMonth", "[ActivityMonth!]"),
        ("SentEvent.project", "Project"),
        ("SentEvent.sentAt", "DateTime!"),
        ("ProjectUse.projectId", "UUID!"),
        ("Activity.actions", "BigInt!"),
        ("Activity.spent", "Decimal!"),
        ("InvoiceConnection.totalCount", "Int!"),
        ("InvoiceEdge.node", "Invoice!"),
        ("Invoice.member", "Member"),
        ("Query.members", "MemberConnection!"),
        ("Query.membersByIds", "[Member]!"),
        ("Query.node", "Node"),
        ("MemberFilter.role", "[Role!]"),
        ("InvoiceFilter.total", "DecimalRange"),
        ("InvoiceFilter.issuedFrom", "DateTime"),
    ],
)
def test_fields_have_the_types_of_their_annotations(path: str, expected: str) -> None:
    assert str(field(path).type) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Query.member", "id: ID!"),
        ("Query.memberByEmail", "email: String!"),
        ("Query.membersByIds", "ids: [ID!]!"),
        ("Query.members", "first: Int = 20, after: String, filter: MemberFilter, orderBy: MemberOrder"),
        ("Member.invoices", "first: Int = 20, after: String, filter: InvoiceFilter, orderBy: InvoiceOrder"),
        ("Member.projects", "first: Int = 50, filter: ProjectFilter, orderBy: ProjectOrder"),
        ("Member.activity", "slowMs: Int = 500, period: Period"),
        ("Member.usage", "period: Period"),
        ("Usage.activity", "slowMs: Int = 500"),
        ("Usage.byMonth", "first: Int = 24, timeZone: String"),
        ("Usage.byProject", "first: Int = 5, by: Ranking = EVENTS"),
        ("Member.lastInvoice", ""),
        ("Query.workspace", ""),
    ],
)
def test_fields_have_the_arguments_that_their_words_and_their_sql_name(path: str, expected: str) -> None:
    (printed,) = _printed_arguments(path)
    assert printed == expected


def _printed_arguments(path: str) -> list[str]:
    from graphql import ast_from_value, print_ast

    written = []
    for name, argument in field(path).args.items():
        default = ""
        if argument.default_value is not None and str(argument.default_value) != "Undefined":
            node = ast_from_value(argument.default_value, argument.type)
            default = f" = {print_ast(node)}" if node is not None else ""
        written.append(f"{name}: {argument.type}{default}")
    return [", ".join(written)]


def test_what_is_hidden_is_no_field() -> None:
    assert "invoiceId" not in CORE.type_map["InvoiceLine"].fields
    assert list(CORE.type_map["InvoiceLine"].fields) == ["id", "nodeId", "lineNo", "text", "amount"]


def test_a_column_that_is_not_shown_is_for_functions_and_orders_alone(tmp_path: Path) -> None:
    text = RIGHT.replace('m.column(unit="EUR")', "m.column(shown=False)")
    text = text.replace('m.sql("count()", "Events.")', 'm.sql("count()", "Events.", shown=False)')
    schema, _ = schema_of(load(tmp_path, text))
    types = schema._schema.type_map
    of_order, of_use = types["Order"], types["Use"]
    assert isinstance(of_order, GraphQLObjectType)
    assert isinstance(of_use, GraphQLObjectType)
    assert list(of_order.fields)[:4] == ["id", "nodeId", "state", "label"]  # the label is made of the total
    assert list(of_use.fields) == ["p95"]


def test_a_deprecated_field_says_why() -> None:
    assert field("Member.nickname").deprecation_reason == "Use label."


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("Member.email", "pii:read"),
        ("Member.label", "pii:read"),  # it is computed from the address
        ("Member.invoices", "billing:read"),
        ("Member.lastInvoice", "billing:read"),
        ("Member.projects", "project:read"),
        ("Member.activity", "analysis:read"),
        ("Usage.byMonth", "analysis:read"),
        ("SentEvent.project", "project:read"),
        ("Invoice.member", "member:read"),
        ("Query.member", "member:read"),
        ("Query.memberByEmail", "pii:read"),
        ("Query.plan", "billing:read"),
    ],
)
def test_a_field_needs_the_scopes_of_all_that_it_reads(path: str, scope: str) -> None:
    everything = TYPES.parts.field_scopes
    assert not missing_scope(field(path), everything)
    assert list(missing_scope(field(path), everything - {scope})) == [scope]


def test_a_section_over_both_stores_needs_the_scopes_of_both() -> None:
    rank = field("Member.activityRank")
    assert [list(missing_scope(rank, frozenset([item]))) for item in ("analysis:read", "member:read")] == [
        ["member:read"],
        ["analysis:read"],
    ]


def test_a_node_needs_any_scope_of_an_object_type() -> None:
    assert not missing_scope(field("Query.node"), frozenset(["project:read"]))
    needed = missing_scope(field("Query.node"), frozenset(["pii:read"]))
    assert sorted(needed) == ["billing:read", "member:read", "project:read", "workspace:read"]


def test_types_refer_to_each_other_in_circles() -> None:
    document = parse("{ member(id: 1) { invoices { nodes { member { invoices { nodes { member { id } } } } } } } }")
    assert validate(CORE, document) == []
    assert isinstance(CORE.type_map["Member"], GraphQLObjectType)


def test_two_schemas_of_one_model_share_no_type() -> None:
    model = load_model("deploy.analytics.model")
    (_, item), (_, other) = schema_of(model), schema_of(model)
    assert item.query is not other.query
    assert not {id(each) for each in item.types} & {id(each) for each in other.types}


@pytest.mark.parametrize("coordinate", ["Mem", "Member.emial", "Query.member(ids:)", "Role.GUESTS", "Member.", ""])
def test_a_description_of_nothing_is_an_error(coordinate: str) -> None:
    core, _ = named("deploy.analytics.model")
    with pytest.raises(ModelError, match=r"model.py:7  Model: descriptions= has .* names nothing of the schema"):
        describe(core, {coordinate: "text"}, Place("model.py", 7))


def test_a_misspelt_description_is_told_what_is_close() -> None:
    core, _ = named("deploy.analytics.model")
    with pytest.raises(ModelError, match=r'Did you mean "Member.email"'):
        describe(core, {"Member.emial": "text"}, Place("model.py", 7))


def test_descriptions_take_the_place_of_the_gateways() -> None:
    core, _ = named("deploy.analytics.model")
    describe(
        core,
        {"Member": "A.", "Member.id": "B.", "Query.member(id:)": "C.", "Role.GUEST": "D.", "MemberFilter.tag": "E."},
        Place("model.py", 7),
    )
    types = core.type_map
    assert types["Member"].description == "A."
    assert types["Member"].fields["id"].description == "B."
    assert types["Query"].fields["member"].args["id"].description == "C."
    assert types["Role"].values["GUEST"].description == "D."
    assert types["MemberFilter"].fields["tag"].description == "E."


def test_the_fleet_needs_the_scopes_that_it_needed() -> None:
    core, _ = named("deploy.fleet.model")
    needed: dict[str, tuple[tuple[str, ...], ...]] = {}
    for name, declared in core.type_map.items():
        for field_name, each in declared.fields.items() if isinstance(declared, GraphQLObjectType) else ():
            definition = each.extensions.get("strawberry-definition")
            if extensions := getattr(definition, "extensions", ()):
                needed[f"{name}.{field_name}"] = tuple(extension.scopes for extension in extensions)
    either, register, analysis = ("register:read", "analysis:read"), ("register:read",), ("analysis:read",)
    assert needed == {
        **dict.fromkeys(("Query.aircraft", "Query.aircraftByIds", "Query.node", "Query.nodes"), (either,)),
        **dict.fromkeys(("Query.fleet", "Query.airport", "Query.airline"), (register,)),
        "Aircraft.analysis": (analysis,),
        **{f"Aircraft.{item}": (register,) for item in ("registration", "revisions", "operator", "homeBase")},
        **{f"Analysis.{item}": (register,) for item in ("registration", "revisions", "age", "manufacturerShare")},
        **{f"Analysis.{item}": (register,) for item in ("seatRank", "peers", "modelBenchmark")},
        **{f"{item}.airport": (register,) for item in ("AirportService", "FarthestDestination")},
        **{f"{item}.airline": (register,) for item in ("CarrierUse", "CarrierBenchmark")},
    }
