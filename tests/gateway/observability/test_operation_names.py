"""Which operations have a label of their own."""

from gateway.observability.operation_names import MAX_NAMES, MIN_COUNT, WINDOW, OperationNames
from gateway.persisted import Persisted
from loaders.instruments import OTHER


def _labels(names: OperationNames, name: str, count: int) -> list[str]:
    return [names.label(name) for _ in range(count)]


def test_names_of_trusted_documents_have_labels_from_the_start() -> None:
    assert OperationNames(["Dashboard"]).label("Dashboard") == "Dashboard"


def test_a_frequent_name_gets_a_label() -> None:
    assert _labels(OperationNames(), "Dashboard", MIN_COUNT + 1) == [OTHER] * (MIN_COUNT - 1) + ["Dashboard"] * 2


def test_a_name_is_not_frequent_for_having_been_asked_for_now_and_then() -> None:
    names = OperationNames()
    labels = []
    for window in range(MIN_COUNT):
        labels += _labels(names, "Rare", 1)
        for index in range(WINDOW - 1):
            names.label(f"Made_{window}_{index}")

    assert set(labels) == {OTHER}


def test_a_client_that_makes_up_names_gets_no_more_labels_than_the_bound() -> None:
    names = OperationNames(["Trusted"])
    for index in range(10 * MAX_NAMES):
        _labels(names, f"Made_{index}", MIN_COUNT)
    labels = {names.label(f"Made_{index}") for index in range(10 * MAX_NAMES)}

    assert len(labels - {OTHER}) == MAX_NAMES
    assert names.label("Trusted") == "Trusted"


def test_names_that_say_something_else_or_are_long_have_no_label() -> None:
    names = OperationNames()

    assert set(_labels(names, OTHER, 20) + _labels(names, "N" * 65, 20)) == {OTHER}


def test_operations_without_a_name_and_those_that_were_not_read_are_told_apart() -> None:
    names = OperationNames()

    assert [names.label(name) for name in ("", "unknown", "batch", "export")] == [
        "unnamed",
        "unknown",
        "batch",
        "export",
    ]


def test_a_manifest_names_its_operations() -> None:
    documents = {"1": "query Dashboard($ids: [ID!]!) { a }", "2": "{ b }", "3": "mutation\n  Rename { c }"}

    assert Persisted("trusted", documents).operation_names == {"Dashboard", "Rename"}
