"""Names that a scaffolded model gives."""

from gateway.model_tools.scaffold.names import FieldNames, TypeNames, VariableNames, identifier, member_names


def test_an_identifier_hides_nothing_that_annotations_name() -> None:
    names = ["class", "int", "2fa", "type", "日本", "Order Date"]
    assert [identifier(name) for name in names] == ["class_", "int_", "n2fa", "type", "value", "order_date"]


def test_fields_that_graphql_would_call_alike_have_different_names() -> None:
    names = FieldNames()
    assert names.take("address_2") == "address_2"
    assert names.take("address2", "second_address") == "second_address"
    assert names.take("address2") == "address2_2"
    assert names.take("node_id", "own_node_id") == "own_node_id"


def test_a_type_keeps_the_names_of_what_belongs_to_it() -> None:
    names = TypeNames()
    assert names.take("order", "order_row") == "Order"
    assert names.take("order_filter", "order_filter_row") == "OrderFilterRow"
    assert names.take("node", "node_row") == "NodeRow"
    assert names.take_alone("order") == "Order2"
    assert names.take("2fa") == "T2fa"


def test_a_variable_hides_no_builtin() -> None:
    names = VariableNames()
    assert [names.take("list"), names.take("orders"), names.take("orders")] == ["list_table", "orders", "orders_2"]
    assert names.take("class") == "class_table"


def test_members_of_enums_have_names_of_graphql() -> None:
    labels = ["PG-13", "in progress", "IN_PROGRESS", "1", "", "true", "日本"]
    names = ["PG_13", "IN_PROGRESS", "IN_PROGRESS_2", "N1", "EMPTY", "TRUE", "OTHER"]
    assert list(member_names(labels).values()) == names
